/** The hot path that both codecs share: compiled types, settled ids, one slab of memory for many records. */
import { ConfabError } from '../platform/errors.js';
import type { AvroResolver, AvroType } from './avro.js';
import type { RecordCodec } from './codec.js';

/** 0x00 and the schema id stand before the body. */
export const HEADER_BYTES = 5;
const MAGIC = 0;
const SLAB_BYTES = 32 * 1024;

/** Memory that records are encoded into one after the other; a slab lives as long as one of its records does. */
export class Slab {
  buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  at = 0;

  /** Makes room for `bytes`: in a new slab, or alone when they are many. */
  grow(bytes: number): void {
    this.buffer = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes));
    this.at = 0;
  }
}

/** How bytes of one schema id are read: as the newest schema itself, resolved to it, or never (with the reason). */
export type Reader = 'newest' | AvroResolver | ConfabError;

/** The schema id of bytes in the wire format. @throws CONFAB_RECORD_INVALID */
export function schemaIdOf(bytes: Buffer): number {
  if (bytes.length < HEADER_BYTES || bytes[0] !== MAGIC) {
    throw new ConfabError('CONFAB_RECORD_INVALID', { detail: 'The value does not begin with 0x00 and a schema id.' });
  }
  return bytes.readUInt32BE(1);
}

export interface RecordCodecParts {
  readonly record: string;
  readonly type: AvroType;
  readonly slab: Slab;
  /** The id that is written. Undefined until `prepare`. */
  readonly id?: number;
  /** Called for an id that is not known; adds a reader or throws. */
  learn(id: number): Promise<Reader>;
}

export class AvroRecordCodec<T> implements RecordCodec<T> {
  private readonly readers = new Map<number, Reader>();
  private readonly parts: RecordCodecParts;
  private id: number | undefined;

  constructor(parts: RecordCodecParts) {
    this.parts = parts;
    this.id = parts.id;
  }

  /** Settles the id that is written. */
  write(id: number): void {
    this.id = id;
    this.readers.set(id, 'newest');
  }

  read(id: number, reader: Reader): void {
    this.readers.set(id, reader);
  }

  encode(value: T): Buffer {
    const { slab, type } = this.parts;
    if (this.id === undefined) throw new ConfabError('CONFAB_SCHEMA_UNKNOWN', { detail: `The id of ${this.parts.record} is not settled: prepare the codec first.` });
    let start = slab.at;
    let end: number;
    try {
      end = type.encode(value, slab.buffer, start + HEADER_BYTES);
      if (end < 0) {
        slab.grow(slab.buffer.length - start - end);
        start = 0;
        end = type.encode(value, slab.buffer, HEADER_BYTES);
      }
    } catch {
      throw this.refusal(value);
    }
    const { buffer } = slab;
    buffer[start] = MAGIC;
    buffer.writeUInt32BE(this.id, start + 1);
    slab.at = end;
    return buffer.subarray(start, end);
  }

  decode(bytes: Buffer): T {
    const id = schemaIdOf(bytes);
    const reader = this.readers.get(id);
    if (reader === undefined) throw new ConfabError('CONFAB_SCHEMA_UNKNOWN', { detail: `Schema id ${id} in a record of ${this.parts.record}.` });
    if (reader instanceof ConfabError) throw reader;
    let found: { value: T; offset: number };
    try {
      found = this.parts.type.decode(bytes, HEADER_BYTES, reader === 'newest' ? undefined : reader);
    } catch (cause) {
      throw new ConfabError('CONFAB_RECORD_INVALID', { detail: `Not a ${this.parts.record}: ${reason(cause)}.` });
    }
    if (found.offset !== bytes.length) {
      throw new ConfabError('CONFAB_RECORD_INVALID', { detail: `Not a ${this.parts.record}: ${found.offset < 0 ? 'it ends too early' : `${bytes.length - found.offset} bytes follow it`}.` });
    }
    return found.value;
  }

  async learn(bytes: Buffer): Promise<void> {
    const id = schemaIdOf(bytes);
    if (this.readers.has(id)) return;
    this.readers.set(id, await this.parts.learn(id));
  }

  /** Names the field, never its value: it may be personal. */
  private refusal(value: T): ConfabError {
    const faults: string[] = [];
    try {
      this.parts.type.isValid(value, { errorHook: (path, _value, type) => { faults.push(`${[this.parts.record, ...path].join('.')} is not of type ${type.typeName.replace(':unwrapped', '')}`); } });
    } catch { /* A value that cannot even be looked at: what was found until then is said. */ }
    return new ConfabError('CONFAB_VALUE_INVALID', { detail: `${faults[0] ?? `${this.parts.record} cannot be encoded`}.` });
  }
}

/** What avsc says, without values: its messages may quote them. */
function reason(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : '';
  return /^[a-z ]+/.exec(text)?.[0].trim() || 'malformed';
}
