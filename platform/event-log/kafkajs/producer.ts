/**
 * One producer identity: sequence numbers, batches, attempts. One batch a partition is in flight at any time, and a batch
 * that had no answer is sent again byte for byte, so the broker recognises it: repeated, never doubled, never reordered.
 */
import type { Clock } from '../../clock.js';
import { NoAnswer, type Network } from '../kafkajs-protocol.js';
import type { NewRecord } from '../event-log.js';
import { codeName, KafkaCode, STALE_LEADER } from './codes.js';
import { byLeader, byTopic, type Directory } from './directory.js';
import { BATCH_OVERHEAD, boundOf, encodeBatch } from './record-encoder.js';
import { produce, type Identity, type Produced } from './requests-transaction.js';

/** Records of one partition that are written together. `refs` says for each whose it is. */
export class Batch<R> {
  encoded: Buffer | undefined;
  /** It may have reached a broker. */
  sent = false;
  bytes = BATCH_OVERHEAD;
  readonly records: NewRecord[] = [];
  readonly refs: R[] = [];

  constructor(readonly topic: string, readonly partition: number) {}

  /** @param bound of the record, where the caller knows it */
  add(record: NewRecord, ref: R, bound = boundOf(record)): void {
    this.records.push(record);
    this.refs.push(ref);
    this.bytes += bound;
  }
}

/** What became of one batch in one attempt. */
type Outcome =
  | { readonly kind: 'written'; readonly baseOffset: number }
  | { readonly kind: 'refused'; readonly code: number; readonly records: readonly number[] }
  | { readonly kind: 'again'; readonly reason: string };

export interface ProducerDependencies { readonly network: Network; readonly directory: Directory; readonly clock: Clock }

/** Decides what happens to batches; each method is called once for a batch. */
export interface Policy<R> {
  written(batch: Batch<R>, baseOffset: number): void;
  /** The broker refused it: nothing of it was written. Returns what is to be sent in its place. */
  refused(batch: Batch<R>, code: number, records: readonly number[]): Batch<R>[];
  /** Before a batch is tried once more. Returns what to try: the batch itself, less of it if it was not sent, or nothing. */
  again(batch: Batch<R>, reason: string): Batch<R>[];
  /** True when records of a batch that was never sent must not be sent any more: it goes to `again` instead. */
  stale?(batch: Batch<R>): boolean;
  /** It was not sent, and cannot be sent by this producer any more. */
  dropped(batch: Batch<R>): void;
}

const PRODUCE_TIMEOUT_MILLIS = 4_000;
const PAUSE_MILLIS = { first: 5, most: 200 };
/** The sequence number is an int32 and wraps; it is never let come near. */
const LAST_SEQUENCE = 2_000_000_000;

/** A leader that steps down after it has appended says the same as one that was none: the new leader may have the batch. */
const MAYBE_APPENDED: readonly number[] = [KafkaCode.NOT_LEADER_OR_FOLLOWER, KafkaCode.KAFKA_STORAGE_ERROR];
/** Refusals that another attempt may mend; the broker did not append. */
const NOT_APPENDED = new Set<number>([...[...STALE_LEADER].filter((code) => !MAYBE_APPENDED.includes(code)), KafkaCode.NOT_ENOUGH_REPLICAS, KafkaCode.CORRUPT_MESSAGE, KafkaCode.CONCURRENT_TRANSACTIONS]);
/** The leader has it or may have it: the same batch once more. */
const APPENDED = new Set<number>([...MAYBE_APPENDED, KafkaCode.REQUEST_TIMED_OUT, KafkaCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND, KafkaCode.UNKNOWN_SERVER_ERROR]);
/** The broker's idea of the producer differs from ours: this identity is of no more use. */
const STATE: ReadonlySet<number> = new Set([
  KafkaCode.OUT_OF_ORDER_SEQUENCE_NUMBER, KafkaCode.DUPLICATE_SEQUENCE_NUMBER, KafkaCode.UNKNOWN_PRODUCER_ID, KafkaCode.INVALID_PRODUCER_EPOCH,
]);

export class Producer {
  private readonly sequences = new Map<string, number>();
  /** It cannot go on: a sequence is nearly used up, or the state at the broker is not known. */
  worn = false;

  constructor(readonly identity: Identity, private readonly dependencies: ProducerDependencies, private readonly lastSequence = LAST_SEQUENCE) {}

  /** Sends all batches; those of one partition one after the other, in the order given. */
  async send<R>(batches: readonly Batch<R>[], maxRequestBytes: number, policy: Policy<R>): Promise<void> {
    const queues = new Map<string, Batch<R>[]>();
    for (const batch of batches) {
      const key = `${batch.topic}/${batch.partition}`;
      const queue = queues.get(key);
      if (queue) queue.push(batch);
      else queues.set(key, [batch]);
    }
    let pause = PAUSE_MILLIS.first;
    while (queues.size > 0) {
      const round = firstOf(queues, maxRequestBytes);
      const outcomes = await this.attempt(round.map(([, queue]) => queue[0] as Batch<R>), policy);
      let waiting = false;
      round.forEach(([key, queue], index) => {
        waiting = this.settle(queue, outcomes[index] as Outcome, policy) || waiting;
        if (queue.length === 0) queues.delete(key);
      });
      if (waiting && queues.size > 0) {
        await this.dependencies.clock.sleep(pause);
        pause = Math.min(pause * 2, PAUSE_MILLIS.most);
      }
    }
  }

  /** True when the batch waits for another attempt. */
  private settle<R>(queue: Batch<R>[], outcome: Outcome, policy: Policy<R>): boolean {
    const batch = queue[0] as Batch<R>;
    const key = `${batch.topic}/${batch.partition}`;
    queue.shift();
    if (outcome.kind !== 'written') {
      const rest = outcome.kind === 'again' ? policy.again(batch, outcome.reason) : policy.refused(batch, outcome.code, outcome.records);
      // Given up without knowing whether it was written: its sequence number must not be used for anything else, the
      // broker would take that for a repetition and drop it.
      if ((rest.length === 0 && batch.sent) || (outcome.kind === 'refused' && STATE.has(outcome.code))) {
        this.worn = true;
        for (const left of [...rest, ...queue.splice(0)]) policy.dropped(left);
        return false;
      }
      queue.unshift(...rest);
      return outcome.kind === 'again';
    }
    const next = (this.sequences.get(key) ?? 0) + batch.records.length;
    this.sequences.set(key, next);
    if (next > this.lastSequence) this.worn = true;
    policy.written(batch, outcome.baseOffset);
    return false;
  }

  private async attempt<R>(batches: readonly Batch<R>[], policy: Policy<R>): Promise<Outcome[]> {
    const { directory } = this.dependencies;
    const outcomes: Map<Batch<R>, Outcome> = new Map();
    const reasons = new Map<string, string>();
    for (const topic of new Set(batches.map((batch) => batch.topic))) {
      if (!directory.cached(topic)) await directory.topic(topic).catch((error: unknown) => { reasons.set(topic, error instanceof Error ? error.message : ''); });
    }
    // Looked at now: lookups, pauses and batches before it may have taken long.
    const fresh = policy.stale === undefined ? batches : batches.filter((batch) => batch.sent || policy.stale?.(batch) !== true);
    const nodes = byLeader(fresh, ({ topic, partition }) => directory.cached(topic)?.leaders[partition] ?? -1);
    await Promise.all([...nodes].map(async ([node, group]) => {
      if (node < 0) for (const batch of group) outcomes.set(batch, { kind: 'again', reason: reasons.get(batch.topic) ?? 'the partition has no leader' });
      else await this.request(node, group, outcomes);
    }));
    return batches.map((batch) => outcomes.get(batch) ?? { kind: 'again', reason: 'the broker gave no answer for the partition' });
  }

  private async request<R>(node: number, group: readonly Batch<R>[], outcomes: Map<Batch<R>, Outcome>): Promise<void> {
    const { directory, network } = this.dependencies;
    const topics = byTopic(group, (batch) => {
      batch.encoded ??= encodeBatch(batch.records, this.identity, this.sequences.get(`${batch.topic}/${batch.partition}`) ?? 0);
      return { partition: batch.partition, bytes: batch.encoded };
    });
    const before = group.map((batch) => batch.sent);
    for (const batch of group) batch.sent = true;
    try {
      const answers = await network.send(node, produce(this.identity.transactionalId, PRODUCE_TIMEOUT_MILLIS, topics));
      const index = new Map(answers.map((answer) => [`${answer.topic}/${answer.partition}`, answer]));
      group.forEach((batch, at) => {
        const answer = index.get(`${batch.topic}/${batch.partition}`);
        if (answer) outcomes.set(batch, this.judge(batch, answer, before[at] ?? false));
      });
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      group.forEach((batch, at) => {
        batch.sent = error.sent || (before[at] ?? false);
        directory.forget(batch.topic);
        outcomes.set(batch, { kind: 'again', reason: error.message });
      });
    }
  }

  private judge<R>(batch: Batch<R>, { code, baseOffset, refused }: Produced, sentBefore: boolean): Outcome {
    if (code === KafkaCode.NONE) return { kind: 'written', baseOffset };
    if (STALE_LEADER.has(code)) this.dependencies.directory.forget(batch.topic);
    if (APPENDED.has(code)) return { kind: 'again', reason: codeName(code) };
    batch.sent = sentBefore;
    if (NOT_APPENDED.has(code)) return { kind: 'again', reason: codeName(code) };
    return { kind: 'refused', code, records: refused };
  }
}

/** The first batch of each partition, as many as fit into a request. */
function firstOf<R>(queues: Map<string, Batch<R>[]>, maxRequestBytes: number): [string, Batch<R>[]][] {
  const round: [string, Batch<R>[]][] = [];
  let bytes = 0;
  for (const [key, queue] of queues) {
    const first = queue[0];
    if (!first) continue;
    bytes += first.bytes;
    if (round.length > 0 && bytes > maxRequestBytes) break;
    round.push([key, queue]);
  }
  return round;
}

/** Puts records into batches by partition; a new batch where one would exceed `maxBatchBytes`. */
export class Batcher<R> {
  readonly batches: Batch<R>[] = [];
  private readonly open = new Map<string, Map<number, Batch<R>>>();

  constructor(private readonly maxBatchBytes: (topic: string) => number) {}

  add(record: NewRecord, partition: number, ref: R): void {
    let partitions = this.open.get(record.topic);
    if (!partitions) { partitions = new Map<number, Batch<R>>(); this.open.set(record.topic, partitions); }
    let batch = partitions.get(partition);
    const bound = boundOf(record);
    if (!batch || batch.bytes + bound > this.maxBatchBytes(record.topic)) {
      batch = new Batch(record.topic, partition);
      partitions.set(partition, batch);
      this.batches.push(batch);
    }
    batch.add(record, ref, bound);
  }
}

/** The batch in two, or undefined when it has one record only. */
export function halves<R>(batch: Batch<R>): [Batch<R>, Batch<R>] | undefined {
  if (batch.records.length < 2) return undefined;
  const middle = batch.records.length >> 1;
  const parts: [Batch<R>, Batch<R>] = [new Batch(batch.topic, batch.partition), new Batch(batch.topic, batch.partition)];
  batch.records.forEach((record, index) => { parts[index < middle ? 0 : 1].add(record, batch.refs[index] as R); });
  return parts;
}

/** The batch without the records that `drop` names, or nothing when none is left. */
export function without<R>(batch: Batch<R>, drop: (ref: R, index: number) => boolean): Batch<R>[] {
  const rest = new Batch<R>(batch.topic, batch.partition);
  batch.records.forEach((record, index) => {
    const ref = batch.refs[index] as R;
    if (!drop(ref, index)) rest.add(record, ref);
  });
  return rest.records.length === 0 ? [] : [rest];
}
