/** One point: a process is stopped there, its successor takes over, it is continued, and nothing may come of it. */
import { eventually } from '../../platform/testing.js';
import type { Bots } from '../../processors/bot/index.js';
import { nameOf, type Point } from './points.js';
import { Site, type Servers, type Snapshot } from './site.js';
import { Victim } from './victim.js';

/** Longer than the session time-out (6 s) and the transaction time-out (10 s) of the program. */
const STOPPED_MILLIS = 13_000;
/** Within this the successor has taken over and every partition's readers have gone on. */
export const LIMIT_MILLIS = 10_000;
/** Where to wait for something that a loaded machine may take long for. */
const PATIENCE_MILLIS = 90_000;
const AFTER_MILLIS = 1_000;

export interface Outcome {
  readonly point: string;
  /** From the stop until the successor owned the partitions; until the slowest partition's readers went on. */
  readonly successorMillis: number;
  readonly silenceMillis: number;
  readonly stoppedMillis: number;
  /** Time that this process itself was kept from the processor meanwhile: not the system's doing. */
  readonly stolenMillis: number;
  /** One of the two took longer than the limit, on time that this process had. */
  readonly slow: boolean;
  /** What it had sent last. */
  readonly trail: string;
  readonly faults: readonly string[];
}

export async function proveAt(point: Point, servers: Servers, bots: Bots): Promise<Outcome> {
  const site = await Site.open(servers);
  let victim: Victim | undefined;
  try {
    site.startTraffic();
    victim = await Victim.start({ point, env: site.env });
    const trail = await victim.stopped(PATIENCE_MILLIS);
    const timing = await takeOver(site, bots);
    const faults = await revive(site, victim);
    const slow = Math.max(timing.successorMillis, timing.silenceMillis) - timing.stolenMillis > LIMIT_MILLIS;
    return { point: nameOf(point), ...timing, slow, trail, faults: [...faults, ...await aftermath(site)] };
  } finally {
    await victim?.end();
    await site.close();
  }
}

async function takeOver(site: Site, bots: Bots): Promise<Pick<Outcome, 'successorMillis' | 'silenceMillis' | 'stoppedMillis' | 'stolenMillis'>> {
  const stopped = performance.now();
  const stolen = new Lateness();
  await site.startSuccessor(bots);
  await eventually('the successor has taken over', () => site.successorReady, PATIENCE_MILLIS);
  const successorMillis = performance.now() - stopped;
  await eventually('readers go on, and the time-outs are over', () => site.silence(stopped, performance.now()) > 0 && performance.now() - stopped > STOPPED_MILLIS, PATIENCE_MILLIS);
  await site.stopTraffic();
  await eventually('all is answered', () => site.allAnswered, PATIENCE_MILLIS);
  const last = Math.max(...site.arrivals.map(({ at }) => at));
  return { successorMillis, silenceMillis: site.silence(stopped, last), stoppedMillis: performance.now() - stopped, stolenMillis: stolen.end() };
}

/** Continues the process while nothing is sent: what appears now, it has done. */
async function revive(site: Site, victim: Victim): Promise<string[]> {
  const before = await site.snapshot();
  const names = [...victim.instances];
  victim.continue();
  await victim.until('it has joined again', () => victim.instances.length > names.length, PATIENCE_MILLIS);
  const fresh = victim.instances.at(-1) ?? '';
  return [
    ...differences(before, await site.snapshot()),
    ...(names.includes(fresh) ? [`it joined again under its old name ${fresh}`] : []),
  ];
}

/** Both work on, and all that was ever sent has one answer. */
async function aftermath(site: Site): Promise<string[]> {
  site.startTraffic();
  await new Promise((resolve) => { setTimeout(resolve, AFTER_MILLIS); });
  await site.stopTraffic();
  await eventually('all is answered', () => site.allAnswered, PATIENCE_MILLIS);
  let faults: string[] = [];
  // The view in Redis follows the commit.
  await eventually('topics and Redis are as they should be', async () => { faults = await site.judge(); return faults.length === 0; }, 10_000).catch(() => undefined);
  return faults;
}

function differences(before: Snapshot, after: Snapshot): string[] {
  const faults: string[] = [];
  for (const [topic, records] of after.records) {
    const known = new Set(before.records.get(topic));
    const added = records.filter((record) => !known.has(record));
    if (added.length > 0 || records.length !== known.size) faults.push(`${topic} changed after it was continued: ${added.length} more`);
  }
  for (const [key, value] of after.states) if (before.states.get(key) !== value) faults.push(`the state of ${key} in Redis changed after it was continued`);
  if (after.states.size !== before.states.size) faults.push('states appeared in Redis, or are gone');
  return faults;
}

/** By how much timers came late, summed up. */
class Lateness {
  private late = 0;
  private last = performance.now();
  private readonly timer = setInterval(() => {
    const now = performance.now();
    this.late += Math.max(0, now - this.last - 2 * TICK_MILLIS);
    this.last = now;
  }, TICK_MILLIS);

  end(): number {
    clearInterval(this.timer);
    return this.late;
  }
}

const TICK_MILLIS = 20;
