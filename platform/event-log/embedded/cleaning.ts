/** Retention, compaction and what deletions leave behind, in small steps: no step takes longer than a few milliseconds. */
import type { LogRecord } from '../event-log.js';
import type { CompactOptions, PartitionState } from '../in-process/store.js';
import { decodeBlock, encodeBlock, encodedBytes, readHead } from './blocks.js';
import { transact, type Environment, type FileEntry } from './environment.js';
import { blockKey, expiryKey } from './keys.js';
import { blocksOf, bytesOf, type PartitionFile } from './partition-files.js';

const STEP_BLOCKS = 100;
const STEP_BYTES = 1_048_576;
/** Keys that one pass of compaction remembers: about 20 MB. A longer dirty part takes several passes. */
const PASS_KEYS = 100_000;
/** A partition is compacted once the part not yet cleaned holds this share of the records that are clean, and this many. */
const DIRTY_SHARE = 0.25;
const DIRTY_RECORDS = 500;
/** Small neighbours are joined up to this size. */
const JOINED_BYTES = 32_768;

export async function retainFile(
  env: Environment, file: PartitionFile, partition: PartitionState, limit: { before: number; maxBytes: number },
): Promise<{ start: number; more: boolean }> {
  let { start } = partition;
  let seen = 0;
  let total = limit.maxBytes === Infinity ? 0 : bytesOf(env, file);
  const gone: Buffer[] = [];
  for (const { key, block, last } of blocksOf(env, file.number, 0)) {
    if (seen >= STEP_BLOCKS || last >= partition.end) break;
    if (readHead(block).largestTimestamp >= limit.before && total <= limit.maxBytes) {
      start = firstKept(block, start, limit.before);
      break;
    }
    seen += 1;
    total -= block.length;
    gone.push(key);
    start = last + 1;
  }
  if (start === partition.start) return { start, more: false };
  await transact(env, () => {
    for (const key of gone) void env.records.remove(key);
    saveFile(env, file, start, partition.end);
  });
  if (file.bytes !== undefined) file.bytes = total;
  return { start, more: seen >= STEP_BLOCKS };
}

/** Of a block that stays, records in front that are too old are hidden by the start alone. */
function firstKept(block: Buffer, start: number, before: number): number {
  return decodeBlock(block).find((record) => record.offset >= start && record.timestamp >= before)?.offset ?? start;
}

function saveFile(env: Environment, file: PartitionFile, start: number, end: number): void {
  const entry: FileEntry = { start, end, cleanedTo: file.cleanedTo, cleanRecords: file.cleanRecords };
  void env.meta.put(`file/${file.number}`, entry);
}

/**
 * Reads the dirty part for the newest offset of each key, then goes over everything before its end and writes what is left,
 * in order. The partition's last block is left alone: it holds the end.
 */
export async function compactFile(env: Environment, file: PartitionFile, partition: PartitionState, options: CompactOptions): Promise<void> {
  for (;;) {
    const dirty = partition.end - Math.max(file.cleanedTo, partition.start);
    if (dirty <= 0 || (!options.force && dirty < Math.max(DIRTY_RECORDS, DIRTY_SHARE * file.cleanRecords))) return;
    const { newest, end, whole } = await readDirty(env, file, options);
    if (end <= file.cleanedTo || partition.topic.deleted) return;
    const kept = await rewrite(env, file, partition, { newest, end, ...options });
    if (partition.topic.deleted) return;
    file.cleanedTo = end;
    file.cleanRecords = kept;
    await transact(env, () => { saveFile(env, file, partition.start, end); });
    if (whole) return;
  }
}

/** `end`: the first offset that was not looked at. */
async function readDirty(env: Environment, file: PartitionFile, options: CompactOptions): Promise<{ newest: Map<string, number>; end: number; whole: boolean }> {
  const newest = new Map<string, number>();
  let end = file.cleanedTo;
  let before: { block: Buffer; last: number } | undefined;
  for (;;) {
    let bytes = 0;
    for (const { block, last } of blocksOf(env, file.number, before === undefined ? end : before.last + 1)) {
      if (before) {
        for (const { key, offset } of decodeBlock(before.block)) newest.set(key ?? '', offset);
        end = before.last + 1;
      }
      before = { block, last };
      bytes += block.length;
      if (bytes > STEP_BYTES || newest.size >= PASS_KEYS) break;
    }
    if (newest.size >= PASS_KEYS) return { newest, end, whole: false };
    if (bytes <= STEP_BYTES) return { newest, end, whole: true };
    await options.pause();
  }
}

interface Pass extends CompactOptions { readonly newest: ReadonlyMap<string, number>; readonly end: number }

async function rewrite(env: Environment, file: PartitionFile, partition: PartitionState, pass: Pass): Promise<number> {
  let kept = 0;
  for (let from = partition.start; from < pass.end;) {
    if (partition.topic.deleted) return kept;
    const step = rewriteStep(env, file, from, pass);
    await step.done;
    kept += step.kept;
    from = step.next;
    await pass.pause();
  }
  return kept;
}

/** One transaction: some blocks in, what is left of them out. */
function rewriteStep(env: Environment, file: PartitionFile, from: number, pass: Pass): { kept: number; next: number; done: Promise<void> } {
  const joiner = new Joiner();
  let next = pass.end;
  let bytes = 0;
  let kept = 0;
  for (const { key, block, last } of blocksOf(env, file.number, from)) {
    if (last >= pass.end) break;
    if (bytes > STEP_BYTES) { next = last; break; }
    bytes += block.length;
    const records = decodeBlock(block);
    const left = records.filter((record) => keeps(record, pass));
    kept += left.length;
    joiner.add({ key, size: block.length, last, changed: left.length < records.length, records: left, largestTimestamp: readHead(block).largestTimestamp });
    next = last + 1;
  }
  if (next !== pass.end && bytes <= STEP_BYTES) next = pass.end;
  return { kept, next, done: joiner.write(env, file) };
}

function keeps(record: LogRecord, pass: Pass): boolean {
  if (record.offset < (pass.newest.get(record.key ?? '') ?? -1)) return false;
  return record.value !== null || record.timestamp >= pass.tombstonesBefore;
}

interface Rewritten { key: Buffer; size: number; last: number; changed: boolean; records: LogRecord[]; largestTimestamp: number }

/** Joins neighbouring blocks that are small; leaves alone what neither changed nor can be joined. */
class Joiner {
  private readonly groups: Rewritten[][] = [];
  private bytes = 0;

  add(block: Rewritten): void {
    const group = this.groups.at(-1);
    if (group === undefined || this.bytes + block.size > JOINED_BYTES) {
      this.groups.push([block]);
      this.bytes = block.size;
    } else {
      group.push(block);
      this.bytes += block.size;
    }
  }

  async write(env: Environment, file: PartitionFile): Promise<void> {
    const puts: { key: Buffer; value: Buffer }[] = [];
    const removals: Buffer[] = [];
    let grown = 0;
    for (const group of this.groups) {
      if (group.length === 1 && group[0]?.changed === false) continue;
      const last = group.at(-1);
      const records = group.flatMap((block) => block.records);
      if (last && records.length > 0) {
        const value = encodeBlock(records, 0, records.length, records.reduce((sum, record) => sum + encodedBytes(record), 0), last.largestTimestamp);
        puts.push({ key: blockKey(file.number, last.last), value });
        grown += value.length;
      }
      for (const block of group) {
        if (block !== last || records.length === 0) removals.push(block.key);
        grown -= block.size;
      }
    }
    if (puts.length === 0 && removals.length === 0) return;
    await transact(env, () => {
      for (const { key, value } of puts) void env.records.put(key, value);
      for (const key of removals) void env.records.remove(key);
    });
    if (file.bytes !== undefined) file.bytes += grown;
  }
}

export async function sweepExpired(env: Environment, now: number, pause: () => Promise<void>): Promise<void> {
  for (;;) {
    const expired: Buffer[] = [];
    const forgotten: Buffer[] = [];
    for (const expiry of env.expiries.getKeys({ end: expiryKey(now, Buffer.alloc(0)), limit: STEP_BLOCKS })) {
      const key = expiry.subarray(6);
      const known = env.known.get(key);
      // The key may have been appended again since.
      if (known !== undefined && known.readDoubleLE(14) <= now) forgotten.push(key);
      expired.push(expiry);
    }
    if (expired.length === 0) return;
    await transact(env, () => {
      for (const key of forgotten) void env.known.remove(key);
      for (const expiry of expired) void env.expiries.remove(expiry);
    });
    await pause();
  }
}

export async function sweepFiles(env: Environment, pause: () => Promise<void>): Promise<void> {
  for (const name of [...env.meta.getKeys({ start: 'gone/', end: 'gone0' })]) {
    const number = Number(name.slice(5));
    for (let more = true; more;) {
      const keys: Buffer[] = [];
      for (const { key } of blocksOf(env, number, 0)) {
        keys.push(key);
        if (keys.length >= STEP_BLOCKS) break;
      }
      more = keys.length >= STEP_BLOCKS;
      const last = !more;
      await transact(env, () => {
        for (const key of keys) void env.records.remove(key);
        if (last) void env.meta.remove(name);
      });
      await pause();
    }
  }
}
