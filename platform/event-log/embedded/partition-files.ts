import { readHead } from './blocks.js';
import type { Environment, FileEntry, TopicEntry } from './environment.js';
import { blockKey, LAST_OFFSET, lastOffsetOf } from './keys.js';

/** What the store knows of a partition's file beside the log's own bounds. */
export interface PartitionFile {
  readonly number: number;
  largestTimestamp: number;
  cleanedTo: number;
  cleanRecords: number;
  /** Bytes of its blocks, once somebody has asked. */
  bytes: number | undefined;
}

/** Blocks of a file from the one that holds `from`, or the first after it. */
export function* blocksOf(env: Environment, file: number, from: number): Generator<{ key: Buffer; block: Buffer; last: number }> {
  for (const { key, value } of env.records.getRange({ start: blockKey(file, from), end: blockKey(file, LAST_OFFSET) })) {
    yield { key, block: value, last: lastOffsetOf(key) };
  }
}

/** Bounds and state of a file as they stand on disk. */
export function loadFile(env: Environment, number: number): { file: PartitionFile; start: number; end: number } {
  const entry = env.meta.get(`file/${number}`) as FileEntry | undefined;
  const file: PartitionFile = { number, largestTimestamp: -Infinity, cleanedTo: entry?.cleanedTo ?? 0, cleanRecords: entry?.cleanRecords ?? 0, bytes: undefined };
  let end = entry?.end ?? 0;
  for (const { key, value } of env.records.getRange({ start: blockKey(number, LAST_OFFSET), end: blockKey(number - 1, LAST_OFFSET), reverse: true, limit: 1 })) {
    end = Math.max(end, lastOffsetOf(key) + 1);
    file.largestTimestamp = readHead(value).largestTimestamp;
  }
  return { file, start: entry?.start ?? 0, end };
}

export function topicEntries(env: Environment): TopicEntry[] {
  const topics: TopicEntry[] = [];
  for (const { value } of env.meta.getRange({ start: 'topic/', end: 'topic0' })) topics.push(value as TopicEntry);
  return topics;
}

/** Bytes of all blocks; counted once, then kept up by those who write. */
export function bytesOf(env: Environment, file: PartitionFile): number {
  if (file.bytes === undefined) {
    let bytes = 0;
    for (const { block } of blocksOf(env, file.number, 0)) bytes += block.length;
    file.bytes = bytes;
  }
  return file.bytes;
}
