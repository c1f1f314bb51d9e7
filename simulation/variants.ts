/**
 * Systems that are broken on purpose, each in one of the parts that the pipeline stands on: what the checker must find. A
 * simulation that finds none of them would prove nothing by finding nothing in the real one.
 */
import type { Outbox } from '../egress/outbox/outbox.js';
import type { ClaimIndex } from '../ingress/acceptance/claim-index/claim-index.js';
import type { Assignment, CommitGroup, CommittedOffset, TopicPartition } from '../platform/event-log/event-log.js';
import { ConfabError, isCode } from '../platform/errors.js';
import type { StateStore } from '../platform/state/state-store.js';
import type { AnyPartitionStage, AnyResult } from '../processors/runner/any-stage.js';
import type { StageInput } from '../processors/stage.js';
import { Broker, type Transaction } from './broker.js';
import type { Invariant } from './checker/violation.js';
import type { Plan } from './plan.js';
import type { Sabotage } from './world.js';

export interface Variant {
  readonly what: string;
  readonly sabotage: Sabotage;
  /** Where it matters: other runs would find it too, later. */
  readonly suits?: (plan: Plan) => boolean;
  /** What the checker says of it, one of these. */
  readonly breaks: readonly Invariant[];
}

/** Takes commits of members whose generation has ended, and of instances that were fenced, as a broker takes TxnOffsetCommit v1. */
class Unfenced extends Broker {
  protected override checkGeneration(_assignment: Assignment): void { /* whoever comes is welcome */ }
  protected override checkProducer(_instance: string): void { /* as above */ }
}

/** Says that nothing is pending on offsets, as a broker answers OffsetFetch without `require_stable`. */
class Unstable extends Broker {
  protected override pendingOffset(_group: string, _at: TopicPartition): boolean { return false; }
  override fence(_instance: string): Promise<void> { return Promise.resolve(); }
}

/** Shows a partition before its markers are written to who asks for its settled end. Markers of partitions come long after those of a group's offsets, as they may. */
class Unsettled extends Broker {
  protected override markerMillis(key: string): number { return key.split('/').length === 2 ? 2000 : super.markerMillis(key); }
  override async settledEnd(topic: string, partition: number): Promise<number> { return this.visibleEnd(topic, partition); }
}

/** Shows what was never committed: records of transactions that are aborted stay. */
class Uncommitted extends Broker {
  override abort(transaction: Transaction, why: string): void {
    if (transaction.state === 'open' && transaction.commit.records.length > 0) void this.append(transaction.commit.records).catch(() => undefined);
    super.abort(transaction, why);
  }
}

/** Writes the offsets of a transaction although its records were not. */
class Torn extends Broker {
  override async begin(assignment: Assignment, group: string, instance: string, commit: CommitGroup): Promise<Transaction> {
    const transaction = await super.begin(assignment, group, instance, commit);
    if (commit.records.length > 0) await this.log.transact(group, { records: [], offsets: commit.offsets }, () => undefined);
    return transaction;
  }
}

/** Forgets now and then what a group has committed beyond its offset. */
class Forgetful extends Broker {
  override async committed(group: string, partitions: readonly TopicPartition[], stable: boolean): Promise<CommittedOffset[]> {
    const found = await super.committed(group, partitions, stable);
    return found.map((each) => (each.offset !== null && each.offset > 3 && this.parts.dice.chance(0.3) ? { ...each, offset: each.offset - 3 } : each));
  }
}

/** Takes every write, also one that is older than what stands there, and never says that it lost something. */
function careless(store: StateStore): StateStore {
  return {
    ...bound(store),
    read: async (view, partition, keys) => {
      const read = await store.read(view, partition, keys);
      return read.watermark === undefined ? read : { ...read, watermark: { ...read.watermark, offset: Number.MAX_SAFE_INTEGER } };
    },
    write: async (view, partition, entries, watermark) => {
      const { watermark: standing } = await store.read(view, partition, []);
      if (standing === undefined) await store.reset(view, partition, watermark.epoch);
      return store.write(view, partition, entries, watermark, 0);
    },
  };
}

/** Writes the state before the commit could be decided: here, of one turn less. */
function stale(store: StateStore): StateStore {
  return { ...bound(store), write: (view, partition, entries, watermark, expected) => store.write(view, partition, entries.slice(0, -1), watermark, expected) };
}

function bound(store: StateStore): StateStore {
  return {
    kind: store.kind, read: store.read.bind(store), write: store.write.bind(store), reset: store.reset.bind(store), check: store.check.bind(store), close: store.close.bind(store),
  };
}

/** Forgets a key as soon as it is claimed. */
function forgetting(index: ClaimIndex): ClaimIndex {
  const claim: ClaimIndex['claim'] = async (partition, requests) => {
    const answers = await index.claim(partition, requests);
    return answers === undefined ? undefined : { ...answers, known: answers.known.map(() => undefined) };
  };
  return Object.create(index, { claim: { value: claim } }) as ClaimIndex;
}

/** Says that it is complete whatever it has lost. */
function boasting(outbox: Outbox): Outbox {
  return { kind: outbox.kind, append: outbox.append.bind(outbox), read: async (...asked) => { const read = await outbox.read(...asked); return { ...read, complete: true }; }, close: outbox.close.bind(outbox) };
}

/** A timers stage with one habit exchanged. */
function timers(change: (real: AnyPartitionStage) => Partial<AnyPartitionStage>): Sabotage {
  return { timers: (real) => ({ ...real, ...change(real) }) };
}

const tombstone = ({ value }: StageInput): boolean => value === null;

/** Where something goes wrong all the time: what takes an unlucky moment has one soon. */
const stormy = ({ faultEvery }: Plan): boolean => faultEvery < 2000;
/** Where transactions are given up as well. */
const aborting = (plan: Plan): boolean => stormy(plan) && (plan.faults.abort ?? 0) + (plan.faults.kill ?? 0) > 4;
/** Where processes die with transactions open. */
const dying = (plan: Plan): boolean => stormy(plan) && (plan.faults.kill ?? 0) > 2 && plan.weather.hop >= 2;
/** Where zombies come back. */
const stopping = (plan: Plan): boolean => stormy(plan) && (plan.faults['long stop'] ?? 0) > 2;

export const VARIANTS: readonly Variant[] = [
  { what: 'a log that ignores the generation of a commit', sabotage: { broker: (parts) => new Unfenced(parts) }, suits: stopping, breaks: ['one outcome', 'answered in order', 'commit behind work', 'state once', 'counted once'] },
  { what: 'a log that hands out offsets on which a commit is pending', sabotage: { broker: (parts) => new Unstable(parts) }, suits: stormy, breaks: ['one outcome', 'answered in order', 'commit behind work', 'state once', 'counted once'] },
  { what: 'a log whose settled end is not settled', sabotage: { broker: (parts) => new Unsettled(parts) }, suits: (plan) => stormy(plan) && (plan.faults.kill ?? 0) + (plan.faults.restart ?? 0) > 4, breaks: ['state once', 'function of the input', 'counted once'] },
  { what: 'a log that shows what was aborted', sabotage: { broker: (parts) => new Uncommitted(parts) }, suits: aborting, breaks: ['one outcome', 'answered in order', 'state once'] },
  { what: 'a log that commits offsets without their records', sabotage: { broker: (parts) => new Torn(parts) }, suits: dying, breaks: ['one outcome', 'drained', 'commit behind work'] },
  { what: 'a log that forgets committed offsets', sabotage: { broker: (parts) => new Forgetful(parts) }, breaks: ['one outcome', 'commit behind work', 'answered in order'] },
  { what: 'an appender that tries again where the outcome is not known', sabotage: { appender: (real) => ({
    append: (records) => real.append(records).catch((error: unknown) => { if (isCode(error, 'CONFAB_LOG_OUTCOME_UNKNOWN')) return real.append(records); throw error; }),
    close: () => real.close(),
  }) }, breaks: ['accepted once'] },
  { what: 'an appender that says "nothing was written" where it is not known', sabotage: { appender: (real) => ({
    append: (records) => real.append(records).catch(() => { throw new ConfabError('CONFAB_LOG_UNAVAILABLE'); }),
    close: () => real.close(),
  }) }, breaks: ['accepted once', 'refused never'] },
  { what: 'a state store that hides what it lost', sabotage: { state: careless }, suits: stormy, breaks: ['function of the input', 'state once', 'commit behind work', 'one outcome'] },
  { what: 'a state store that loses a write', sabotage: { state: stale }, breaks: ['function of the input', 'state once'] },
  { what: 'a claim index that forgets', sabotage: { index: forgetting }, breaks: ['accepted once'] },
  { what: 'an outbox that is never incomplete', sabotage: { outbox: boasting }, breaks: ['delivered once'] },
  { what: 'a timers stage that takes what it has read for new', sabotage: timers((real) => ({ restore: (records, partition) => real.restore(records, partition, 0) })), suits: stormy, breaks: ['timer once'] },
  { what: 'a timers stage that does not read back what it had', sabotage: timers((real) => ({ restore: (_records, partition, end) => real.restore([], partition, end) })), suits: stormy, breaks: ['drained'] },
  { what: 'a timers stage that ignores what is taken back', sabotage: timers((real) => ({ process: (inputs, memory, context) => real.process(inputs.filter((input) => !tombstone(input)), memory, context) })), breaks: ['timer in time', 'timer once'] },
  { what: 'a timers stage that is early', sabotage: timers(({ due }) => ({ due: due && {
    next: (memory) => { const at = due.next(memory); return at === undefined ? undefined : at - 500; },
    take: (memory, limit, context) => due.take(memory, limit, { ...context, now: () => context.now() + 500 }),
  } })), breaks: ['timer in time'] },
  { what: 'a timers stage that forgets the message and takes the timer away', sabotage: timers(({ due }) => ({ due: due && { next: due.next.bind(due), take: (...asked) => due.take(...asked).slice(1) } })), breaks: ['timer once'] },
  { what: 'actions whose key is of the process that calls', sabotage: { effects: (real, process) => ({ run: (request, call) => real.run({ ...request, tenant: process }, call) }) }, breaks: ['effect once'] },
  { what: 'actions whose results are not those that the server gave', sabotage: { effects: (real) => ({ run: async (request, call) => {
    const found = await real.run(request, call);
    return found.status === 'ok' ? { ...found, result: '{"number":999999}' } : found;
  } }) }, breaks: ['effect once'] },
  { what: 'a stage that depends on what ran before it in its process', sabotage: { stage: (name, real) => {
    let calls = 0;
    return name === 'intent' ? real : { ...real, position: real.position.bind(real), process: (input, state, context) => {
      calls += 1;
      const result = real.process(input, state, context) as AnyResult;
      const [output] = result.outputs;
      return output === undefined || calls % 10 > 0 ? result : { ...result, outputs: [{ ...output, value: { ...output.value as object, confidence: calls } }] };
    } };
  } }, breaks: ['function of the input'] },
];
