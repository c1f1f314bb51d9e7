/**
 * Commits of one member: records and offsets in one transaction, checked by the broker against the group's generation.
 *
 * Two transactional ids in turn, `<group>.<instance>.a` and `.b`: after a commit its markers are still being written, and the
 * same id would be told CONCURRENT_TRANSACTIONS until they are. Three waits a commit: partitions and offsets are added
 * (sent together), records and offsets are written (together), the end is decided.
 *
 * Offsets alone are committed without a transaction. So a new owner's name stands in the offsets before it opens its first
 * transaction, and whoever follows it knows whose transactions to end (docs/adr/0130).
 */
import { ConfabError } from '../../errors.js';
import { partitionOf } from '../../partitioner.js';
import type { AppendedOffsets, CommitGroup, NewRecord } from '../event-log.js';
import { NoAnswer } from '../kafkajs-protocol.js';
import { KafkaCode, refusal } from './codes.js';
import type { Topic } from './directory.js';
import type { KafkaMetrics } from './metrics.js';
import { checkMetadata, OffsetWriter } from './offset-writer.js';
import { Batcher, halves, Producer, type Batch, type Policy } from './producer.js';
import type { GroupPlace } from './requests-group.js';
import { boundOf, recordBytes } from './record-encoder.js';
import type { Identity } from './requests-transaction.js';
import { TransactionCoordinator, type TransactionCoordinatorOptions } from './transaction-coordinator.js';

export interface TransactionsOptions extends TransactionCoordinatorOptions {
  readonly metrics: KafkaMetrics;
  readonly maxRecordBytes: number;
  readonly maxBatchBytes: number;
  readonly maxRequestBytes: number;
  /** Records of one partition after which an id is initialised anew; for tests. */
  readonly lastSequence?: number;
}

export const SIDES = ['a', 'b'] as const;

interface Side {
  readonly id: string;
  producer: Producer | undefined;
  /** It has decided a transaction whose markers may still be on their way. */
  decided: boolean;
}

export class Transactions {
  private readonly coordinator: TransactionCoordinator;
  private readonly offsets: OffsetWriter;
  private instance: string | undefined;
  private sides: readonly Side[] = [];
  private next = 0;
  /** Partitions that may hold records of an id without their marker: of its last transactions, until one is decided or the id is finished. */
  private readonly written = new Map<string, readonly Place[]>();

  constructor(private readonly options: TransactionsOptions) {
    this.coordinator = new TransactionCoordinator(options);
    this.offsets = new OffsetWriter(options);
  }

  /** @throws as `Assignment.commit` */
  async commit(instance: string, place: GroupPlace, group: CommitGroup): Promise<AppendedOffsets> {
    checkMetadata(group.offsets);
    checkSizes(group.records, this.options.maxRecordBytes);
    if (group.records.length === 0 && group.offsets.length === 0) return [];
    const started = this.options.clock.monotonic();
    const until = started + this.options.transactionTimeoutMillis * 0.8;
    try {
      const offsets = group.records.length === 0 ? await this.offsetsAlone(place, group, until) : await this.inTurn(instance, place, group, until);
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
      side.producer = this.producer(await this.finish(side.id, until));
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
    const state = await this.coordinator.state(id, until);
    const identity = await this.coordinator.initialise(id, until);
    const committed = state === 'CompleteCommit' || state === 'PrepareCommit';
    if (!committed && state !== 'CompleteAbort' && state !== 'PrepareAbort') return identity;
    await this.coordinator.add(identity, this.written.get(id) ?? [], true, until);
    await this.coordinator.end(identity, committed, until);
    this.written.delete(id);
    return identity;
  }

  private producer(identity: Identity): Producer {
    const { network, directory, clock, lastSequence } = this.options;
    return new Producer(identity, { network, directory, clock }, lastSequence);
  }

  /** Nothing else becomes visible with them: one request, and no markers. */
  private async offsetsAlone(place: GroupPlace, { offsets }: CommitGroup, until: number): Promise<AppendedOffsets> {
    await this.offsets.alone(place, offsets, until);
    return [];
  }

  private async inTurn(instance: string, place: GroupPlace, group: CommitGroup, until: number): Promise<AppendedOffsets> {
    const side = await this.side(instance, until);
    const offsets = await this.transaction(side, place, group, until);
    side.decided = true;
    return offsets;
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
        each.producer = this.producer(await (each.producer ? this.finish(each.id, until) : this.coordinator.initialise(each.id, until)));
      }));
    }
    return side as Side & { producer: Producer };
  }

  private async transaction({ id, producer }: Side & { producer: Producer }, place: GroupPlace, group: CommitGroup, until: number): Promise<AppendedOffsets> {
    const work = await this.place(group.records);
    const partitions = work.batches.map(({ topic, partition }): Place => ({ topic, partition }));
    this.written.set(id, [...this.written.get(id) ?? [], ...partitions]);
    try {
      await this.coordinator.add(producer.identity, partitions, group.offsets.length > 0, until);
      await both(
        this.write(producer, work, until),
        group.offsets.length > 0 ? this.offsets.inTransaction(producer.identity, place, group.offsets, until) : Promise.resolve(),
      );
    } catch (error) {
      // Nothing of it is ever committed: the id is initialised before it is used again. Readers wait less when told now.
      producer.worn = true;
      await this.coordinator.abort(producer.identity);
      throw error;
    }
    try {
      await this.coordinator.decide(producer.identity, until);
    } catch (error) {
      producer.worn = true;
      throw error;
    }
    this.written.set(id, partitions);
    return work.offsets;
  }

  private async place(records: readonly NewRecord[]): Promise<{ batches: readonly Batch<number>[]; offsets: number[] }> {
    const { directory, maxBatchBytes } = this.options;
    const batcher = new Batcher<number>(() => maxBatchBytes);
    const topics = new Map<string, Topic>();
    for (let index = 0; index < records.length; index += 1) {
      const record = records[index] as NewRecord;
      let topic = topics.get(record.topic);
      if (topic === undefined) topics.set(record.topic, topic = await directory.topic(record.topic));
      const partition = record.partition ?? (record.key === null ? 0 : partitionOf(record.key, directory.spread(topic)));
      if (partition >= topic.leaders.length) throw new ConfabError('CONFAB_PARTITION_UNKNOWN', { detail: `${record.topic}/${partition}` });
      batcher.add(record, partition, index);
    }
    return { batches: batcher.batches, offsets: new Array<number>(records.length) };
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
}

interface Place { readonly topic: string; readonly partition: number }

function checkSizes(records: readonly NewRecord[], maxRecordBytes: number): void {
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
