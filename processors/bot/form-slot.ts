/** Section `slots`: what a conversation holds, where a value comes from and which values it takes. */
import type { Context } from './context.js';
import { asMap } from './fields.js';
import { pattern } from './pattern.js';
import { byKind, flag, integer, list, may, made, nameOf, oneOf, oneOrMore, record, reference, scalar, text, type RecordOf, type Shape } from './shapes.js';
import type { Entry } from './sections.js';
import { canonical, isOrdered } from './slot-values.js';
import type { SlotDefinition, SlotSource, SlotType } from './types.js';
import type { MapNode } from './yaml-tree.js';

const TYPES: readonly SlotType[] = ['text', 'number', 'integer', 'boolean', 'date', 'time', 'datetime', 'email', 'url', 'phone'];
const MEMORIES: readonly SlotDefinition['memory'][] = ['flow', 'conversation', 'user'];

const sourceForm = record({
  entity: may(reference('entities'), 'An entity found in the text', -1),
  intent: may(nameOf('intents'), 'The text has this intent', null),
  text: may(flag, 'The whole text, when the slot is asked for', false),
  value: may(text(500), 'What is stored; without it the value of the entity', null),
});

const source: Shape<SlotSource> = made(sourceForm, ({ entity, intent, text: whole, value }, tree, { faults }) => {
  const keys = tree.kind === 'map' ? ['entity', 'intent', 'text'].filter((key) => tree.entries.has(key)) : [];
  if (keys.length !== 1) { faults.error(tree.place, 'a source is one of "entity", "intent" and "text"'); return undefined; }
  if (keys[0] === 'entity') return { from: 'entity', entity, value };
  if (keys[0] === 'intent') {
    if (value === null) faults.error(tree.place, 'a source "intent" needs the "value" that it stands for');
    return { from: 'intent', intent: intent ?? '', value: value ?? '' };
  }
  if (!whole) faults.error(tree.place, '"text" can only be true');
  return { from: 'text' };
});

const values: Shape<string[]> = made(list(scalar, 'a value', { least: 1, most: 200 }), (found, _tree, { faults }) => found.map(({ value: node, place }) => {
  if (node.value === null || node.value === '') faults.error(place, 'a value is empty');
  return String(node.value);
}));

/** A number as it is, or a date or time as text. */
const bound: Shape<number | string> = made(byKind({ scalar }), (node, tree, { faults }) => {
  if (typeof node.value === 'number' || (typeof node.value === 'string' && node.value !== '')) return node.value;
  faults.error(tree.place, 'a bound is a number, a date such as 2026-01-31 or a time such as 09:30');
  return undefined;
});

export const slotForm = record({
  entity: may(reference('entities'), 'The entity that fills it; without one the whole text does', -1),
  map: may(list(source, 'a source', { least: 1, most: 20 }), 'Where its value may come from, tried in order; instead of "entity"'),
  type: may(oneOf(TYPES), 'What its values are; text that is not of the type does not fit', 'text' as const),
  min: may(bound, 'Least number, or first date or time', null),
  max: may(bound, 'Greatest number, or last date or time', null),
  oneOf: may(values, 'The only values that it takes', null),
  minLength: may(integer(1, 500), 'Least characters', 1),
  maxLength: may(integer(1, 500), 'Most characters', 500),
  matches: may(pattern, 'RE2 pattern for the whole value, without regard to case', null),
  ask: may(reference('responses'), 'The response that asks for it', -1),
  invalid: may(reference('responses'), 'The response after an answer that does not fit; without it "ask" again', -1),
  retries: may(integer(0, 10), 'How many answers may not fit', 2),
  fail: may(reference('flows'), 'The flow that begins when the retries are used up', -1),
  remember: may(flag, 'Keeps its value when a flow that asks for it begins anew: the same as "memory: conversation"', false),
  memory: may(oneOf(MEMORIES), 'How long it keeps its value: until a flow that asks for it begins anew, until the conversation ends, or beyond'),
  interruptedBy: may(oneOrMore(nameOf('intents'), 'an intent'), 'For a slot of free text: the only intents that may come between'),
  introducedBy: may(oneOrMore(text(80), 'a phrase', { most: 100 }), 'For a slot of free text: words before the value that are no part of it, such as "my name is"; by them it is put right too'),
  fill: may(oneOf(['model']), 'The language model looks for the value where nothing else gave it', null),
});

const nothing: Omit<SlotDefinition, 'name'> = {
  entity: -1, ask: -1, invalid: -1, retries: 2, fail: -1, remember: false, interruptedBy: null, introducedBy: [], minLength: 1, maxLength: 500, matches: null,
  type: 'text', sources: [{ from: 'text' }], min: null, max: null, oneOf: null, memory: 'flow', fill: null,
};

export function compileSlot(entry: Entry, context: Context): SlotDefinition {
  const { name, tree } = entry;
  if (tree.kind === 'scalar' && tree.value === null) return { name, ...nothing };
  const map = asMap(tree, `slot "${name}"`, context.faults);
  if (!map) return { name, ...nothing };
  const found = slotForm.readMap(map, `slot "${name}"`, context);
  const sources: SlotSource[] = found.map?.map((one) => one.value) ?? [found.entity >= 0 ? { from: 'entity', entity: found.entity, value: null } : { from: 'text' }];
  const entity = sources.find((one) => one.from === 'entity')?.entity ?? -1;
  const memory = found.memory ?? (found.remember ? 'conversation' : 'flow');
  const slot: SlotDefinition = {
    name, entity, sources, memory, remember: memory !== 'flow', interruptedBy: found.interruptedBy?.map((one) => one.value) ?? null, introducedBy: found.introducedBy?.map((one) => one.value) ?? [],
    ask: found.ask, invalid: found.invalid, retries: found.retries, fail: found.fail, minLength: found.minLength, maxLength: found.maxLength,
    matches: found.matches, type: found.type, min: found.min, max: found.max, oneOf: found.oneOf, fill: found.fill,
  };
  checkSlot(entry, map, slot, found, context);
  return slot.type === 'text' || slot.oneOf === null ? slot : { ...slot, oneOf: slot.oneOf.map((value) => canonical(slot.type, value) ?? value) };
}

/** What single fields cannot tell. */
function checkSlot({ name, place }: Entry, map: MapNode, slot: SlotDefinition, found: RecordOf<(typeof slotForm)['fields']>, { faults }: Context): void {
  const fault = (reason: string, key?: string): void => { faults.error(map.entries.get(key ?? '')?.place ?? place, `slot "${name}": ${reason}`); };
  if (map.entries.has('entity') && found.map) fault('"entity" and "map" exclude each other', 'map');
  if (found.remember && found.memory === 'flow') fault('"remember" and "memory: flow" exclude each other', 'memory');
  if (slot.interruptedBy !== null && !slot.sources.some((one) => one.from === 'text')) fault('"interruptedBy" is for slots without an entity');
  if (slot.introducedBy.length > 0 && !slot.sources.some((one) => one.from === 'text')) fault('"introducedBy" is for slots without an entity', 'introducedBy');
  if (slot.minLength > slot.maxLength) fault('minLength is above maxLength');
  for (const key of ['min', 'max'] as const) {
    const value = slot[key];
    if (value === null) continue;
    if (!isOrdered(slot.type)) fault(`"${key}" needs a type that has an order: number, integer, date, time or datetime`, key);
    else if (canonical(slot.type, String(value)) === null) fault(`"${key}" is no ${slot.type}`, key);
  }
  if (slot.min !== null && slot.max !== null && slot.min > slot.max) fault('min is above max', 'min');
  for (const value of slot.oneOf ?? []) if (canonical(slot.type, value) === null) fault(`the value "${value}" is no ${slot.type}`, 'oneOf');
}
