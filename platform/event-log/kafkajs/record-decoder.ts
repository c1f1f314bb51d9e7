/** Fetched bytes to committed records; knows which offsets were passed although they hold none. */
import { gunzipSync } from 'node:zlib';
import { ConfabError } from '../../errors.js';
import type { Headers, LogRecord } from '../event-log.js';
import { setHeader } from '../headers.js';
import type { KeySieve } from './key-sieve.js';
import type { Aborted } from './requests-fetch.js';

export interface Decoded {
  readonly records: LogRecord[];
  /** Past the last whole batch, whatever it held: markers, aborted and compacted offsets count as passed. */
  readonly nextOffset: number;
}

/** What a read is for. */
export interface Sought {
  /** Records before it are left out. */
  readonly from: number;
  /** So are those at or after it. */
  readonly to?: number;
  /** And those of other keys, and without one, before anything is made of them. */
  readonly keys?: KeySieve;
}

const HEADER = 61;
/** What stands before the length's count: base offset and the length itself. */
const BEFORE_LENGTH = 12;
/** No topic takes batches of more than a few MiB; what inflates beyond this was made to exhaust memory. */
const INFLATED_BYTES = 64 * 1024 * 1024;
const COMPRESSION = 0x07;
const LOG_APPEND_TIME = 0x08;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;

/** Records that are committed, of those sought (a number: all at or after it). @throws CONFAB_RECORD_INVALID the bytes contradict themselves */
export function decodeBatches(bytes: Buffer, of: number | Sought, aborted: readonly Aborted[]): Decoded {
  const sought = typeof of === 'number' ? { from: of } : of;
  const records: LogRecord[] = [];
  const waiting = [...aborted].sort((a, b) => a.firstOffset - b.firstOffset);
  const open = new Set<number>();
  let nextOffset = sought.from;
  let at = 0;
  while (at + HEADER <= bytes.length) {
    const end = at + BEFORE_LENGTH + bytes.readInt32BE(at + 8);
    if (end > bytes.length) break;
    if (end < at + HEADER) throw damaged('a batch is shorter than its head');
    if (bytes[at + 16] !== 2) throw damaged(`record format ${bytes[at + 16] ?? '?'} is older than Kafka 0.11`);
    const base = readInt64(bytes, at);
    const last = base + bytes.readInt32BE(at + 23);
    if (!(base >= 0 && last >= base && last < Number.MAX_SAFE_INTEGER)) throw damaged('a batch has offsets that cannot be');
    const attributes = bytes.readInt16BE(at + 21);
    const producerId = readInt64(bytes, at + 43);
    while (waiting.length > 0 && (waiting[0] as Aborted).firstOffset <= last) open.add((waiting.shift() as Aborted).producerId);
    if ((attributes & CONTROL) !== 0) open.delete(producerId);
    else if ((attributes & TRANSACTIONAL) === 0 || !open.has(producerId)) decodeRecords(bytes, { at, end, base, last, attributes, sought }, records);
    if (last + 1 > nextOffset) nextOffset = last + 1;
    at = end;
  }
  return { records, nextOffset };
}

interface BatchPlace { readonly at: number; readonly end: number; readonly base: number; readonly last: number; readonly attributes: number; readonly sought: Sought }

const damaged = (detail: string, cause?: unknown): ConfabError => new ConfabError('CONFAB_RECORD_INVALID', { detail, cause });

function decodeRecords(bytes: Buffer, batch: BatchPlace, records: LogRecord[]): void {
  const count = bytes.readInt32BE(batch.at + 57);
  const baseTime = readInt64(bytes, batch.at + 27);
  const appendTime = (batch.attributes & LOG_APPEND_TIME) !== 0 ? readInt64(bytes, batch.at + 35) : undefined;
  const compression = batch.attributes & COMPRESSION;
  const cursor = compression === 0 ? new Cursor(bytes, batch.at + HEADER, batch.end) : Cursor.over(inflate(bytes.subarray(batch.at + HEADER, batch.end), compression));
  const { from, to = Infinity, keys } = batch.sought;
  if (batch.base >= to) return;
  for (let i = 0; i < count; i += 1) {
    const size = cursor.varint();
    const next = cursor.at + size;
    if (!(size > 0 && next <= cursor.end)) throw damaged('a record is longer than its batch');
    cursor.at += 1;
    const timestamp = appendTime ?? baseTime + cursor.varint();
    if (appendTime !== undefined) cursor.varint();
    const offset = batch.base + cursor.varint();
    if (!(offset >= batch.base && offset <= batch.last)) throw damaged('a record has an offset outside of its batch');
    if (offset >= to) return;
    if (offset >= from && (keys === undefined || cursor.mayBe(keys))) {
      const key = cursor.data()?.toString('utf8') ?? null;
      if (keys === undefined || (key !== null && keys.has(key))) records.push({ offset, key, value: cursor.data(), timestamp, headers: cursor.headers() });
    }
    if (!(cursor.at <= next)) throw damaged('a record is longer than it says');
    cursor.at = next;
  }
}

function inflate(bytes: Buffer, compression: number): Buffer {
  if (compression !== 1) throw damaged(`compression ${compression} is not supported; use none or gzip for the topic and its writers`);
  try {
    return gunzipSync(bytes, { maxOutputLength: INFLATED_BYTES });
  } catch (cause) {
    throw damaged('a batch cannot be inflated', cause);
  }
}

function readInt64(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 4_294_967_296 + bytes.readUInt32BE(at + 4);
}

/** Reads records; every length is held against `end`, so that no length leads out of the batch or into a loop. */
class Cursor {
  constructor(private readonly bytes: Buffer, public at: number, readonly end: number) {}

  static over(bytes: Buffer): Cursor { return new Cursor(bytes, 0, bytes.length); }

  /** Zigzag; up to 2^53, for times. Past the end it reads zeros. */
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

  /** The field that comes next is one of the keys, or looks like one; it is still to be read. A damaged one is found when it is read. */
  mayBe(keys: KeySieve): boolean {
    const before = this.at;
    const size = this.varint();
    const start = this.at;
    this.at = before;
    return size >= 0 && (size > this.end - start || keys.mayHave(this.bytes, start, size));
  }

  data(): Buffer | null {
    const size = this.varint();
    if (size < 0) return null;
    if (!(size <= this.end - this.at)) throw damaged('a field is longer than its batch');
    const value = this.bytes.subarray(this.at, this.at + size);
    this.at += size;
    return value;
  }

  headers(): Headers | undefined {
    const count = this.varint();
    if (count <= 0) return undefined;
    if (!(count <= this.end - this.at)) throw damaged('there are more headers than bytes');
    const headers: Record<string, string> = {};
    for (let i = 0; i < count; i += 1) {
      const name = this.data()?.toString('utf8') ?? '';
      setHeader(headers, name, this.data()?.toString('utf8') ?? '');
    }
    return headers;
  }
}
