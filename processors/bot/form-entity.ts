/** Section `entities`. */
import { byKind, flag, keyed, made, may, oneOf, oneOrMore, record, scalar, text, type Shape } from './shapes.js';
import type { Context } from './context.js';
import type { Place } from './faults.js';
import { asMap } from './fields.js';
import { isLanguage } from './languages.js';
import { pattern } from './pattern.js';
import type { Entry } from './sections.js';
import { SYSTEM_ENTITIES, type EntityDefinition, type ListValue } from './types.js';

const words: Shape<string[]> = byKind({
  scalar: made(scalar, (node, tree, context) => node.value === null ? [] : wordsOf(oneOrMore(text(), 'a synonym').read(tree, 'a synonym', context))),
  list: made(oneOrMore(text(), 'a synonym'), wordsOf),
});

/** A list of words, or such a list for each language of the bot: all of them are looked for, whichever language a person writes. */
const synonyms: Shape<string[]> = byKind({ scalar: words, list: words, map: made(keyed(words, isLanguage, 50), (found) => found.flatMap(({ value }) => value)) });

function wordsOf(found: readonly { readonly value: string }[] | undefined): string[] { return (found ?? []).map((one) => one.value); }

/** A list of values, or a map from value to its synonyms. */
const values: Shape<ListValue[]> = byKind({
  list: made(oneOrMore(text(), 'a value'), (found) => found.map(({ value }) => ({ value, synonyms: [value] }))),
  map: made(keyed(synonyms, () => true), (found) => found.map(({ key, value }) => ({ value: key, synonyms: [key, ...value] }))),
});

export const entityForm = record({
  patterns: may(oneOrMore(pattern, 'a pattern'), 'RE2 patterns, matched without regard to case', []),
  values: may(values, 'A list of values, or value: how people write it', [] as ListValue[]),
  system: may(oneOf(SYSTEM_ENTITIES), 'What the program knows by itself', null),
  normalise: may(oneOf(['upper', 'lower', 'none']), 'How the text of a pattern becomes the value', 'none' as const),
  fuzzy: may(flag, 'false: values of the list are found only as they are written', true),
  prefer: may(oneOf(['future', 'past']), 'Which day "Monday" is: the next one or the last', 'future' as const),
  learned: may(flag, 'true: found by what the marks in examples teach, also without another source; false: marks teach nothing', undefined as boolean | undefined),
});

export function compileEntity(entry: Entry, context: Context): EntityDefinition {
  const what = `entity "${entry.name}"`;
  const map = asMap(entry.tree, what, context.faults);
  if (!map) return { name: entry.name, patterns: [], values: [], system: null, normalise: 'none' };
  const { patterns, learned, ...others } = entityForm.readMap(map, what, context);
  const found = learned === undefined ? others : { ...others, learned };
  if (!['patterns', 'values', 'system'].some((key) => map.entries.has(key)) && learned !== true) fault(entry.place, what, context);
  return { name: entry.name, patterns: patterns.map((one) => one.value), ...found };
}

function fault(place: Place, what: string, { faults }: Context): void { faults.error(place, `${what} needs "patterns", "values", "system" or "learned: true"`); }
