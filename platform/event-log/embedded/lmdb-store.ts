/** The store of the embedded log: blocks of records in lmdb, one transaction a batch. */
import { ConfabError } from '../../errors.js';
import { recordBytes, type BatchLimits } from '../batch-limits.js';
import type { LogRecord } from '../event-log.js';
import type {
  CompactOptions, GroupOffset, KnownKey, LogStore, PartitionState, StoreBatch, StoredTopic, TopicState,
} from '../in-process/store.js';
import { decodeBlock, encodeBlock, encodedBytes, readHead } from './blocks.js';
import { compactFile, retainFile, sweepExpired, sweepFiles } from './cleaning.js';
import { transact, type Environment, type TopicEntry } from './environment.js';
import { blockKey, expiryKey, textKey } from './keys.js';
import { blocksOf, loadFile, topicEntries, type PartitionFile } from './partition-files.js';

/** A block is closed above this; a larger record has one of its own. */
const BLOCK_BYTES = 32_768;
const MAX_OFFSET_KEY_BYTES = 1_900;

interface Put { readonly key: Buffer; readonly value: Buffer }

export class LmdbStore implements LogStore {
  private readonly files = new Map<string, PartitionFile[]>();

  constructor(private readonly env: Environment, private readonly readOnly: boolean) {}

  load(): { topics: readonly StoredTopic[]; offsets: readonly GroupOffset[] } {
    if (this.readOnly) this.env.root.resetReadTxn();
    this.files.clear();
    const topics = topicEntries(this.env).map(({ name, id, config, files }) => {
      const loaded = files.map((number) => loadFile(this.env, number));
      this.files.set(id, loaded.map(({ file }) => file));
      return { name, id, config, partitions: loaded.map(({ start, end }) => ({ start, end })) };
    });
    const offsets: GroupOffset[] = [];
    for (const { key, value } of this.env.offsets.getRange({})) {
      const [group = '', topic = '', partition = ''] = key.toString().split('\0');
      offsets.push({ group, topic, partition: Number(partition), offset: value.readUIntLE(0, 6), metadata: value.toString('utf8', 6) });
    }
    this.afterRead();
    return { topics, offsets };
  }

  async write(batch: StoreBatch): Promise<void> {
    // Everything is made before the first put: a failure must not leave half a batch to be committed.
    const blocks: Put[] = [];
    const after = batch.appends.map(({ partition, records }) => ({ file: this.file(partition), ...makeBlocks(this.file(partition), records, blocks) }));
    const offsets = offsetPuts(batch.offsets);
    const known = batch.keys.map(knownPut);
    await transact(this.env, () => {
      for (const { key, value } of blocks) void this.env.records.put(key, value);
      for (const { key, value } of offsets) void this.env.offsets.put(key, value);
      for (const { key, value, until } of known) {
        void this.env.expiries.put(expiryKey(until, key), NOTHING);
        void this.env.known.put(key, value);
      }
    });
    for (const { file, largestTimestamp, bytes } of after) {
      file.largestTimestamp = largestTimestamp;
      if (file.bytes !== undefined) file.bytes += bytes;
    }
  }

  read(partition: PartitionState, from: number, to: number, limits: BatchLimits): LogRecord[] {
    const found: LogRecord[] = [];
    let bytes = 0;
    outer: for (const { block, last } of blocksOf(this.env, this.file(partition).number, from)) {
      for (const record of decodeBlock(block)) {
        if (record.offset < from) continue;
        if (record.offset >= to) break outer;
        bytes += recordBytes(record);
        if (bytes > limits.maxBytes && found.length > 0) break outer;
        found.push(record);
        if (found.length >= limits.maxRecords) break outer;
      }
      if (last >= to - 1) break;
    }
    this.afterRead();
    return found;
  }

  offsetAt(partition: PartitionState, timestamp: number): number | undefined {
    const file = this.file(partition).number;
    let low = partition.start;
    let high = partition.end;
    // `largestTimestamp` grows from block to block, so the first block that reaches the timestamp is found by halving.
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const [found] = blocksOf(this.env, file, middle);
      if (found === undefined || readHead(found.block).largestTimestamp >= timestamp) high = middle; else low = found.last + 1;
    }
    for (const { block } of blocksOf(this.env, file, low)) {
      const record = decodeBlock(block).find((candidate) => candidate.offset >= partition.start && candidate.timestamp >= timestamp);
      if (record) return record.offset;
    }
    return undefined;
  }

  knownKey(key: string): KnownKey | undefined {
    const value = this.env.known.get(textKey(key));
    if (value === undefined) return undefined;
    return {
      key, offset: value.readUIntLE(0, 6), appendedAt: value.readDoubleLE(6), until: value.readDoubleLE(14),
      topicId: value.toString('latin1', 22, 54), note: value.toString('utf8', 54),
    };
  }

  async saveTopic(topic: TopicState): Promise<void> {
    const { meta } = this.env;
    const files = [...this.files.get(topic.id) ?? []];
    let next = (meta.get('next-file') as number | undefined) ?? 1;
    while (files.length < topic.partitions.length) {
      files.push({ number: next, largestTimestamp: -Infinity, cleanedTo: 0, cleanRecords: 0, bytes: undefined });
      next += 1;
    }
    const entry: TopicEntry = { name: topic.name, id: topic.id, config: topic.config, files: files.map(({ number }) => number) };
    await transact(this.env, () => {
      void meta.put('next-file', next);
      void meta.put(`topic/${topic.id}`, entry);
    });
    this.files.set(topic.id, files);
  }

  async deleteTopic(topic: TopicState): Promise<void> {
    const offsets = [...this.env.offsets.getKeys({})].filter((key) => key.toString().split('\0')[1] === topic.name);
    await transact(this.env, () => {
      void this.env.meta.remove(`topic/${topic.id}`);
      for (const { number } of this.files.get(topic.id) ?? []) {
        void this.env.meta.put(`gone/${number}`, true);
        void this.env.meta.remove(`file/${number}`);
      }
      for (const key of offsets) void this.env.offsets.remove(key);
    });
    this.files.delete(topic.id);
  }

  retain(partition: PartitionState, before: number, maxBytes: number): Promise<{ start: number; more: boolean }> {
    return retainFile(this.env, this.file(partition), partition, { before, maxBytes });
  }

  compact(partition: PartitionState, options: CompactOptions): Promise<void> {
    return compactFile(this.env, this.file(partition), partition, options);
  }

  async sweep(now: number, pause: () => Promise<void>): Promise<void> {
    await sweepExpired(this.env, now, pause);
    await sweepFiles(this.env, pause);
    // A reader that was killed would pin pages for ever.
    this.env.root.readerCheck();
  }

  async close(): Promise<void> {
    await this.env.root.close();
  }

  private file(partition: PartitionState): PartitionFile {
    const file = this.files.get(partition.topic.id)?.[partition.number];
    if (!file) throw new ConfabError('CONFAB_PARTITION_UNKNOWN', { detail: `${partition.topic.name}/${partition.number}` });
    return file;
  }

  /** A reader in another process must not hold pages that the writer could use again. */
  private afterRead(): void {
    if (this.readOnly) this.env.root.resetReadTxn();
  }
}

const NOTHING = Buffer.alloc(1);

function makeBlocks(file: PartitionFile, records: readonly LogRecord[], puts: Put[]): { largestTimestamp: number; bytes: number } {
  let { largestTimestamp } = file;
  let written = 0;
  for (let from = 0; from < records.length;) {
    let bytes = 0;
    let to = from;
    for (; to < records.length; to += 1) {
      const record = records[to];
      if (!record) break;
      const size = encodedBytes(record);
      if (to > from && bytes + size > BLOCK_BYTES) break;
      bytes += size;
      if (record.timestamp > largestTimestamp) largestTimestamp = record.timestamp;
    }
    const value = encodeBlock(records, from, to, bytes, largestTimestamp);
    puts.push({ key: blockKey(file.number, records[to - 1]?.offset ?? 0), value });
    written += value.length;
    from = to;
  }
  return { largestTimestamp, bytes: written };
}

/** The last offset of each group and partition in the batch. */
function offsetPuts(offsets: readonly GroupOffset[]): Put[] {
  const last = new Map<string, GroupOffset>();
  for (const offset of offsets) last.set(`${offset.group}\0${offset.topic}\0${offset.partition}`, offset);
  return [...last].map(([text, { offset, metadata }]) => {
    const key = Buffer.from(text);
    if (key.length > MAX_OFFSET_KEY_BYTES) throw new ConfabError('CONFAB_LOG_REFUSED', { detail: 'the names of group and topic are too long' });
    const value = Buffer.allocUnsafe(6 + Buffer.byteLength(metadata));
    value.writeUIntLE(offset, 0, 6);
    value.write(metadata, 6);
    return { key, value };
  });
}

function knownPut(known: KnownKey): Put & { until: number } {
  const value = Buffer.allocUnsafe(54 + Buffer.byteLength(known.note));
  value.writeUIntLE(known.offset, 0, 6);
  value.writeDoubleLE(known.appendedAt, 6);
  value.writeDoubleLE(known.until, 14);
  value.write(known.topicId, 22, 32, 'latin1');
  value.write(known.note, 54);
  return { key: textKey(known.key), value, until: known.until };
}
