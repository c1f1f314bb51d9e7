/** Fetched bytes to committed records; knows which offsets were passed although they hold none. */
import { gunzipSync } from 'node:zlib';
import { ConfabError } from '../../errors.js';
import type { Headers, LogRecord } from '../event-log.js';
import type { Aborted } from './requests-fetch.js';

export interface Decoded {
  readonly records: LogRecord[];
  /** Past the last whole batch, whatever it held: markers, aborted and compacted offsets count as passed. */
  readonly nextOffset: number;
}

const HEADER = 61;
const COMPRESSION = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** Records at or after `from` that are committed. */
export function decodeBatches(bytes: Buffer, from: number, aborted: readonly Aborted[]): Decoded {
  const records: LogRecord[] = [];
  const waiting = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  const open = new Set<number>();
  let nextOffset = from;
  let at = 0;
  while (at + HEADER <= bytes.length) {
    const end = at + 12 + bytes.readInt32BE(at + 8);
    if (end > bytes.length) break;
    if (bytes[at + 16] !== 2) throw new ConfabError('CONFAB_RECORD_INVALID', { detail: `record format ${bytes[at + 16] ?? '?'} is older than Kafka 0.11` });
    const base = readInt64(bytes, at);
    const last = base + bytes.readInt32BE(at + 23);
    const attributes = bytes.readInt16BE(at + 21);
    const producerId = readInt64(bytes, at + 43);
    while (waiting.length > 0 && (waiting[0] as Aborted).firstOffset <= last) open.add((waiting.shift() as Aborted).producerId);
    if ((attributes & CONTROL) !== 0) open.delete(producerId);
    else if ((attributes & TRANSACTIONAL) === 0 || !open.has(producerId)) decodeRecords(bytes, { at, end, base, attributes, from }, records);
    if (last + 1 > nextOffset) nextOffset = last + 1;
    at = end;
  }
  return { records, nextOffset };
}

interface BatchPlace { readonly at: number; readonly end: number; readonly base: number; readonly attributes: number; readonly from: number }

function decodeRecords(bytes: Buffer, batch: BatchPlace, records: LogRecord[]): void {
  const count = bytes.readInt32BE(batch.at + 57);
  const baseTime = readInt64(bytes, batch.at + 27);
  const appendTime = (batch.attributes & LOG_APPEND_TIME) !== 0 ? readInt64(bytes, batch.at + 35) : undefined;
  const compression = batch.attributes & COMPRESSION;
  const cursor = compression === 0 ? new Cursor(bytes, batch.at + HEADER) : new Cursor(inflate(bytes.subarray(batch.at + HEADER, batch.end), compression), 0);
  for (let i = 0; i < count; i += 1) {
    const size = cursor.varint();
    const next = cursor.at + size;
    cursor.at += 1;
    const timestamp = appendTime ?? baseTime + cursor.varint();
    if (appendTime !== undefined) cursor.varint();
    const offset = batch.base + cursor.varint();
    if (offset >= batch.from) {
      const key = cursor.data();
      records.push({ offset, key: key === null ? null : key.toString('utf8'), value: cursor.data(), timestamp, headers: cursor.headers() });
    }
    cursor.at = next;
  }
}

function inflate(bytes: Buffer, compression: number): Buffer {
  if (compression === 1) return gunzipSync(bytes);
  throw new ConfabError('CONFAB_RECORD_INVALID', { detail: `compression ${compression} is not supported; use none or gzip for the topic and its writers` });
}

function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 4_294_967_296 + bytes.readUInt32BE(at + 4);
}

class Cursor {
  constructor(private readonly bytes: Buffer, public at: number) {}

  /** Zigzag; up to 2^53, for times. */
  varint(): number {
    const { bytes } = this;
    let byte = bytes[this.at++] as number;
    let value = byte & 0x7f;
    let factor = 128;
    while (byte >= 0x80) {
      byte = bytes[this.at++] as number;
      value += (byte & 0x7f) * factor;
      factor *= 128;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  data(): Buffer | null {
    const size = this.varint();
    if (size < 0) return null;
    const value = this.bytes.subarray(this.at, this.at + size);
    this.at += size;
    return value;
  }

  headers(): Headers | undefined {
    const count = this.varint();
    if (count <= 0) return undefined;
    const headers: Record<string, string> = {};
    for (let i = 0; i < count; i += 1) {
      const name = this.data()?.toString('utf8') ?? '';
      headers[name] = this.data()?.toString('utf8') ?? '';
    }
    return headers;
  }
}
