/** First pass over a bot's files: which intents, entities, slots, responses and flows there are, and where. */
import { shown, type Faults, type Place } from './faults.js';
import { asMap, asTexts, checkName, Fields } from './fields.js';
import type { MapNode, Tree } from './yaml-tree.js';

export interface Entry { readonly name: string; readonly place: Place; readonly tree: Tree }

export interface Sections {
  readonly intents: Map<string, Entry>;
  readonly entities: Map<string, Entry>;
  readonly slots: Map<string, Entry>;
  readonly responses: Map<string, Entry>;
  readonly flows: Map<string, Entry>;
  readonly outOfScope: { readonly text: string; readonly place: Place }[];
}

const NAMED = { intents: 'intent', entities: 'entity', slots: 'slot', responses: 'response', flows: 'flow' } as const;
export const EXAMPLE_CHARACTERS = 500;
/** Of one kind: bounds what indexes and the model can grow to. */
const MOST_ENTRIES = 2000;

export function emptySections(): Sections {
  return { intents: new Map(), entities: new Map(), slots: new Map(), responses: new Map(), flows: new Map(), outOfScope: [] };
}

/** Reads one file that is not bot.yaml: nothing but sections. */
export function readSections(tree: Tree, into: Sections, faults: Faults): void {
  const map = asMap(tree, 'the file', faults);
  if (!map) return;
  const fields = new Fields(map, 'the file', faults);
  takeSections(fields, into, faults);
  fields.close();
}

/** The sections among the fields of a file; bot.yaml has others beside them. */
export function takeSections(fields: Fields, into: Sections, faults: Faults): void {
  for (const [key, kind] of Object.entries(NAMED) as [keyof typeof NAMED, string][]) {
    const tree = fields.take(key);
    const map = tree && asMap(tree, `"${key}"`, faults);
    if (map) takeEntries(map, kind, into[key], faults);
  }
  const outOfScope = fields.take('outOfScope');
  if (outOfScope) into.outOfScope.push(...asTexts(outOfScope, 'an example', faults, EXAMPLE_CHARACTERS));
}

function takeEntries(map: MapNode, kind: string, into: Map<string, Entry>, faults: Faults): void {
  for (const entry of map.entries.values()) {
    if (!checkName(entry.key, entry.place, kind, faults)) continue;
    const before = into.get(entry.key);
    if (before) { faults.error(entry.place, `the ${kind} "${shown(entry.key)}" stands in ${before.place.file}:${before.place.line} already`); continue; }
    if (into.size >= MOST_ENTRIES) { faults.error(entry.place, `more than ${MOST_ENTRIES} of one kind`); return; }
    into.set(entry.key, { name: entry.key, place: entry.place, tree: entry.value });
  }
}
