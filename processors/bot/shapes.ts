/**
 * The forms that a bot's files may have, declared once: a shape reads a tree (every fault with its place, a harmless value
 * instead) and describes itself to editors as JSON Schema. The sections are tables of shapes (form-*.ts), so what the editor
 * takes and what the compiler takes cannot drift apart.
 */
import type { Context, NameKind } from './context.js';
import type { Place } from './faults.js';
import { asBoolean, asInteger, asList, asMap, asNumber, asText, Fields, NAME } from './fields.js';
import type { MapNode, ScalarNode, Tree } from './yaml-tree.js';

export type JsonSchema = Readonly<Record<string, unknown>>;
/** Schemas of named shapes, by name. */
export type Definitions = Map<string, JsonSchema>;

export interface Shape<T> {
  /** The value, or undefined after a fault. `what` names it in faults. */
  read(tree: Tree, what: string, context: Context): T | undefined;
  schema(definitions: Definitions): JsonSchema;
}

/** A value with the place where it stands. */
export interface Placed<T> { readonly value: T; readonly place: Place }

/** A text that is not empty; numbers are taken as they are written. */
export function text(most = 2000, pattern?: RegExp, form?: string): Shape<string> {
  return {
    read(tree, what, { faults }) {
      const value = asText(tree, what, faults, most);
      if (value === undefined || pattern === undefined || pattern.test(value)) return value;
      faults.error(tree.place, `${what} must be ${form ?? 'of another form'}`);
      return undefined;
    },
    schema: () => pattern ? { type: 'string', maxLength: most, pattern: pattern.source } : { type: ['string', 'number'], maxLength: most, minLength: 1 },
  };
}

export const flag: Shape<boolean> = { read: (tree, what, { faults }) => asBoolean(tree, what, faults), schema: () => ({ type: 'boolean' }) };

export function number(least: number, most: number): Shape<number> {
  return { read: (tree, what, { faults }) => asNumber(tree, what, [least, most], faults), schema: () => ({ type: 'number', minimum: least, maximum: most }) };
}

export function integer(least: number, most: number): Shape<number> {
  return { read: (tree, what, { faults }) => asInteger(tree, what, [least, most], faults), schema: () => ({ type: 'integer', minimum: least, maximum: most }) };
}

const DURATION = /^(?:(\d{1,4})d)?(?:(\d{1,5})h)?(?:(\d{1,6})m)?(?:(\d{1,7})s)?(?:(\d{1,9})ms)?$/;

/** `90s`, `1h30m`, `2d`: milliseconds. */
export function duration(least: number, most: number): Shape<number> {
  return {
    read(tree, what, { faults }) {
      const written = tree.kind === 'scalar' && typeof tree.value === 'string' ? tree.value.trim() : '';
      const match = written === '' ? null : DURATION.exec(written);
      if (!match) { faults.error(tree.place, `${what} must be a duration such as 90s, 10m, 1h30m or 2d`); return undefined; }
      const [days = 0, hours = 0, minutes = 0, seconds = 0, millis = 0] = match.slice(1).map((part) => Number(part ?? 0));
      const value = (((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + millis;
      if (value >= least && value <= most) return value;
      faults.error(tree.place, `${what} must be from ${shownDuration(least)} to ${shownDuration(most)}`);
      return undefined;
    },
    schema: () => ({ type: 'string', pattern: `^(?!$)${DURATION.source.slice(1)}` }),
  };
}

function shownDuration(millis: number): string {
  for (const [unit, size] of [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1000]] as const) if (millis >= size && millis % size === 0) return `${millis / size}${unit}`;
  return `${millis}ms`;
}

export function oneOf<const T extends string>(choices: readonly T[]): Shape<T> {
  return {
    read(tree, what, { faults }) {
      const value = asText(tree, what, faults);
      const found = choices.find((choice) => choice === value);
      if (value !== undefined && found === undefined) faults.unknown(tree.place, what, value, choices);
      return found;
    },
    schema: () => ({ enum: choices }),
  };
}

/** The index of a name; -1 after a fault. */
export function reference(kind: NameKind): Shape<number> {
  return { read: (tree, _what, context) => context[kind].reference(tree), schema: () => ({ type: 'string', pattern: NAME.source }) };
}

/** A name that must be there, as it is written. */
export function nameOf(kind: NameKind): Shape<string> {
  return {
    read: (tree, what, context) => {
      const name = asText(tree, what, context.faults);
      if (name !== undefined) context[kind].find(name, tree.place);
      return name;
    },
    schema: () => ({ type: 'string', pattern: NAME.source }),
  };
}

export interface Bounds { readonly least?: number; readonly most?: number; readonly reason?: string }

export function list<T>(of: Shape<T>, each: string, bounds: Bounds = {}): Shape<Placed<T>[]> {
  return {
    read(tree, what, context) {
      const node = asList(tree, what, context.faults);
      if (!node) return undefined;
      if (node.items.length < (bounds.least ?? 0)) context.faults.error(node.place, bounds.reason ?? `${what} is empty`);
      if (node.items.length > (bounds.most ?? Infinity)) context.faults.error(node.place, bounds.reason ?? `at most ${bounds.most ?? 0} ${what}`);
      return node.items.flatMap((item) => { const value = of.read(item, each, context); return value === undefined ? [] : [{ value, place: item.place }]; });
    },
    schema: (definitions) => ({ type: 'array', items: of.schema(definitions), ...bounds.least === undefined ? {} : { minItems: bounds.least }, ...bounds.most === undefined ? {} : { maxItems: bounds.most } }),
  };
}

/** One alone or a list of them. */
export function oneOrMore<T>(of: Shape<T>, each: string, bounds: Bounds = {}): Shape<Placed<T>[]> {
  const several = list(of, each, bounds);
  return {
    read(tree, what, context) {
      if (tree.kind === 'list') return several.read(tree, what, context);
      const value = of.read(tree, each, context);
      return value === undefined ? [] : [{ value, place: tree.place }];
    },
    schema: (definitions) => ({ anyOf: [of.schema(definitions), several.schema(definitions)] }),
  };
}

export interface KeyedEntry<T> { readonly key: string; readonly value: T; readonly place: Place; readonly valuePlace: Place }

/** A map whose keys are not fixed; `accepts` gives a fault's reason for a key that does not fit. */
export function keyed<T>(of: Shape<T>, accepts: (key: string, place: Place, context: Context) => boolean, most = 2000): Shape<KeyedEntry<T>[]> {
  return {
    read(tree, what, context) {
      const node = asMap(tree, what, context.faults);
      if (!node) return undefined;
      if (node.entries.size > most) context.faults.error(node.place, `${what} has more than ${most} entries`);
      return [...node.entries.values()].slice(0, most).flatMap((entry) => {
        if (!accepts(entry.key, entry.place, context)) return [];
        const value = of.read(entry.value, `"${entry.key}"`, context);
        return value === undefined ? [] : [{ key: entry.key, value, place: entry.place, valuePlace: entry.value.place }];
      });
    },
    schema: (definitions) => ({ type: 'object', additionalProperties: of.schema(definitions), maxProperties: most }),
  };
}

export interface Field<T> { readonly shape: Shape<unknown>; readonly about: string; readonly needed: boolean; readonly otherwise: unknown; readonly type?: T }

/** A field that must be there; undefined after a fault. */
export function need<T>(shape: Shape<T>, about: string): Field<T | undefined> {
  return { shape, about, needed: true, otherwise: undefined };
}

/** A field that may be left out. */
export function may<T>(shape: Shape<T>, about: string): Field<T | undefined>;
export function may<T, D>(shape: Shape<T>, about: string, otherwise: D): Field<T | D>;
export function may(shape: Shape<unknown>, about: string, otherwise?: unknown): Field<unknown> {
  return { shape, about, needed: false, otherwise };
}

type Table = Readonly<Record<string, Field<unknown>>>;
export type RecordOf<F extends Table> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

export interface RecordShape<F extends Table> extends Shape<RecordOf<F>> {
  readonly fields: F;
  /** Reads what is in hand as a map with its fields; `also` are keys that are read elsewhere. */
  readMap(node: MapNode, what: string, context: Context, also?: readonly string[]): RecordOf<F>;
}

/** A map with these fields and no other. */
export function record<F extends Table>(fields: F): RecordShape<F> {
  const readMap = (node: MapNode, what: string, context: Context, also: readonly string[] = []): RecordOf<F> => {
    const source = new Fields(node, what, context.faults);
    for (const key of also) source.take(key);
    const found: Record<string, unknown> = {};
    for (const [key, field] of Object.entries(fields)) {
      const tree = field.needed ? source.need(key) : source.take(key);
      const value = tree && field.shape.read(tree, key, context);
      found[key] = value === undefined ? field.otherwise : value;
    }
    source.close();
    return found as RecordOf<F>;
  };
  return {
    fields, readMap,
    read(tree, what, context) {
      const node = asMap(tree, what, context.faults);
      return node && readMap(node, what, context);
    },
    schema: (definitions) => recordSchema(fields, definitions),
  };
}

export function recordSchema(fields: Table, definitions: Definitions): JsonSchema {
  const required = Object.entries(fields).filter(([, field]) => field.needed).map(([key]) => key);
  return {
    type: 'object', additionalProperties: false,
    properties: Object.fromEntries(Object.entries(fields).map(([key, field]) => [key, described(field.shape.schema(definitions), field.about)])),
    ...required.length === 0 ? {} : { required },
  };
}

/** A description beside `$ref` is not seen by editors of the older drafts, so it is put around it. */
function described(schema: JsonSchema, about: string): JsonSchema {
  return '$ref' in schema ? { description: about, allOf: [schema] } : { description: about, ...schema };
}

/** One shape for each kind of tree. */
export function byKind<T>(kinds: { readonly scalar?: Shape<T>; readonly list?: Shape<T>; readonly map?: Shape<T> }): Shape<T> {
  const shapes = Object.values(kinds);
  return {
    read: (tree, what, context) => (kinds[tree.kind] ?? shapes[0])?.read(tree, what, context),
    schema: (definitions) => ({ anyOf: shapes.map((shape) => shape.schema(definitions)) }),
  };
}

/** The shape with what it gives made into something else; undefined where `make` found a fault. */
export function made<T, U>(shape: Shape<T>, make: (value: T, tree: Tree, context: Context, what: string) => U | undefined): Shape<U> {
  return {
    read(tree, what, context) {
      const value = shape.read(tree, what, context);
      return value === undefined ? undefined : make(value, tree, context, what);
    },
    schema: (definitions) => shape.schema(definitions),
  };
}

/** A shape that editors see under its name, and that may contain itself. */
export function named<T>(name: string, shape: () => Shape<T>): Shape<T> {
  return {
    read: (tree, what, context) => shape().read(tree, what, context),
    schema(definitions) {
      if (!definitions.has(name)) { definitions.set(name, {}); definitions.set(name, shape().schema(definitions)); }
      return { $ref: `#/definitions/${name}` };
    },
  };
}

/** Any scalar, as its node. */
export const scalar: Shape<ScalarNode> = {
  read(tree, what, { faults }) {
    if (tree.kind === 'scalar') return tree;
    faults.error(tree.place, `${what} must be a value, not a ${tree.kind}`);
    return undefined;
  },
  schema: () => ({ type: ['string', 'number', 'boolean', 'null'] }),
};
