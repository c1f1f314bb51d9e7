/**
 * avsc made safe for bytes of unknown origin. As published, avsc reserves memory for as many array items as the bytes claim,
 * and a length that is not a number corrupts the pool that all its byte fields share; the types below check first.
 * Decoded records are plain objects, and times stay numbers.
 */
import { createHash } from 'node:crypto';
import avro from 'avsc';

export type AvroType = avro.Type;
export type AvroResolver = ReturnType<AvroType['createResolver']>;

/** The reading head of avsc: its types hand it to each other. */
interface Tap { buf: Buffer; pos: number; readLong(): number; readInt(): number; readString(): string | undefined; skipLong(): void; writeLong(value: number): void }
interface Readable { _read(tap: Tap): unknown }

/** Items that a block claims; each takes a byte at least, so there are never more than bytes left. */
function blockSize(tap: Tap): number {
  let count = tap.readLong();
  if (count < 0) {
    count = -count;
    tap.skipLong();
  }
  if (!(count <= tap.buf.length - tap.pos)) throw new Error('a block is longer than its bytes');
  return count;
}

class BoundedArray extends avro.types.ArrayType {
  _read(tap: Tap): unknown[] {
    const items = this.itemsType as unknown as Readable;
    const values: unknown[] = [];
    for (let count = blockSize(tap); count > 0; count = blockSize(tap)) {
      while (count-- > 0) values.push(items._read(tap));
    }
    return values;
  }
}

class BoundedMap extends avro.types.MapType {
  _read(tap: Tap): Record<string, unknown> {
    const items = this.valuesType as unknown as Readable;
    const values: Record<string, unknown> = {};
    for (let count = blockSize(tap); count > 0; count = blockSize(tap)) {
      while (count-- > 0) {
        const key = tap.readString() ?? '';
        const value = items._read(tap);
        if (key === '__proto__') Object.defineProperty(values, key, { value, enumerable: true, configurable: true, writable: true });
        else values[key] = value;
      }
    }
    return values;
  }
}

class BoundedBytes extends avro.types.BytesType {
  _read(tap: Tap): Buffer {
    const length = tap.readLong();
    if (!(length >= 0 && length <= tap.buf.length - tap.pos)) throw new Error('bytes are longer than the record');
    const start = tap.pos;
    tap.pos += length;
    return Buffer.from(tap.buf.subarray(start, tap.pos));
  }
}

class BoundedInt extends avro.types.IntType {
  _read(tap: Tap): number {
    const value = tap.readInt();
    if (value !== (value | 0)) throw new Error('an int is out of range');
    return value;
  }
}

/** Beyond this avsc writes other numbers than it was given: it doubles them on the way, in a double. */
const MAX_LONG = 2 ** 52;

class BoundedLong extends avro.types.LongType {
  _check(value: unknown, _flags: number, hook?: (value: unknown, type: AvroType) => void): boolean {
    const fits = Number.isInteger(value) && Math.abs(value as number) <= MAX_LONG;
    if (!fits && hook) hook(value, this);
    return fits;
  }

  _write(tap: Tap, value: number): void {
    if (!(Number.isInteger(value) && value <= MAX_LONG && value >= -MAX_LONG)) throw new Error('a long is out of range');
    tap.writeLong(value);
  }

  _read(tap: Tap): number {
    const value = tap.readLong();
    if (!(value <= MAX_LONG && value >= -MAX_LONG)) throw new Error('a long is out of range');
    return value;
  }
}

function safeType(schema: avro.Schema, options: avro.ForSchemaOptions): AvroType | undefined {
  const kind = typeof schema === 'string' ? schema : (schema as { type?: unknown }).type;
  switch (kind) {
    case 'array': return new (BoundedArray as unknown as new (schema: avro.Schema, options: avro.ForSchemaOptions) => AvroType)(schema, options);
    case 'map': return new (BoundedMap as unknown as new (schema: avro.Schema, options: avro.ForSchemaOptions) => AvroType)(schema, options);
    case 'bytes': return new (BoundedBytes as unknown as new () => AvroType)();
    case 'int': return new (BoundedInt as unknown as new () => AvroType)();
    case 'long': return new (BoundedLong as unknown as new () => AvroType)();
    default: return undefined;
  }
}

/** Compiles the text of a schema. @throws Error with the fault of the text */
export function compileSchema(text: string): AvroType {
  const registry: Record<string, AvroType> = {};
  const options = { registry, wrapUnions: 'never', omitRecordMethods: true, typeHook: safeType } as unknown as avro.ForSchemaOptions;
  const type = avro.Type.forSchema(JSON.parse(text) as avro.Schema, options);
  for (const named of Object.values(registry)) {
    const record = named as unknown as { typeName: string; recordConstructor?: { prototype: unknown } };
    if (record.typeName === 'record' && record.recordConstructor) record.recordConstructor.prototype = Object.prototype;
  }
  return type;
}

interface NamedType { readonly name?: string; readonly namespace?: string; readonly [attribute: string]: unknown }

const KEPT = ['type', 'default', 'symbols', 'size', 'logicalType'];
const NAMED = new Set(['record', 'enum', 'fixed']);
const PRIMITIVE = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string', 'array', 'map', ...NAMED]);

function qualified(name: string, namespace: string | undefined): string {
  return PRIMITIVE.has(name) || name.includes('.') || namespace === undefined ? name : `${namespace}.${name}`;
}

function canonical(schema: unknown, outer: string | undefined): unknown {
  if (typeof schema === 'string') return qualified(schema, outer);
  if (Array.isArray(schema)) return schema.map((member) => canonical(member, outer));
  const from = schema as NamedType;
  if (typeof from.type === 'object' && from.type !== null) return canonical(from.type, outer);
  const namespace = from.namespace ?? outer;
  const to: Record<string, unknown> = {};
  if (NAMED.has(from.type as string) && from.name !== undefined) to.name = qualified(from.name, namespace);
  for (const attribute of KEPT) if (from[attribute] !== undefined) to[attribute] = from[attribute];
  if (Array.isArray(from.fields)) to.fields = from.fields.map((field) => canonicalField(field as NamedType, namespace));
  if (from.items !== undefined) to.items = canonical(from.items, namespace);
  if (from.values !== undefined) to.values = canonical(from.values, namespace);
  return to;
}

function canonicalField(field: NamedType, namespace: string | undefined): unknown {
  return { name: field.name, type: canonical(field.type, namespace), ...(field.default === undefined ? {} : { default: field.default }) };
}

/** The schema without docs and marks, names in full, in one fixed form: what bytes depend on. */
export function canonicalText(text: string): string {
  return JSON.stringify(canonical(JSON.parse(text), undefined));
}

/** SHA-256 of the canonical text, 64 hex digits. */
export function fingerprint(text: string): string {
  return createHash('sha256').update(canonicalText(text)).digest('hex');
}
