/** Bytes of Kafka's protocol: primitives, and what a request is. No knowledge of any single request. */

import { ConfabError } from '../../errors.js';

/** A request of the protocol: how it is written, and what is read from its answer. */
export interface WireRequest<T> {
  readonly apiKey: number;
  readonly apiName: string;
  readonly version: number;
  /** How long an answer may take; the connection's time-out when left out. */
  readonly timeoutMillis?: number;
  /** A connection that gives no answer for so long is given up, though its time-out is longer. */
  readonly giveUpMillis?: number;
  encode(out: Writer): void;
  decode(input: Reader): T;
}

const TWO_32 = 4_294_967_296;

/** Grows as needed. Numbers stand for int64 too: offsets, times and producer ids stay below 2^53. */
export class Writer {
  private bytes: Buffer;
  private at = 0;

  constructor(size = 1_024) { this.bytes = Buffer.allocUnsafe(size); }

  get result(): Buffer { return this.bytes.subarray(0, this.at); }

  private room(size: number): number {
    const at = this.at;
    if (at + size > this.bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, at + size));
      this.bytes.copy(grown, 0, 0, at);
      this.bytes = grown;
    }
    this.at = at + size;
    return at;
  }

  int8(value: number): this { const at = this.room(1); this.bytes.writeInt8(value, at); return this; }
  int16(value: number): this { const at = this.room(2); this.bytes.writeInt16BE(value, at); return this; }
  int32(value: number): this { const at = this.room(4); this.bytes.writeInt32BE(value, at); return this; }
  int64(value: number): this {
    const at = this.room(8);
    this.bytes.writeInt32BE(Math.floor(value / TWO_32) | 0, at);
    this.bytes.writeUInt32BE(value >>> 0, at + 4);
    return this;
  }
  boolean(value: boolean): this { return this.int8(value ? 1 : 0); }

  raw(value: Uint8Array): this { const at = this.room(value.length); this.bytes.set(value, at); return this; }

  string(value: string | null): this {
    if (value === null) return this.int16(-1);
    const size = Buffer.byteLength(value);
    this.int16(size);
    const at = this.room(size);
    this.bytes.write(value, at);
    return this;
  }

  data(value: Uint8Array | null): this { return value === null ? this.int32(-1) : this.int32(value.length).raw(value); }

  array<T>(items: readonly T[], each: (item: T, out: this) => void): this {
    this.int32(items.length);
    for (const item of items) each(item, this);
    return this;
  }

  uvarint(value: number): this {
    let rest = value;
    while (rest >= 0x80) { this.int8((rest & 0x7f) - 0x80); rest >>>= 7; }
    return this.int8(rest);
  }

  /** The compact forms of the flexible versions: lengths are varints, one more than the length; 0 is null. */
  compactString(value: string | null): this {
    if (value === null) return this.uvarint(0);
    const size = Buffer.byteLength(value);
    this.uvarint(size + 1);
    const at = this.room(size);
    this.bytes.write(value, at);
    return this;
  }

  compactArray<T>(items: readonly T[], each: (item: T, out: this) => void): this {
    this.uvarint(items.length + 1);
    for (const item of items) each(item, this);
    return this;
  }

  /** No tagged fields. */
  tags(): this { return this.uvarint(0); }
}

/**
 * Reads bytes that somebody else wrote. Lengths are not held against the bytes one by one: what leads out of them throws.
 * @throws CONFAB_LOG_UNAVAILABLE they end too early or contradict themselves
 */
export function reading<T>(bytes: Buffer, decode: (input: Reader) => T): T {
  try {
    return decode(new Reader(bytes));
  } catch (cause) {
    throw cause instanceof ConfabError ? cause : new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: 'Bytes of a broker or of a member of the group cannot be read.', cause });
  }
}

/** Call it through `reading`. */
export class Reader {
  /** How long the broker asks the client to hold back, as read by `throttle`. */
  throttleMillis = 0;

  constructor(readonly bytes: Buffer, private at = 0) {}

  throttle(): void { this.throttleMillis = this.int32(); }

  get left(): number { return this.bytes.length - this.at; }

  int8(): number { const value = this.bytes.readInt8(this.at); this.at += 1; return value; }
  int16(): number { const value = this.bytes.readInt16BE(this.at); this.at += 2; return value; }
  int32(): number { const value = this.bytes.readInt32BE(this.at); this.at += 4; return value; }
  int64(): number {
    const value = this.bytes.readInt32BE(this.at) * TWO_32 + this.bytes.readUInt32BE(this.at + 4);
    this.at += 8;
    return value;
  }
  boolean(): boolean { return this.int8() !== 0; }

  raw(size: number): Buffer {
    if (size > this.left) throw new RangeError('the answer is shorter than it says');
    const value = this.bytes.subarray(this.at, this.at + size);
    this.at += size;
    return value;
  }

  string(): string | null {
    const size = this.int16();
    return size < 0 ? null : this.raw(size).toString('utf8');
  }

  data(): Buffer | null {
    const size = this.int32();
    return size < 0 ? null : this.raw(size);
  }

  array<T>(each: (input: this) => T): T[] { return this.times(this.int32(), each); }

  uvarint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.int8();
      value |= (byte & 0x7f) << shift;
      if (byte >= 0) return value >>> 0;
    }
  }

  compactString(): string | null {
    const size = this.uvarint();
    return size === 0 ? null : this.raw(size - 1).toString('utf8');
  }

  compactArray<T>(each: (input: this) => T): T[] { return this.times(this.uvarint() - 1, each); }

  /** Reads over tagged fields: none of them is known here. */
  tags(): void {
    for (let count = this.uvarint(); count > 0; count -= 1) {
      this.uvarint();
      this.raw(this.uvarint());
    }
  }

  private times<T>(count: number, each: (input: this) => T): T[] {
    const items: T[] = [];
    for (let i = 0; i < count; i += 1) items.push(each(this));
    return items;
  }
}
