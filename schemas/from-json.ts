/**
 * JSON to values of a schema, as people write it: unions without wrappers, fields with a default may be left out, bytes in
 * base64, times also as in RFC 3339. What does not fit is named by a JSON pointer, never with its value: it may be personal.
 */
import type { FieldError } from '../platform/errors.js';

type Schema = string | readonly Schema[] | SchemaNode;
interface SchemaNode { readonly type: Schema; readonly name?: string; readonly fields?: readonly FieldNode[]; readonly items?: Schema; readonly values?: Schema; readonly logicalType?: string }
interface FieldNode { readonly name: string; readonly type: Schema; readonly default?: unknown }

const MOST_FAULTS = 20;
const MOST_LONG = 2 ** 52;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/i;
const LONE_SURROGATE = /\p{Cs}/u;

/** Reads JSON as one record of a schema. */
export class JsonRecordReader {
  private readonly named = new Map<string, SchemaNode>();
  private readonly root: SchemaNode;

  /** @param schemaText the text of an Avro schema; a record */
  constructor(schemaText: string) {
    this.root = JSON.parse(schemaText) as SchemaNode;
    this.collect(this.root);
  }

  /** The value as the codec encodes it, or the faults that keep it from being one (then `value` is of no use). */
  read(json: unknown): { readonly value: Readonly<Record<string, unknown>>; readonly faults: readonly FieldError[] } {
    const faults: FieldError[] = [];
    const value = this.value(this.root, json, '', faults) as Record<string, unknown>;
    return { value, faults: faults.slice(0, MOST_FAULTS) };
  }

  private collect(schema: Schema | undefined): void {
    if (schema === undefined || typeof schema === 'string') return;
    if (Array.isArray(schema)) { for (const member of schema as readonly Schema[]) this.collect(member); return; }
    const node = schema as SchemaNode;
    if (node.name !== undefined && node.fields !== undefined) this.named.set(node.name, node);
    for (const inner of [node.type, node.items, node.values, ...(node.fields ?? []).map(({ type }) => type)]) this.collect(inner);
  }

  private value(schema: Schema, json: unknown, at: string, faults: FieldError[]): unknown {
    if (Array.isArray(schema)) return this.union(schema as readonly Schema[], json, at, faults);
    const node = typeof schema === 'string' ? this.named.get(schema.split('.').at(-1) ?? '') : schema as SchemaNode;
    const kind = node === undefined ? schema as string : node.type;
    if (typeof kind !== 'string') return this.value(kind, json, at, faults);
    switch (kind) {
      case 'record': return this.record(node as SchemaNode, json, at, faults);
      case 'array': return this.list(node as SchemaNode, json, at, faults);
      case 'map': return this.map(node as SchemaNode, json, at, faults);
      case 'long': case 'int': case 'float': case 'double': return number(kind, node?.logicalType, json, at, faults);
      case 'string': return check(typeof json === 'string' && !LONE_SURROGATE.test(json), json, at, 'must be a text', faults);
      case 'boolean': return check(typeof json === 'boolean', json, at, 'must be true or false', faults);
      case 'bytes': return check(typeof json === 'string' && BASE64.test(json), json, at, 'must be bytes in base64', faults) === undefined ? undefined : Buffer.from(json as string, 'base64');
      case 'null': return check(json === null, json, at, 'must be null', faults);
      default: faults.push({ pointer: at, detail: `is of the type ${kind}, which cannot be written as JSON` }); return undefined;
    }
  }

  /** The branch that fits the kind of the JSON value; with one branch beside null that one, for the better reason. */
  private union(members: readonly Schema[], json: unknown, at: string, faults: FieldError[]): unknown {
    if (json === null && members.includes('null')) return null;
    const others = members.filter((member) => member !== 'null');
    const fitting = others.length === 1 ? others[0] : others.find((member) => this.takes(member, json));
    if (fitting !== undefined) return this.value(fitting, json, at, faults);
    faults.push({ pointer: at, detail: `must be ${[...others.map((member) => this.nameOf(member)), ...(members.length > others.length ? ['null'] : [])].join(' or ')}` });
    return undefined;
  }

  private takes(schema: Schema, json: unknown): boolean {
    const kind = this.kindOf(schema);
    if (kind === 'record' || kind === 'map') return isObject(json);
    if (kind === 'array') return Array.isArray(json);
    if (kind === 'boolean') return typeof json === 'boolean';
    return kind === 'string' || kind === 'bytes' ? typeof json === 'string' : typeof json === 'number';
  }

  private kindOf(schema: Schema): string {
    if (typeof schema === 'string') return this.named.has(schema.split('.').at(-1) ?? '') ? 'record' : schema;
    const { type } = schema as SchemaNode;
    return typeof type === 'string' ? type : this.kindOf(type);
  }

  private nameOf(schema: Schema): string {
    const kind = this.kindOf(schema);
    return kind === 'record' ? `a ${typeof schema === 'string' ? schema.split('.').at(-1) ?? '' : (schema as SchemaNode).name ?? 'record'}` : `a ${kind}`;
  }

  private record({ fields = [], name = 'record' }: SchemaNode, json: unknown, at: string, faults: FieldError[]): unknown {
    if (!isObject(json)) { faults.push({ pointer: at, detail: `must be an object with the fields of ${name}` }); return undefined; }
    const known = new Set(fields.map((field) => field.name));
    for (const given of Object.keys(json)) if (!known.has(given)) faults.push({ pointer: `${at}/${escaped(given)}`, detail: `is not a field of ${name}` });
    const value: Record<string, unknown> = {};
    for (const field of fields) {
      const pointer = `${at}/${field.name}`;
      if (Object.hasOwn(json, field.name)) value[field.name] = this.value(field.type, json[field.name], pointer, faults);
      else if (field.default !== undefined) value[field.name] = this.value(field.type, field.default, pointer, faults);
      else faults.push({ pointer, detail: 'is missing' });
    }
    return value;
  }

  private list({ items = 'null' }: SchemaNode, json: unknown, at: string, faults: FieldError[]): unknown {
    if (!Array.isArray(json)) { faults.push({ pointer: at, detail: 'must be a list' }); return undefined; }
    return json.map((item, index) => this.value(items, item, `${at}/${index}`, faults));
  }

  private map({ values = 'null' }: SchemaNode, json: unknown, at: string, faults: FieldError[]): unknown {
    if (!isObject(json)) { faults.push({ pointer: at, detail: 'must be an object' }); return undefined; }
    if (Object.hasOwn(json, '__proto__')) faults.push({ pointer: `${at}/__proto__`, detail: 'is not a name that may be used' });
    return Object.fromEntries(Object.entries(json).map(([name, inner]) => [name, this.value(values, inner, `${at}/${escaped(name)}`, faults)]));
  }
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

function check(fits: boolean, json: unknown, at: string, rule: string, faults: FieldError[]): unknown {
  if (fits) return json;
  faults.push({ pointer: at, detail: rule });
  return undefined;
}

function number(kind: string, logicalType: string | undefined, json: unknown, at: string, faults: FieldError[]): unknown {
  if (logicalType === 'timestamp-millis' && typeof json === 'string') {
    const millis = TIME.test(json) ? Date.parse(json) : NaN;
    return check(Number.isFinite(millis), json, at, 'must be a time as in RFC 3339, or milliseconds since 1970', faults) === undefined ? undefined : millis;
  }
  if (kind === 'float' || kind === 'double') return check(typeof json === 'number' && Number.isFinite(json), json, at, 'must be a number', faults);
  const most = kind === 'int' ? 2 ** 31 - 1 : MOST_LONG;
  return check(Number.isInteger(json) && (json as number) <= most && (json as number) >= -most - (kind === 'int' ? 1 : 0), json, at, `must be a whole number${logicalType === 'timestamp-millis' ? ' of milliseconds since 1970, or a time as in RFC 3339' : ''}`, faults);
}
