/** What a test expects, from YAML. */
import { RE2JS } from 're2js';
import { shown, type Faults } from '../../processors/bot/index.js';
import { asBoolean, asList, asMap, asText, asTexts, Fields } from '../../processors/bot/fields.js';
import type { MapEntry, ScalarNode, Tree } from '../../processors/bot/yaml-tree.js';
import type { Kind, Known } from './known.js';
import { durationOf } from './values.js';
import type { Bubble, Expected, ExpectedAction, ExpectedHandoff, ExpectedReply, ExpectedTimer, StateExpectations, TurnExpectations } from './types.js';

export interface Reading { readonly faults: Faults; readonly known: Known }

export const OUTCOMES = ['answered', 'fallback', 'handed_off', 'silent', 'ended', 'timer', 'dead_lettered'];
const TASKS = ['answer', 'rephrase', 'fill'];
const TEXT = 5000;

type Reader<T> = (tree: Tree, reading: Reading) => T | undefined;

/** Reads an optional expectation with the place where it stands. */
function take<T>(fields: Fields, key: string, reading: Reading, reader: Reader<T>): Expected<T> | undefined {
  const tree = fields.take(key);
  const value = tree && reader(tree, reading);
  return tree === undefined || value === undefined ? undefined : { place: tree.place, value };
}

/** What is asked without being a slot. */
const QUESTIONS: readonly unknown[] = ['confirm', 'resume'];

/** Of an object, the fields that are there. */
const present = <T extends object>(fields: T): { readonly [K in keyof T]: Exclude<T[K], undefined> } => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as { readonly [K in keyof T]: Exclude<T[K], undefined> };

export function readState(fields: Fields, reading: Reading): StateExpectations {
  return present({
    slots: take(fields, 'slots', reading, readSlots),
    onlySlots: take(fields, 'onlySlots', reading, readSlots),
    flow: take(fields, 'flow', reading, readFlow),
    waitsFor: take(fields, 'waitsFor', reading, (tree) => (tree.kind === 'scalar' && QUESTIONS.includes(tree.value) ? String(tree.value) : nameOrNone('slot', tree, reading))),
    handedOff: take(fields, 'handedOff', reading, (tree, { faults }) => asBoolean(tree, 'handedOff', faults)),
    timers: take(fields, 'timers', reading, readTimers),
    version: take(fields, 'version', reading, (tree, { known, faults }) => known.read('version', tree, faults)),
  });
}

/** `input` is the key of the turn's input, which is no expectation then. */
export function readAnswer(fields: Fields, reading: Reading, input: string): TurnExpectations {
  return present({
    bot: take(fields, 'bot', reading, readBubbles),
    outcome: take(fields, 'outcome', reading, (tree) => choices(tree, 'outcome', OUTCOMES, reading)),
    intent: take(fields, 'intent', reading, (tree) => nameOrNone('intent', tree, reading)),
    entities: take(fields, 'entities', reading, readEntities),
    quickReplies: take(fields, 'quickReplies', reading, readQuickReplies),
    buttons: take(fields, 'buttons', reading, readQuickReplies),
    handoff: input === 'handoff' ? undefined : take(fields, 'handoff', reading, readExpectedHandoff),
    actions: take(fields, 'actions', reading, readActions),
    model: take(fields, 'model', reading, (tree) => choices(tree, 'task', TASKS, reading)),
  });
}

export function choices(tree: Tree, what: string, known: readonly string[], { faults }: Reading): string[] {
  return asTexts(tree, what, faults, 100).flatMap(({ text, place }) => {
    if (known.includes(text)) return [text];
    faults.unknown(place, what, text, known);
    return [];
  });
}

const isNone = (tree: Tree): boolean => tree.kind === 'scalar' && (tree.value === 'none' || tree.value === null);

function nameOrNone(kind: Kind, tree: Tree, { known, faults }: Reading): string | null | undefined {
  return isNone(tree) && !known.has(kind, 'none') ? null : known.read(kind, tree, faults);
}

/** A value as slots hold it: text. */
export function scalarText(node: ScalarNode): string { return String(node.value); }

function entriesOf(tree: Tree, what: string, kind: Kind, { faults, known }: Reading): MapEntry[] | undefined {
  const map = asMap(tree, what, faults);
  return map && [...map.entries.values()].filter((entry) => known.check(kind, entry.key, entry.place, faults));
}

function readSlots(tree: Tree, reading: Reading): Map<string, string | null> | undefined {
  const entries = entriesOf(tree, 'the slots', 'slot', reading);
  const slots = new Map<string, string | null>();
  for (const { key, value } of entries ?? []) {
    if (value.kind !== 'scalar') reading.faults.error(value.place, 'a slot holds one value');
    else slots.set(key, value.value === null || value.value === '' ? null : scalarText(value));
  }
  return entries && slots;
}

function readEntities(tree: Tree, reading: Reading): Map<string, string[]> | undefined {
  const entries = entriesOf(tree, 'the entities', 'entity', reading);
  return entries && new Map(entries.map(({ key, value }) => [key, asTexts(value, 'the value of an entity', reading.faults).map(({ text }) => text)]));
}

function readFlow(tree: Tree, reading: Reading): { names: string[]; whole: boolean } | undefined {
  if (isNone(tree)) return { names: [], whole: true };
  if (tree.kind !== 'list') {
    const name = reading.known.read('flow', tree, reading.faults);
    return name === undefined ? undefined : { names: [name], whole: false };
  }
  return { names: tree.items.flatMap((item) => reading.known.read('flow', item, reading.faults) ?? []), whole: true };
}

/** Ids, or id → how long until it fires. */
function readTimers(tree: Tree, { faults }: Reading): ExpectedTimer[] | undefined {
  if (tree.kind !== 'map') return isNone(tree) ? [] : asTexts(tree, 'the id of a timer', faults, 200).map(({ text }) => ({ id: text }));
  return [...tree.entries.values()].map(({ key, value }) => {
    const millis = durationOf(value, faults);
    return millis === undefined ? { id: key } : { id: key, millis };
  });
}

function readQuickReplies(tree: Tree, { faults }: Reading): ExpectedReply[] | undefined {
  const items = tree.kind === 'list' ? tree.items : [tree];
  return items.flatMap((item): ExpectedReply[] => {
    if (item.kind !== 'map') { const title = asText(item, 'a title', faults); return title === undefined ? [] : [{ title }]; }
    const fields = new Fields(item, 'a quick reply', faults);
    const title = fields.need('title');
    const payload = fields.take('payload');
    fields.close();
    const [name, sent] = [title && asText(title, 'title', faults), payload && asText(payload, 'payload', faults)];
    return name === undefined ? [] : [{ title: name, ...(sent === undefined ? {} : { payload: sent }) }];
  });
}

function readExpectedHandoff(tree: Tree, reading: Reading): ExpectedHandoff | null | undefined {
  if (isNone(tree)) return null;
  const found = readHandoff(tree, reading);
  return found && { to: found.to, ...(found.reason === null ? {} : { reason: found.reason }) };
}

export function readHandoff(tree: Tree, reading: Reading): { to: string; reason: string | null } | undefined {
  if (tree.kind !== 'map') {
    const [to] = choices(tree, 'side', ['person', 'bot'], reading);
    return to === undefined ? undefined : { to, reason: null };
  }
  const fields = new Fields(tree, 'a handoff', reading.faults);
  const toTree = fields.need('to');
  const reason = fields.take('reason');
  fields.close();
  const [to] = toTree ? choices(toTree, 'side', ['person', 'bot'], reading) : [];
  return to === undefined ? undefined : { to, reason: (reason && asText(reason, 'reason', reading.faults, 200)) ?? null };
}

function readActions(tree: Tree, reading: Reading): ExpectedAction[] | undefined {
  const items = tree.kind === 'list' ? tree.items : isNone(tree) ? [] : [tree];
  return items.flatMap((item): ExpectedAction[] => {
    if (item.kind !== 'map') { const name = reading.known.read('action', item, reading.faults); return name === undefined ? [] : [{ name }]; }
    const fields = new Fields(item, 'a call', reading.faults);
    const nameTree = fields.need('name');
    const withTree = fields.take('with');
    fields.close();
    const name = nameTree && reading.known.read('action', nameTree, reading.faults);
    const map = withTree && asMap(withTree, 'with', reading.faults);
    const values = map && Object.fromEntries([...map.entries.values()].flatMap(({ key, value }) => (value.kind === 'scalar' ? [[key, value.value]] : [])));
    return name === undefined ? [] : [{ name, ...(values === undefined ? {} : { with: values }) }];
  });
}

/** One bubble or a list of them. */
export function readBubbles(tree: Tree, reading: Reading): Bubble[] | undefined {
  if (tree.kind === 'list') return tree.items.flatMap((item) => readBubble(item, reading) ?? []);
  if (isNone(tree)) { reading.faults.error(tree.place, 'write [] for no bubble'); return undefined; }
  const one = readBubble(tree, reading);
  return one && [one];
}

const FORMS = ['pattern', 'contains', 'oneOf', 'response'];

function readBubble(tree: Tree, reading: Reading): Bubble | undefined {
  const { faults } = reading;
  if (tree.kind !== 'map') {
    const text = asText(tree, 'a bubble', faults, TEXT);
    if (text === undefined) return undefined;
    if (text === 'anything') return { is: 'anything' };
    return /^\/.+\/$/s.test(text) ? readPattern(text.slice(1, -1), tree, faults) : { is: 'exactly', text };
  }
  const [entry, more] = [...tree.entries.values()];
  if (entry === undefined || more !== undefined) { faults.error(tree.place, `a bubble has one of ${FORMS.join(', ')}; a text with ": " in it needs quotes`); return undefined; }
  const { key, value } = entry;
  if (key === 'oneOf') {
    const of = asList(value, 'oneOf', faults)?.items.flatMap((item) => readBubble(item, reading) ?? []);
    return of && { is: 'oneOf', of };
  }
  if (key === 'response') { const name = reading.known.read('response', value, faults); return name === undefined ? undefined : { is: 'response', name }; }
  if (key !== 'pattern' && key !== 'contains') { faults.unknown(entry.place, 'form of a bubble', key, FORMS); return undefined; }
  const text = asText(value, key, faults, TEXT);
  if (text === undefined) return undefined;
  return key === 'contains' ? { is: 'contains', text } : readPattern(text, value, faults);
}

function readPattern(source: string, tree: Tree, faults: Faults): Bubble | undefined {
  try {
    const pattern = RE2JS.compile(source, RE2JS.DOTALL);
    return { is: 'pattern', source, test: (text) => pattern.test(text) };
  } catch (error) {
    faults.error(tree.place, `the pattern is not RE2: ${shown(error instanceof Error ? error.message : String(error))}`);
    return undefined;
  }
}
