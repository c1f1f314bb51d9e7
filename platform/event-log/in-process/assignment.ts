/** A member's share for one generation, on a log of one process. */
import { ConfabError } from '../../errors.js';
import type {
  AppendedOffsets, Assignment, CommitGroup, CommittedOffset, GroupOptions, OffsetToCommit, TopicPartition,
} from '../event-log.js';
import { Reader, type Pump, type Receiver } from './delivery.js';
import type { PartitionState } from './store.js';
import type { Writer } from './writer.js';

const MAX_METADATA_BYTES = 4_096;
const BATCH_RECORDS = 1_000;
const BATCH_BYTES = 1_048_576;

/** What an assignment needs of the log. */
export interface AssignmentLog {
  readonly writer: Writer;
  readonly pump: Pump;
  /** 0 for a topic that does not exist. */
  partitionCount(topic: string): number;
  partition(topic: string, partition: number): PartitionState;
  transact(group: string, commit: CommitGroup, check: () => void): Promise<AppendedOffsets>;
  committedBy(group: string, topic: string, partition: number): CommittedOffset;
}

export class InProcessAssignment implements Assignment {
  /** The listener's `assigned` has settled. */
  ready = false;
  ended = false;
  private readonly controller = new AbortController();
  private readonly readers = new Map<string, Map<number, Reader>>();

  constructor(
    readonly generation: number, readonly partitions: readonly number[], private readonly options: GroupOptions,
    private readonly log: AssignmentLog, private readonly receiver: Receiver,
  ) {}

  get signal(): AbortSignal { return this.controller.signal; }

  async committed(options: { stable: boolean }): Promise<CommittedOffset[]> {
    this.check();
    if (options.stable) await this.log.writer.settled();
    this.check();
    return this.share().map(({ topic, number }) => this.log.committedBy(this.options.group, topic.name, number));
  }

  /** What another member left open is at most one batch on its way to the store. */
  async fence(_instance: string): Promise<void> {
    this.check();
    await this.log.writer.settled();
    this.check();
  }

  async bounds(): Promise<(TopicPartition & { start: number; end: number })[]> {
    this.check();
    return this.share().map(({ topic, number, start, end }) => ({ topic: topic.name, partition: number, start, end }));
  }

  async start(offsets: readonly (TopicPartition & { offset: number })[]): Promise<void> {
    this.check();
    const limits = { maxRecords: this.options.maxBatchRecords ?? BATCH_RECORDS, maxBytes: this.options.maxBatchBytes ?? BATCH_BYTES };
    const found = offsets.map(({ topic, partition, offset }) => {
      if (!this.partitions.includes(partition) || !this.options.topics.includes(topic)) throw new ConfabError('CONFAB_PARTITION_UNKNOWN', { detail: `${topic}/${partition} is not assigned` });
      const state = this.log.partition(topic, partition);
      if (offset < state.start || offset > state.end) {
        throw new ConfabError('CONFAB_OFFSET_OUT_OF_RANGE', { detail: `${topic}/${partition}: ${offset} is not in ${state.start}…${state.end}` });
      }
      return { state, offset };
    });
    for (const { state, offset } of found) {
      let readers = this.readers.get(state.topic.name);
      if (!readers) this.readers.set(state.topic.name, readers = new Map<number, Reader>());
      readers.get(state.number)?.close();
      readers.set(state.number, new Reader(state, offset, limits, this.receiver, this.log.pump));
    }
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.check();
    for (const { topic, partition } of partitions) this.readers.get(topic)?.get(partition)?.pause();
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.check();
    for (const { topic, partition } of partitions) this.readers.get(topic)?.get(partition)?.resume();
  }

  async commit(_instance: string, group: CommitGroup): Promise<AppendedOffsets> {
    return this.log.transact(this.options.group, group, () => { this.check(); });
  }

  /** No more records; commits still pass. */
  stopReading(): void {
    for (const readers of this.readers.values()) for (const reader of readers.values()) reader.close();
  }

  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.stopReading();
    this.controller.abort(new ConfabError('CONFAB_FENCED', { detail: `generation ${this.generation} of ${this.options.group} has ended` }));
  }

  private share(): PartitionState[] {
    return this.options.topics.flatMap((topic) => this.partitions
      .filter((number) => number < this.log.partitionCount(topic))
      .map((number) => this.log.partition(topic, number)));
  }

  private check(): void {
    if (this.ended) throw new ConfabError('CONFAB_FENCED', { detail: `generation ${this.generation} of ${this.options.group} has ended` });
  }
}

/** @throws CONFAB_METADATA_TOO_LARGE, CONFAB_TOPIC_UNKNOWN, CONFAB_PARTITION_UNKNOWN */
export function checkOffsets(offsets: readonly OffsetToCommit[], log: Pick<AssignmentLog, 'partition'>): readonly OffsetToCommit[] {
  for (const { topic, partition, metadata } of offsets) {
    log.partition(topic, partition);
    if (metadata.length * 3 > MAX_METADATA_BYTES && Buffer.byteLength(metadata) > MAX_METADATA_BYTES) {
      throw new ConfabError('CONFAB_METADATA_TOO_LARGE', { detail: `${topic}/${partition}: ${Buffer.byteLength(metadata)} bytes` });
    }
  }
  return offsets;
}
