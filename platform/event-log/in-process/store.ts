/**
 * What a log of one process stands on: a place for records, committed offsets and known keys. Reads are synchronous and
 * see whole batches only; writes are atomic and, where the store is durable, synced before they resolve. The log (log.ts)
 * calls `write`, `retain` and the topic methods one at a time; `compact` and `sweep` run beside them, one at a time. Faults are injected by wrapping a store.
 * Stores: memory.ts, embedded/lmdb-store.ts.
 */
import type { BatchLimits } from '../batch-limits.js';
import type { LogRecord, OffsetToCommit, TopicConfig, TopicDescription } from '../event-log.js';

const DEFAULT_MAX_RECORD_BYTES = 1_000_000;

/** A partition as the log knows it; `start` and `end` bound what readers may see. */
export interface PartitionState {
  readonly topic: TopicState;
  readonly number: number;
  start: number;
  end: number;
  /** Offset that the next record gets; ahead of `end` while a batch is under way. */
  next: number;
  /** Records of the batch that is being put together. */
  pending: LogRecord[] | undefined;
  readonly readers: Set<PartitionReader>;
}

/** Hears of records that have just become visible. */
export interface PartitionReader {
  offer(records: readonly LogRecord[]): void;
}

/** A topic as the log knows it, with the entries of its configuration that matter here. */
export class TopicState {
  readonly partitions: PartitionState[] = [];
  deleted = false;
  maxRecordBytes = DEFAULT_MAX_RECORD_BYTES;
  maxAgeMillis = Infinity;
  compacted = false;
  deletes = true;
  retentionMillis = Infinity;
  retentionBytes = Infinity;
  tombstoneMillis = 86_400_000;

  constructor(readonly name: string, readonly id: string, private entries: TopicConfig, bounds: readonly { start: number; end: number }[]) {
    for (const { start, end } of bounds) this.addPartition(start, end);
    this.read();
  }

  get config(): TopicConfig { return this.entries; }
  set config(entries: TopicConfig) { this.entries = entries; this.read(); }

  addPartition(start: number, end: number): void {
    this.partitions.push({ topic: this, number: this.partitions.length, start, end, next: end, pending: undefined, readers: new Set() });
  }

  describe(): TopicDescription {
    return { name: this.name, id: this.id, partitions: this.partitions.length, config: this.config, replicas: 1 };
  }

  private read(): void {
    const number = (name: string, fallback: number): number => {
      const value = Number(this.entries[name] ?? Number.NaN);
      return Number.isFinite(value) && value >= 0 ? value : fallback;
    };
    const policy = (this.entries['cleanup.policy'] ?? 'delete').split(',').map((part) => part.trim());
    this.compacted = policy.includes('compact');
    this.deletes = policy.includes('delete');
    this.maxRecordBytes = number('max.message.bytes', DEFAULT_MAX_RECORD_BYTES);
    this.maxAgeMillis = number('message.timestamp.before.max.ms', Infinity);
    this.retentionMillis = this.deletes ? number('retention.ms', Infinity) : Infinity;
    this.retentionBytes = this.deletes ? number('retention.bytes', Infinity) : Infinity;
    this.tombstoneMillis = number('delete.retention.ms', 86_400_000);
  }
}

/** A key that was appended once. */
export interface KnownKey {
  readonly key: string;
  readonly topicId: string;
  readonly offset: number;
  readonly note: string;
  readonly appendedAt: number;
  /** When it may be forgotten. */
  readonly until: number;
}

export interface GroupOffset extends OffsetToCommit {
  readonly group: string;
}

/** Becomes visible whole or not at all. */
export interface StoreBatch {
  readonly appends: readonly { readonly partition: PartitionState; readonly records: readonly LogRecord[] }[];
  readonly offsets: readonly GroupOffset[];
  readonly keys: readonly KnownKey[];
}

export interface StoredTopic {
  readonly name: string;
  readonly id: string;
  readonly config: TopicConfig;
  readonly partitions: readonly { readonly start: number; readonly end: number }[];
}

export interface CompactOptions {
  readonly tombstonesBefore: number;
  /** Also where little has changed since the last time. */
  readonly force: boolean;
  /** Awaited between small steps: writers and readers have their turn. */
  readonly pause: () => Promise<void>;
}

export interface LogStore {
  /** Everything but the records, as it stands now. */
  load(): { topics: readonly StoredTopic[]; offsets: readonly GroupOffset[] };
  /** @throws CONFAB_LOG_UNAVAILABLE nothing was written; any other error counts as that */
  write(batch: StoreBatch): Promise<void>;
  /** Records in `from` … `to` (exclusive), in order, at least one if there is any, then as many as the limits allow. */
  read(partition: PartitionState, from: number, to: number, limits: BatchLimits): LogRecord[];
  /** The first offset whose record is at or after the timestamp. */
  offsetAt(partition: PartitionState, timestamp: number): number | undefined;
  knownKey(key: string): KnownKey | undefined;
  /** Saves name, id, configuration and partition count, new or changed. */
  saveTopic(topic: TopicState): Promise<void>;
  /** Removes the topic, its records and the offsets that groups committed for it. */
  deleteTopic(topic: TopicState): Promise<void>;
  /**
   * Removes records from the front while they are older than `before` or the partition holds more than `maxBytes`, in one
   * small step, and saves the new start. Resolves with that start and whether there is more to do.
   */
  retain(partition: PartitionState, before: number, maxBytes: number): Promise<{ start: number; more: boolean }>;
  /** Removes records that a newer one of the same key replaces, and tombstones older than `tombstonesBefore`. */
  compact(partition: PartitionState, options: CompactOptions): Promise<void>;
  /** Forgets keys that are past their time, and what deleted topics left behind, in small steps. */
  sweep(now: number, pause: () => Promise<void>): Promise<void>;
  close(): Promise<void>;
}
