/**
 * Commits of one member: records and offsets in one transaction, checked by the broker against the group's generation.
 *
 * Two transactional ids in turn, `<group>.<instance>.a` and `.b`: after a commit its markers are still being written, and the
 * same id would be told CONCURRENT_TRANSACTIONS until they are. Three waits a commit: partitions and offsets are added
 * (sent together), records and offsets are written (together), the end is decided.
 */
import type { Clock } from '../../clock.js';
import { ConfabError } from '../../errors.js';
import { partitionOf } from '../../partitioner.js';
import type { AppendedOffsets, CommitGroup, NewRecord } from '../event-log.js';
import { NoAnswer, type Network } from '../kafkajs-protocol.js';
import { codeName, KafkaCode, LOST_PLACE, LOST_PRODUCER, refusal, STALE_COORDINATOR } from './codes.js';
import { byTopic, type Coordinators, type Directory } from './directory.js';
import type { KafkaMetrics } from './metrics.js';
import { Batch, Batcher, halves, Producer, type Policy } from './producer.js';
import type { GroupPlace } from './requests-group.js';
import { boundOf, recordBytes } from './record-encoder.js';
import { addOffsetsToTxn, addPartitionsToTxn, describeTransaction, endTxn, initProducerId, txnOffsetCommit, type Identity } from './requests-transaction.js';

export interface TransactionsOptions {
  readonly network: Network;
  readonly directory: Directory;
  readonly coordinators: Coordinators;
  readonly clock: Clock;
  readonly group: string;
  readonly metrics: KafkaMetrics;
  readonly transactionTimeoutMillis: number;
  readonly maxRecordBytes: number;
  readonly maxBatchBytes: number;
  readonly maxRequestBytes: number;
}

export const SIDES = ['a', 'b'] as const;
const MAX_METADATA_BYTES = 4_096;
const PAUSE_MILLIS = { first: 1, most: 50 };

interface Side {
  readonly id: string;
  producer: Producer | undefined;
  /** It has decided a transaction whose markers may still be on their way. */
  decided: boolean;
}

export class Transactions {
  private instance: string | undefined;
  private sides: readonly Side[] = [];
  private next = 0;
  /** Partitions that may hold records of an id without their marker: of its last transactions, until one is decided or the id is finished. */
  private readonly written = new Map<string, readonly Batch<number>[]>();

  constructor(private readonly options: TransactionsOptions) {}

  /** @throws as `Assignment.commit` */
  async commit(instance: string, place: GroupPlace, group: CommitGroup): Promise<AppendedOffsets> {
    check(group, this.options.maxRecordBytes);
    if (group.records.length === 0 && group.offsets.length === 0) return [];
    const started = this.options.clock.monotonic();
    const until = started + this.options.transactionTimeoutMillis * 0.8;
    try {
      const side = await this.side(instance, until);
      const offsets = await this.transaction(side, place, group, until);
      side.decided = true;
      this.options.metrics.committed(this.options.group, (this.options.clock.monotonic() - started) / 1_000);
      return offsets;
    } catch (error) {
      // A broker that went away may have lost markers of the transactions before.
      if (error instanceof NoAnswer || (error instanceof ConfabError && error.retryable)) for (const { producer } of this.sides) if (producer) producer.worn = true;
      if (error instanceof NoAnswer) throw new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: error.message, cause: error });
      throw error;
    }
  }

  /** Finishes both ids of an instance: what it left open is aborted, what it had decided is complete before this resolves. */
  async fence(instance: string): Promise<void> {
    if (instance === this.instance) this.instance = undefined;
    const until = this.options.clock.monotonic() + this.options.transactionTimeoutMillis;
    await Promise.all(SIDES.map((side) => this.finish(`${this.options.group}.${instance}.${side}`, until)));
  }

  /**
   * Resolves when the markers of all that was committed are written. A successor that finds the offsets would otherwise
   * read topics whose markers come later, and miss records of a commit that the offsets include.
   */
  async settle(): Promise<void> {
    const until = this.options.clock.monotonic() + this.options.transactionTimeoutMillis;
    await Promise.all(this.sides.map(async (side) => {
      if (!side.decided) return;
      side.decided = false;
      const { network, directory, clock } = this.options;
      side.producer = new Producer(await this.finish(side.id, until), { network, directory, clock });
    }));
  }

  /**
   * The identity with which the id goes on, once its last transaction is complete: the coordinator gives it only then.
   * A cluster whose last broker shuts down may count a transaction as complete whose markers were never written (seen with
   * 4.3: partitions without a leader are taken for deleted ones). Its offsets stay pending and its partitions hide what
   * follows, for ever. Both belong to the producer, whatever its epoch, so an empty transaction that ends like the last one
   * settles them: the group's offsets always, the partitions where this process remembers them.
   */
  private async finish(id: string, until: number): Promise<Identity> {
    const { state } = await this.coordinated(id, until, async (node) => {
      const found = await this.options.network.send(node, describeTransaction(id));
      return found.code === KafkaCode.NONE || found.code === KafkaCode.TRANSACTIONAL_ID_NOT_FOUND ? found : found.code;
    });
    const identity = await this.initialise(id, until);
    const committed = state === 'CompleteCommit' || state === 'PrepareCommit';
    if (!committed && state !== 'CompleteAbort' && state !== 'PrepareAbort') return identity;
    await this.add(identity, this.written.get(id) ?? [], true, until);
    await this.coordinated(id, until, async (node) => {
      const code = await this.options.network.send(node, endTxn(identity, committed));
      return code === KafkaCode.NONE ? { done: true } : code;
    });
    this.written.delete(id);
    return identity;
  }

  private async side(instance: string, until: number): Promise<Side & { producer: Producer }> {
    if (this.instance !== instance) {
      this.instance = instance;
      this.sides = SIDES.map((side) => ({ id: `${this.options.group}.${instance}.${side}`, producer: undefined, decided: false }));
    }
    const side = this.sides[this.next] as Side;
    this.next = 1 - this.next;
    if (!side.producer || side.producer.worn) {
      // Both at once the first time: the second commit should not wait again.
      await Promise.all(this.sides.map(async (each) => {
        if (each.producer && !each.producer.worn) return;
        const { network, directory, clock } = this.options;
        each.producer = new Producer(await (each.producer ? this.finish(each.id, until) : this.initialise(each.id, until)), { network, directory, clock });
      }));
    }
    return side as Side & { producer: Producer };
  }

  private initialise(id: string, until: number): Promise<Identity> {
    return this.coordinated(id, until, async (node) => {
      const { code, producerId, epoch } = await this.options.network.send(node, initProducerId(id, this.options.transactionTimeoutMillis));
      return code === KafkaCode.NONE ? { transactionalId: id, producerId, epoch } : code;
    });
  }

  /** Asks the coordinator of a transactional id until it gives something else than "not now" or "not me". */
  private async coordinated<T>(id: string, until: number, ask: (node: number) => Promise<T | number>): Promise<T> {
    const { clock, coordinators } = this.options;
    for (let pause = PAUSE_MILLIS.first; ; pause = Math.min(pause * 2, PAUSE_MILLIS.most)) {
      let answer: T | number | NoAnswer;
      try {
        answer = await ask(await coordinators.node('transaction', id));
      } catch (error) {
        if (!(error instanceof NoAnswer) && !(error instanceof ConfabError && error.retryable)) throw error;
        answer = error instanceof NoAnswer ? error : KafkaCode.COORDINATOR_NOT_AVAILABLE;
      }
      if (typeof answer !== 'number' && !(answer instanceof NoAnswer)) return answer;
      const again = coordinators.stale('transaction', id, answer) || answer === KafkaCode.CONCURRENT_TRANSACTIONS;
      if (!again || clock.monotonic() >= until) throw answer instanceof NoAnswer ? answer : refusal(answer, id);
      await clock.sleep(pause);
    }
  }

  private async transaction({ id, producer }: Side & { producer: Producer }, place: GroupPlace, group: CommitGroup, until: number): Promise<AppendedOffsets> {
    const work = await this.place(group.records);
    const partitions = work.batches.map(({ topic, partition }) => new Batch<number>(topic, partition));
    this.written.set(id, [...this.written.get(id) ?? [], ...partitions]);
    try {
      await this.add(producer.identity, work.batches, group.offsets.length > 0, until);
      await both(
        this.write(producer, work, until),
        group.offsets.length > 0 ? this.writeOffsets(producer.identity, place, group, until) : Promise.resolve(),
      );
    } catch (error) {
      // Nothing of it is ever committed: the id is initialised before it is used again. Readers wait less when told now.
      producer.worn = true;
      await this.abort(id, producer.identity);
      throw error;
    }
    await this.end(id, producer, until);
    this.written.set(id, partitions);
    return work.offsets;
  }

  private async place(records: readonly NewRecord[]): Promise<{ batches: readonly Batch<number>[]; offsets: number[] }> {
    const { directory, maxBatchBytes } = this.options;
    const batcher = new Batcher<number>(() => maxBatchBytes);
    const counts = new Map<string, number>();
    for (let index = 0; index < records.length; index += 1) {
      const record = records[index] as NewRecord;
      let count = counts.get(record.topic);
      if (count === undefined) counts.set(record.topic, count = (await directory.topic(record.topic)).leaders.length);
      const partition = record.partition ?? (record.key === null ? 0 : partitionOf(record.key, count));
      if (partition >= count) throw new ConfabError('CONFAB_PARTITION_UNKNOWN', { detail: `${record.topic}/${partition}` });
      batcher.add(record, partition, index);
    }
    return { batches: batcher.batches, offsets: new Array<number>(records.length) };
  }

  private async add(identity: Identity, batches: readonly Batch<number>[], offsets: boolean, until: number): Promise<void> {
    const { network, group } = this.options;
    const id = identity.transactionalId ?? '';
    const partitions = [...new Map(batches.map((batch) => [`${batch.topic}/${batch.partition}`, batch])).values()];
    const topics = byTopic(partitions, ({ partition }) => partition);
    await this.coordinated(id, until, async (node) => {
      // Sent together: the broker takes the requests of a connection in order.
      const [codes, offsetsCode] = await Promise.all([
        topics.length > 0 ? network.send(node, addPartitionsToTxn(identity, topics)) : [],
        offsets ? network.send(node, addOffsetsToTxn(identity, group)) : KafkaCode.NONE,
      ]);
      // Where one partition is refused the others answer OPERATION_NOT_ATTEMPTED.
      const bad = codes.filter(({ code }) => code !== KafkaCode.NONE && code !== OPERATION_NOT_ATTEMPTED)[0];
      if (bad?.code === KafkaCode.UNKNOWN_TOPIC_OR_PARTITION) this.options.directory.forget(bad.topic);
      return bad?.code ?? (offsetsCode === KafkaCode.NONE ? { done: true } : offsetsCode);
    });
  }

  private async write(producer: Producer, work: { batches: readonly Batch<number>[]; offsets: number[] }, until: number): Promise<void> {
    if (work.batches.length === 0) return;
    const policy: Policy<number> = {
      written: (batch, baseOffset) => { batch.refs.forEach((index, at) => { work.offsets[index] = baseOffset + at; }); },
      refused: (batch, code) => {
        const parts = code === KafkaCode.MESSAGE_TOO_LARGE || code === KafkaCode.RECORD_LIST_TOO_LARGE ? halves(batch) : undefined;
        if (parts) return parts;
        throw refusal(code, `${batch.topic}/${batch.partition}`);
      },
      again: (batch, reason) => {
        if (this.options.clock.monotonic() < until) return [batch];
        throw new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: reason });
      },
      dropped: (batch) => { throw new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: `${batch.topic}/${batch.partition}` }); },
    };
    await producer.send(work.batches, this.options.maxRequestBytes, policy);
  }

  private async writeOffsets(identity: Identity, place: GroupPlace, { offsets }: CommitGroup, until: number): Promise<void> {
    const { network, coordinators, clock } = this.options;
    const topics = byTopic(offsets, ({ partition, offset, metadata }) => ({ partition, offset, metadata }));
    for (let pause = PAUSE_MILLIS.first; ; pause = Math.min(pause * 2, PAUSE_MILLIS.most)) {
      let failed: number | NoAnswer;
      try {
        const codes = await network.send(await coordinators.node('group', place.group), txnOffsetCommit(identity, place, topics));
        const bad = codes.find(({ code }) => code !== KafkaCode.NONE);
        if (!bad) return;
        failed = bad.code;
      } catch (error) {
        if (!(error instanceof NoAnswer)) throw error;
        failed = error;
      }
      const again = coordinators.stale('group', place.group, failed) || failed === KafkaCode.CONCURRENT_TRANSACTIONS;
      if (!again || clock.monotonic() >= until) throw failed instanceof NoAnswer ? failed : offsetsRefusal(failed, place);
      await clock.sleep(pause);
    }
  }

  /** Asked again after a missing answer: the coordinator knows whether it was decided. */
  private async end(id: string, producer: Producer, until: number): Promise<void> {
    const { network, clock, coordinators } = this.options;
    let unanswered = false;
    for (let pause = PAUSE_MILLIS.first; ; pause = Math.min(pause * 2, PAUSE_MILLIS.most)) {
      let failed: number | NoAnswer;
      try {
        failed = await network.send(await coordinators.node('transaction', id), endTxn(producer.identity, true));
        if (failed === KafkaCode.NONE) return;
        // The decision may stand in the coordinator's log although it could not be acknowledged, and come into force later.
        unanswered ||= STALE_COORDINATOR.has(failed) || failed === KafkaCode.REQUEST_TIMED_OUT || failed === KafkaCode.UNKNOWN_SERVER_ERROR;
      } catch (error) {
        if (error instanceof ConfabError && error.retryable) failed = KafkaCode.COORDINATOR_NOT_AVAILABLE;
        else if (error instanceof NoAnswer) { failed = error; unanswered ||= error.sent; } else throw error;
      }
      const again = coordinators.stale('transaction', id, failed) || (failed === KafkaCode.CONCURRENT_TRANSACTIONS && unanswered);
      if (again && clock.monotonic() < until) { await clock.sleep(pause); continue; }
      producer.worn = true;
      const reason = failed instanceof NoAnswer ? failed.message : codeName(failed);
      if (unanswered) throw new ConfabError('CONFAB_LOG_OUTCOME_UNKNOWN', { detail: `the end of the transaction: ${reason}` });
      throw failed instanceof NoAnswer ? failed : refusal(failed === KafkaCode.INVALID_TXN_STATE ? KafkaCode.PRODUCER_FENCED : failed, id);
    }
  }

  /** Best effort: the broker ends it by itself after the transaction time-out. */
  private async abort(id: string, identity: Identity): Promise<void> {
    try {
      await this.options.network.send(await this.options.coordinators.node('transaction', id), endTxn(identity, false));
    } catch { /* the next use of the id, or the time-out, aborts it */ }
  }
}

const OPERATION_NOT_ATTEMPTED = 55;

function offsetsRefusal(code: number, place: GroupPlace): ConfabError {
  const detail = `${place.group}, generation ${place.generation}`;
  if (LOST_PLACE.has(code) || LOST_PRODUCER.has(code) || code === KafkaCode.REBALANCE_IN_PROGRESS || code === KafkaCode.INVALID_TXN_STATE) return new ConfabError('CONFAB_FENCED', { detail: `${detail}: ${codeName(code)}` });
  return refusal(code, detail);
}

/** What can be told without asking. */
function check({ records, offsets }: CommitGroup, maxRecordBytes: number): void {
  for (const { topic, partition, metadata } of offsets) {
    if (metadata.length * 3 > MAX_METADATA_BYTES && Buffer.byteLength(metadata) > MAX_METADATA_BYTES) {
      throw new ConfabError('CONFAB_METADATA_TOO_LARGE', { detail: `${topic}/${partition}: ${Buffer.byteLength(metadata)} bytes` });
    }
  }
  for (const record of records) {
    if (boundOf(record) > maxRecordBytes && recordBytes(record) > maxRecordBytes) throw new ConfabError('CONFAB_RECORD_TOO_LARGE', { detail: `a record for ${record.topic} has ${recordBytes(record)} bytes, the log takes ${maxRecordBytes}` });
  }
}

/** Waits for both even when one fails: nothing may be under way when the transaction is ended. */
async function both(...work: Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  // A fenced member is told so, whatever else went wrong.
  const failed = results.filter((result) => result.status === 'rejected').map((result) => result.reason as unknown);
  const fenced = failed.find((error) => error instanceof ConfabError && error.code === 'CONFAB_FENCED');
  if (failed.length > 0) throw fenced ?? failed[0];
}
