/** First pass over a bot's files: which intents, entities, slots, responses, flows and actions there are, and where. */
import { shown, type Faults, type Place } from './faults.js';
import { asMap, checkName, Fields } from './fields.js';
import type { MapNode, Tree } from './yaml-tree.js';

export interface Entry { readonly name: string; readonly place: Place; readonly tree: Tree }

export interface Sections {
  readonly intents: Map<string, Entry>;
  readonly entities: Map<string, Entry>;
  readonly slots: Map<string, Entry>;
  readonly responses: Map<string, Entry>;
  readonly flows: Map<string, Entry>;
  readonly actions: Map<string, Entry>;
  /** One tree for each file that has some. */
  readonly outOfScope: Tree[];
}

const NAMED = { intents: 'intent', entities: 'entity', slots: 'slot', responses: 'response', flows: 'flow', actions: 'action' } as const;
/** Keys that any file of a bot may have. */
export const SECTION_KEYS = [...Object.keys(NAMED), 'outOfScope'];
/** Of one kind: bounds what indexes and the model can grow to. */
const MOST_ENTRIES = 2000;

export function emptySections(): Sections {
  return { intents: new Map(), entities: new Map(), slots: new Map(), responses: new Map(), flows: new Map(), actions: new Map(), outOfScope: [] };
}

/** Reads one file that is not bot.yaml: nothing but sections. */
export function readSections(tree: Tree, into: Sections, faults: Faults): void {
  const map = asMap(tree, 'the file', faults);
  if (!map) return;
  const fields = new Fields(map, 'the file', faults);
  takeSections(map, into, faults);
  for (const key of SECTION_KEYS) fields.take(key);
  fields.close();
}

/** The sections among the keys of a file; bot.yaml has others beside them. */
export function takeSections(file: MapNode, into: Sections, faults: Faults): void {
  for (const [key, kind] of Object.entries(NAMED) as [keyof typeof NAMED, string][]) {
    const tree = file.entries.get(key)?.value;
    const map = tree && asMap(tree, `"${key}"`, faults);
    if (map) takeEntries(map, kind, into[key], faults);
  }
  const outOfScope = file.entries.get('outOfScope');
  if (outOfScope) into.outOfScope.push(outOfScope.value);
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
