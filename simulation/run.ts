/** One seed, from the first message to the verdict. */
import { checkAcceptance } from './checker/acceptance.js';
import { CommitWatch } from './checker/commits.js';
import { readHistory } from './checker/history.js';
import { Ledger } from './checker/ledger.js';
import { checkOutcomes } from './checker/outcomes.js';
import { checkStreams } from './checker/streams.js';
import { checkCounts, checkStore } from './checker/views.js';
import type { Invariant, Violation } from './checker/violation.js';
import { partitionOf } from '../platform/partitioner.js';
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
  readonly lines: readonly string[];
  /** Simulated time, milliseconds. */
  readonly elapsed: number;
}

const STEP = 1000;
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
  const commits = new CommitWatch(options.programme.codec, ({ partition, key }) => partition ?? partitionOf(key ?? '', plan.partitions), report);
  const world = await World.create(plan, options.programme, options.sabotage ?? {}, commits, options.trace ?? false);
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
  const drained = await waitUntil(world, () => traffic.idle && commits.done, DRAIN_MILLIS);
  if (!drained) report('drained', traffic.idle ? 'inputs are not finished or not committed' : 'senders still have no answer', ...commits.open);
  // What turned out to be accepted lies before where they follow from.
  for (const follower of followers) if (follower.careful) follower.cut();
  await world.clock.advance(SETTLE_MILLIS);

  const history = await readHistory(world.log, options.programme.codec);
  checkAcceptance(ledger, history, world.epoch, report);
  checkOutcomes(history, options.programme, world.epoch, report);
  const accepted = new Set(ledger.attempts.flatMap(({ conversation, accepted: known }) => (known === undefined ? [] : `${conversation} ${known.position}`)));
  checkStreams({ followers, accepted }, history, world.epoch, report);
  checkCounts(history, report);
  await checkStore(history, world.memory, report);
  return {
    plan, violations, digest: world.trace.digest(), events: world.trace.count, accepted: ledger.accepted,
    faults: fleet.counts, lines: world.trace.lines, elapsed: world.trace.elapsed,
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
