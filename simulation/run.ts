/** One seed, from the first message to the verdict. */
import { checkAcceptance } from './checker/acceptance.js';
import { CommitWatch } from './checker/commits.js';
import { checkEffects } from './checker/effects.js';
import { readHistory } from './checker/history.js';
import { Ledger } from './checker/ledger.js';
import { checkOutcomes } from './checker/outcomes.js';
import { checkStreams } from './checker/streams.js';
import { TimerWatch } from './checker/timers.js';
import { checkCounts, checkStore } from './checker/views.js';
import type { Invariant, Violation } from './checker/violation.js';
import type { NewRecord } from '../platform/event-log/event-log.js';
import { partitionOf } from '../platform/partitioner.js';
import type { Observer } from './broker.js';
import { Dice } from './dice.js';
import { Fleet } from './faults.js';
import { Follower } from './followers.js';
import { planOf, type Plan } from './plan.js';
import { Traffic } from './traffic.js';
import { World, type Programme, type Sabotage } from './world.js';

export interface RunOptions {
  readonly programme: Programme;
  readonly sabotage?: Sabotage;
  /** Keeps the lines of the trace. */
  readonly trace?: boolean;
}

export interface RunReport {
  readonly plan: Plan;
  readonly violations: readonly Violation[];
  /** Hash of the trace: the same for every run of the seed. */
  readonly digest: string;
  readonly events: number;
  readonly accepted: number;
  readonly faults: ReadonlyMap<string, number>;
  /** Timers that came. */
  readonly timers: number;
  /** Effects that more than one process asked for, under one key. */
  readonly repeatedEffects: number;
  readonly lines: readonly string[];
  /** Simulated time, milliseconds. */
  readonly elapsed: number;
}

const STEP = 1000;
/** Clocks that stamp differ from the true time by no more, milliseconds. */
const STAMPS = 2000;
/** Timers that are due so soon are waited for; others are for another day. */
const SOON = 3_600_000;
/** How long after the last fault everything may take, milliseconds: claims in doubt, transactions left open, indexes made again. */
const DRAIN_MILLIS = 180_000;
/** How long sockets and stores may take once the log is done. */
const SETTLE_MILLIS = 12_000;
/** Violations of one run that are told. */
const MOST = 20;

export async function runSeed(seed: number, options: RunOptions): Promise<RunReport> {
  const plan = planOf(seed);
  const violations: Violation[] = [];
  const report = (invariant: Invariant, detail: string, ...positions: string[]): void => {
    if (violations.length < MOST) violations.push({ invariant, detail, positions });
  };
  const ledger = new Ledger(report);
  const place = ({ partition, key }: NewRecord): number => partition ?? partitionOf(key ?? '', plan.partitions);
  const commits = new CommitWatch(options.programme.codec, place, report);
  const timers = new TimerWatch({ codec: options.programme.codec, partitionOf: place, now: () => world.clock.now(), skew: STAMPS, report });
  const world = await World.create(plan, options.programme, options.sabotage ?? {}, both(commits, timers), options.trace ?? false);
  const conversations = Array.from({ length: plan.conversations }, (_, index) => `c${index}`);
  const fleet = new Fleet(world, new Dice(seed, 'faults'), conversations);
  const traffic = new Traffic({ world, dice: new Dice(seed, 'traffic'), ledger, servers: () => fleet.takers });
  const followers = conversations.flatMap((conversation, index) => [true, false].map((careful) => new Follower(
    { world, dice: new Dice(seed, `follower ${conversation} ${careful}`), ledger, servers: () => fleet.servers },
    `${careful ? 'f' : 'g'}${index}`, conversation, careful, careful || index % 3 > 0,
  )));
  fleet.start();
  traffic.start(conversations);
  for (const follower of followers) startFollower(world, follower, new Dice(seed, follower.name));

  await world.clock.advance(plan.duration);
  await fleet.heal();
  const drained = await waitUntil(world, () => traffic.idle && commits.done && timers.due(world.clock.now() + SOON).length === 0, DRAIN_MILLIS);
  if (!drained) report('drained', traffic.idle ? 'inputs are not finished or not committed, or timers have not come' : 'senders still have no answer', ...commits.open, ...timers.due(world.clock.now()));
  // What turned out to be accepted lies before where they follow from.
  for (const follower of followers) if (follower.careful) follower.cut();
  await world.clock.advance(SETTLE_MILLIS);

  const history = await readHistory(world.log, options.programme.codec);
  checkAcceptance(ledger, history, world.epoch, report);
  await checkOutcomes(history, { programme: options.programme, epoch: world.epoch, timers: timers.changes }, report);
  checkEffects(history, { service: world.service, bots: options.programme.bots, epoch: world.epoch }, report);
  const accepted = new Set(ledger.attempts.flatMap(({ conversation, accepted: known }) => (known === undefined ? [] : `${conversation} ${known.position}`)));
  checkStreams({ followers, accepted }, history, world.epoch, report);
  checkCounts(history, report);
  await checkStore(history, world.memory, report);
  return {
    plan, violations, digest: world.trace.digest(), events: world.trace.count, accepted: ledger.accepted,
    faults: fleet.counts, timers: timers.come, repeatedEffects: world.service.book.filter(({ key, askers }) => key !== undefined && new Set(askers).size > 1).length, lines: world.trace.lines, elapsed: world.trace.elapsed,
  };
}

function both(...observers: readonly Observer[]): Observer {
  return {
    appended: (...event) => { for (const each of observers) each.appended(...event); },
    committed: (...event) => { for (const each of observers) each.committed(...event); },
  };
}

/** Connects, and loses its connection now and then as long as there are faults. */
function startFollower(world: World, follower: Follower, dice: Dice): void {
  const cuts = (): void => {
    world.clock.after(dice.wait(8000), () => {
      if (!world.faulty) return;
      follower.cut();
      cuts();
    });
  };
  world.clock.after(dice.wait(2000), () => { follower.connect(); cuts(); });
}

async function waitUntil(world: World, reached: () => boolean, limit: number): Promise<boolean> {
  for (let waited = 0; waited < limit; waited += STEP) {
    if (reached()) return true;
    await world.clock.advance(STEP);
  }
  return reached();
}
