/** Records to a record batch (magic 2), uncompressed. */
import type { NewRecord } from '../event-log.js';
import { crc32c } from './crc32c.js';
import type { Identity } from './requests-transaction.js';

export const BATCH_OVERHEAD = 61;
/** Largest overhead of a record: length, attributes, time and offset deltas, sizes of key, value and headers. */
export const RECORD_OVERHEAD = 36;

const TRANSACTIONAL = 0x10;

function zigzag(value: number): number { return value >= 0 ? value * 2 : value * -2 - 1; }

function varintSize(value: number): number {
  let rest = zigzag(value);
  let size = 1;
  while (rest >= 128) { rest = Math.floor(rest / 128); size += 1; }
  return size;
}

function writeVarint(bytes: Buffer, start: number, value: number): number {
  let rest = zigzag(value);
  let at = start;
  while (rest >= 128) {
    bytes[at++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  bytes[at++] = rest;
  return at;
}

/** Key, value and headers, in bytes: what `maxRecordBytes` counts. */
export function recordBytes(record: NewRecord): number {
  let size = (record.key === null ? 0 : Buffer.byteLength(record.key)) + (record.value?.length ?? 0);
  if (record.headers) for (const name in record.headers) size += Buffer.byteLength(name) + Buffer.byteLength(record.headers[name] ?? '');
  return size;
}

/** An upper bound of what a record takes in a batch. */
export function boundOf(record: NewRecord): number {
  let size = RECORD_OVERHEAD + (record.key === null ? 0 : record.key.length * 3) + (record.value?.length ?? 0);
  if (record.headers) for (const name in record.headers) size += 10 + 3 * (name.length + (record.headers[name] ?? '').length);
  return size;
}

/** @param sequence number of the first record, in the producer's count for the partition */
export function encodeBatch(records: readonly NewRecord[], identity: Identity, sequence: number): Buffer {
  let bound = BATCH_OVERHEAD;
  for (const record of records) bound += boundOf(record);
  const bytes = Buffer.allocUnsafe(bound);
  const base = records[0]?.timestamp ?? 0;
  let latest = base;
  let at = BATCH_OVERHEAD;
  for (let index = 0; index < records.length; index += 1) {
    const record = records[index] as NewRecord;
    if (record.timestamp > latest) latest = record.timestamp;
    at = writeRecord(bytes, at, record, index, record.timestamp - base);
  }
  writeHeader(bytes, at, records.length, { base, latest });
  bytes.writeInt16BE(identity.transactionalId === null ? 0 : TRANSACTIONAL, 21);
  writeInt64(bytes, 43, identity.producerId);
  bytes.writeInt16BE(identity.epoch, 51);
  bytes.writeInt32BE(sequence, 53);
  bytes.writeUInt32BE(crc32c(bytes, 21, at), 17);
  return bytes.subarray(0, at);
}

function writeHeader(bytes: Buffer, end: number, count: number, times: { base: number; latest: number }): void {
  bytes.fill(0, 0, 8);
  bytes.writeInt32BE(end - 12, 8);
  bytes.writeInt32BE(-1, 12);
  bytes[16] = 2;
  bytes.writeInt32BE(count - 1, 23);
  writeInt64(bytes, 27, times.base);
  writeInt64(bytes, 35, times.latest);
  bytes.writeInt32BE(count, 57);
}

function writeInt64(bytes: Buffer, at: number, value: number): void {
  bytes.writeInt32BE(Math.floor(value / 4_294_967_296) | 0, at);
  bytes.writeUInt32BE(value >>> 0, at + 4);
}

function writeRecord(bytes: Buffer, start: number, record: NewRecord, index: number, delta: number): number {
  const keySize = record.key === null ? -1 : Buffer.byteLength(record.key);
  const valueSize = record.value === null ? -1 : record.value.length;
  const headers = record.headers ? Object.entries(record.headers) : [];
  let size = 1 + varintSize(delta) + varintSize(index) + varintSize(keySize) + Math.max(0, keySize) + varintSize(valueSize) + Math.max(0, valueSize) + varintSize(headers.length);
  for (const [name, value] of headers) size += fieldSize(name) + fieldSize(value);
  let at = writeVarint(bytes, start, size);
  bytes[at++] = 0;
  at = writeVarint(bytes, at, delta);
  at = writeVarint(bytes, at, index);
  at = writeVarint(bytes, at, keySize);
  if (record.key !== null) at += bytes.write(record.key, at);
  at = writeVarint(bytes, at, valueSize);
  if (record.value !== null) { bytes.set(record.value, at); at += valueSize; }
  at = writeVarint(bytes, at, headers.length);
  for (const [name, value] of headers) at = writeField(bytes, writeField(bytes, at, name), value);
  return at;
}

function fieldSize(text: string): number {
  const size = Buffer.byteLength(text);
  return varintSize(size) + size;
}

function writeField(bytes: Buffer, start: number, text: string): number {
  const at = writeVarint(bytes, start, Buffer.byteLength(text));
  return at + bytes.write(text, at);
}
