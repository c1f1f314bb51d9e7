import { recordBytes, type BatchLimits } from './batch-limits.js';
import type { LogRecord } from './event-log.js';
import type {
  CompactOptions, GroupOffset, KnownKey, LogStore, PartitionState, StoreBatch,
  StoredTopic, TopicState,
} from './in-process/store.js';

interface Kept { readonly name: string; readonly id: string; config: TopicState['config']; readonly partitions: KeptPartition[] }
interface KeptPartition { start: number; end: number; records: LogRecord[] }

/** Records in arrays. Outlives the logs that use it, one at a time. */
export class MemoryStore implements LogStore {
  private readonly topics = new Map<string, Kept>();
  private readonly offsets = new Map<string, GroupOffset>();
  private readonly keys = new Map<string, KnownKey>();

  load(): { topics: readonly StoredTopic[]; offsets: readonly GroupOffset[] } {
    return { topics: [...this.topics.values()], offsets: [...this.offsets.values()] };
  }

  write(batch: StoreBatch): Promise<void> {
    for (const { partition, records } of batch.appends) {
      const kept = this.kept(partition);
      for (const record of records) kept.records.push(record);
      kept.end = (records.at(-1)?.offset ?? kept.end - 1) + 1;
    }
    for (const offset of batch.offsets) this.offsets.set(`${offset.group}\0${offset.topic}\0${offset.partition}`, offset);
    for (const known of batch.keys) this.keys.set(known.key, known);
    return Promise.resolve();
  }

  read(partition: PartitionState, from: number, to: number, limits: BatchLimits): LogRecord[] {
    const { records } = this.kept(partition);
    const found: LogRecord[] = [];
    let bytes = 0;
    for (let at = lowerBound(records, from); at < records.length && found.length < limits.maxRecords; at += 1) {
      const record = records[at];
      if (!record || record.offset >= to) break;
      bytes += recordBytes(record);
      if (bytes > limits.maxBytes && found.length > 0) break;
      found.push(record);
    }
    return found;
  }

  offsetAt(partition: PartitionState, timestamp: number): number | undefined {
    return this.kept(partition).records.find((record) => record.timestamp >= timestamp)?.offset;
  }

  knownKey(key: string): KnownKey | undefined { return this.keys.get(key); }

  saveTopic(topic: TopicState): Promise<void> {
    const before = this.topics.get(topic.id)?.partitions ?? [];
    const partitions = topic.partitions.map(({ number, start, end }) => before[number] ?? { start, end, records: [] });
    this.topics.set(topic.id, { name: topic.name, id: topic.id, config: topic.config, partitions });
    return Promise.resolve();
  }

  deleteTopic(topic: TopicState): Promise<void> {
    this.topics.delete(topic.id);
    for (const [key, offset] of this.offsets) if (offset.topic === topic.name) this.offsets.delete(key);
    return Promise.resolve();
  }

  retain(partition: PartitionState, before: number, maxBytes: number): Promise<{ start: number; more: boolean }> {
    const kept = this.kept(partition);
    let bytes = kept.records.reduce((sum, record) => sum + recordBytes(record), 0);
    let drop = 0;
    for (const record of kept.records) {
      if (record.timestamp >= before && bytes <= maxBytes) break;
      bytes -= recordBytes(record);
      drop += 1;
    }
    if (drop > 0) {
      kept.records = kept.records.slice(drop);
      kept.start = kept.records[0]?.offset ?? kept.end;
    }
    return Promise.resolve({ start: kept.start, more: false });
  }

  compact(partition: PartitionState, { tombstonesBefore }: CompactOptions): Promise<void> {
    const kept = this.kept(partition);
    const newest = new Map(kept.records.map((record) => [record.key, record.offset]));
    kept.records = kept.records.filter((record) => newest.get(record.key) === record.offset && (record.value !== null || record.timestamp >= tombstonesBefore));
    return Promise.resolve();
  }

  sweep(now: number): Promise<void> {
    for (const [key, known] of this.keys) if (known.until <= now) this.keys.delete(key);
    return Promise.resolve();
  }

  close(): Promise<void> { return Promise.resolve(); }

  private kept(partition: PartitionState): KeptPartition {
    const kept = this.topics.get(partition.topic.id)?.partitions[partition.number];
    return kept ?? { start: 0, end: 0, records: [] };
  }
}

/** Index of the first record at or after the offset. */
function lowerBound(records: readonly LogRecord[], offset: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((records[middle]?.offset ?? Infinity) < offset) low = middle + 1; else high = middle;
  }
  return low;
}
