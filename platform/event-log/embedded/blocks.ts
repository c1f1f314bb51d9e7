/**
 * Binary form of a block: records of one partition that were written together.
 *
 * Head: u8 form (1), u32 count, u48 first offset, f64 the largest timestamp of the partition up to and with this block.
 * Record: u32 offset - first, f64 timestamp, i32 key bytes (-1: null), i32 value bytes (-1: null), u16 headers, key, value,
 * then for each header u16 name bytes, u32 value bytes, name, value.
 */
import { ConfabError } from '../../errors.js';
import type { Headers, LogRecord } from '../event-log.js';
import { setHeader } from '../headers.js';

const FORM = 1;
const HEAD_BYTES = 19;
const RECORD_BYTES = 22;
const DAMAGED = 'a block of the embedded log is damaged';

export interface BlockHead {
  readonly count: number;
  readonly first: number;
  readonly largestTimestamp: number;
}

/** Bytes that the record takes in a block. */
export function encodedBytes(record: LogRecord): number {
  let bytes = RECORD_BYTES + (record.key === null ? 0 : Buffer.byteLength(record.key)) + (record.value?.length ?? 0);
  if (record.headers) for (const name of Object.keys(record.headers)) bytes += 6 + Buffer.byteLength(name) + Buffer.byteLength(record.headers[name] ?? '');
  return bytes;
}

/** Encodes records `from` … `to` (exclusive), of which `bytes` is the sum of `encodedBytes`. */
export function encodeBlock(records: readonly LogRecord[], from: number, to: number, bytes: number, largestTimestamp: number): Buffer {
  const block = Buffer.allocUnsafe(HEAD_BYTES + bytes);
  const first = records[from]?.offset ?? 0;
  block.writeUInt8(FORM, 0);
  block.writeUInt32LE(to - from, 1);
  block.writeUIntLE(first, 5, 6);
  block.writeDoubleLE(largestTimestamp, 11);
  let at = HEAD_BYTES;
  for (let index = from; index < to; index += 1) {
    const record = records[index];
    if (record) at = writeRecord(block, at, record, first);
  }
  return block;
}

function writeRecord(block: Buffer, start: number, record: LogRecord, first: number): number {
  let at = start + RECORD_BYTES;
  let keyBytes = -1;
  if (record.key !== null) {
    keyBytes = block.write(record.key, at);
    at += keyBytes;
  }
  if (record.value !== null) {
    block.set(record.value, at);
    at += record.value.length;
  }
  const names = record.headers === undefined ? [] : Object.keys(record.headers);
  block.writeUInt32LE(record.offset - first, start);
  block.writeDoubleLE(record.timestamp, start + 4);
  block.writeInt32LE(keyBytes, start + 12);
  block.writeInt32LE(record.value === null ? -1 : record.value.length, start + 16);
  block.writeUInt16LE(names.length, start + 20);
  for (const name of names) {
    const nameBytes = block.write(name, at + 6);
    const valueBytes = block.write(record.headers?.[name] ?? '', at + 6 + nameBytes);
    block.writeUInt16LE(nameBytes, at);
    block.writeUInt32LE(valueBytes, at + 2);
    at += 6 + nameBytes + valueBytes;
  }
  return at;
}

/** @throws CONFAB_RECORD_INVALID */
export function readHead(block: Buffer): BlockHead {
  if (block.length < HEAD_BYTES || block[0] !== FORM) throw new ConfabError('CONFAB_RECORD_INVALID', { detail: DAMAGED });
  return { count: block.readUInt32LE(1), first: block.readUIntLE(5, 6), largestTimestamp: block.readDoubleLE(11) };
}

/** The records; values are slices of the block. @throws CONFAB_RECORD_INVALID */
export function decodeBlock(block: Buffer): LogRecord[] {
  const { count, first } = readHead(block);
  const records: LogRecord[] = [];
  let at = HEAD_BYTES;
  try {
    for (let index = 0; index < count; index += 1) {
      const keyBytes = block.readInt32LE(at + 12);
      const valueBytes = block.readInt32LE(at + 16);
      const headerCount = block.readUInt16LE(at + 20);
      const keyAt = at + RECORD_BYTES;
      const valueAt = keyAt + Math.max(0, keyBytes);
      const end = valueAt + Math.max(0, valueBytes);
      const headers = headerCount === 0 ? { headers: undefined, end } : readHeaders(block, end, headerCount);
      records.push({
        offset: first + block.readUInt32LE(at),
        key: keyBytes < 0 ? null : block.toString('utf8', keyAt, valueAt),
        value: valueBytes < 0 ? null : block.subarray(valueAt, end),
        timestamp: block.readDoubleLE(at + 4),
        headers: headers.headers,
      });
      at = headers.end;
    }
  } catch (cause) {
    throw new ConfabError('CONFAB_RECORD_INVALID', { detail: DAMAGED, cause });
  }
  // Slices stop silently at the end of their buffer: a length that says too much shows only here.
  if (at !== block.length) throw new ConfabError('CONFAB_RECORD_INVALID', { detail: DAMAGED });
  return records;
}

function readHeaders(block: Buffer, start: number, count: number): { headers: Headers; end: number } {
  const headers: Record<string, string> = {};
  let at = start;
  for (let index = 0; index < count; index += 1) {
    const nameEnd = at + 6 + block.readUInt16LE(at);
    const valueEnd = nameEnd + block.readUInt32LE(at + 2);
    setHeader(headers, block.toString('utf8', at + 6, nameEnd), block.toString('utf8', nameEnd, valueEnd));
    at = valueEnd;
  }
  return { headers, end: at };
}
