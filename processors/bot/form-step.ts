/**
 * The steps of a flow as they are written. Each kind of step is one entry of the table: its forms, and the step that they
 * become. What it compiles to is in emit-flow.ts.
 */
import type { Context } from './context.js';
import type { Place } from './faults.js';
import { asMap, NAME } from './fields.js';
import { condition } from './form-condition.js';
import { template } from './form-template.js';
import { duration, flag, keyed, list, made, may, named, need, oneOrMore, record, recordSchema, reference, text, type Field, type JsonSchema, type Placed, type RecordOf, type Shape } from './shapes.js';
import type { Expression, Template } from './types-flow.js';
import type { MapNode, Tree } from './yaml-tree.js';

/** What a step is, with the steps inside it. */
export type StepBody =
  | { readonly do: 'say' | 'ask' | 'go' | 'call'; readonly index: number; readonly name: string }
  | { readonly do: 'set'; readonly slots: readonly { readonly slot: number; readonly name: string; readonly value: Template; readonly place: Place }[] }
  | { readonly do: 'clear'; readonly slots: readonly number[] }
  | { readonly do: 'if'; readonly condition: Expression; readonly then: readonly Step[]; readonly else: readonly Step[] }
  | { readonly do: 'handoff'; readonly reason: string }
  | { readonly do: 'cancel' | 'end' }
  | { readonly do: 'confirm'; readonly response: number; readonly yes: readonly Step[]; readonly no: readonly Step[] }
  | { readonly do: 'act'; readonly action: number; readonly name: string; readonly with: readonly { readonly name: string; readonly value: Template; readonly place: Place }[];
    readonly into: readonly { readonly slot: number; readonly output: string; readonly place: Place }[]; readonly onError: readonly Step[] | null }
  | { readonly do: 'answer'; readonly fallback: number; readonly knowledge: boolean }
  | { readonly do: 'remind'; readonly id: string; readonly in: number; readonly at: Template | null; readonly flow: number }
  | { readonly do: 'forget_reminder'; readonly id: string };

export interface Step { readonly body: StepBody; readonly id: string | null; readonly place: Place }

type Fields = Readonly<Record<string, Field<unknown>>>;

/** The first field has the name of the step. */
interface StepForm { readonly fields: Fields; readonly schema: (definitions: Parameters<Shape<unknown>['schema']>[0]) => JsonSchema; read(node: MapNode, context: Context): { body: StepBody | undefined; id: string | null } }

const REMINDER = text(64, NAME, 'lower-case letters, digits and "_", beginning with a letter');
const label = may(text(64, NAME, 'lower-case letters, digits and "_", beginning with a letter'), 'Name of the step: other versions of the bot and reports find it by this', null);

function step<F extends Fields>(name: string, fields: F, body: (found: RecordOf<F>, node: MapNode, context: Context) => StepBody | undefined): StepForm {
  const form = record({ ...fields, id: label });
  return {
    fields: form.fields, schema: (definitions) => recordSchema(form.fields, definitions),
    read(node, context) {
      const { id, ...found } = form.readMap(node, `step "${name}"`, context) as RecordOf<F> & { id: string | null };
      return { body: body(found as unknown as RecordOf<F>, node, context), id };
    },
  };
}

/** Steps inside a step. */
const inner = (about: string): Field<readonly Step[] | undefined> => may(named('steps', () => steps), about);
const nameIn = (node: MapNode, key: string): string => { const tree = node.entries.get(key)?.value; return tree?.kind === 'scalar' ? String(tree.value).trim() : ''; };
const isSlot = (key: string, place: Place, context: Context): boolean => context.slots.find(key, place) >= 0 || !context.slots.complete;
const isAnything = (): boolean => true;

/** The state of a conversation, which knows what was set, is kept for 90 days after its last change (dialogue-states.v1). */
const LONGEST = 85 * 86_400_000;

export const stepForms = {
  say: step('say', { say: need(reference('responses'), 'Says the response') }, ({ say }, node) => ({ do: 'say', index: say ?? -1, name: nameIn(node, 'say') })),
  ask: step('ask', { ask: need(reference('slots'), 'Asks for the slot and waits; skipped when it has a value') }, ({ ask }, node) => ({ do: 'ask', index: ask ?? -1, name: nameIn(node, 'ask') })),
  set: step('set', { set: need(keyed(template(500), isSlot, 50), 'Puts texts into slots') }, ({ set }, _node, context) => ({
    do: 'set', slots: (set ?? []).map(({ key, value, valuePlace }) => ({ slot: context.slots.has(key) ? context.slots.use(key) : -1, name: key, value, place: valuePlace })),
  })),
  clear: step('clear', { clear: need(oneOrMore(reference('slots'), 'a slot', { most: 100 }), 'Empties slots') }, ({ clear }) => ({ do: 'clear', slots: (clear ?? []).map((one) => one.value) })),
  if: step('if', { if: need(condition, 'A condition such as slots.size == \'large\''), then: inner('Steps where it holds'), else: inner('Steps where it does not') }, (found, node, { faults }) => {
    if (!node.entries.has('then') && !node.entries.has('else')) faults.error(node.place, 'an "if" needs "then" or "else"');
    return found.if && { do: 'if', condition: found.if, then: found.then ?? [], else: found.else ?? [] };
  }),
  go: step('go', { go: need(reference('flows'), 'Goes on in another flow and does not come back') }, ({ go }, node) => ({ do: 'go', index: go ?? -1, name: nameIn(node, 'go') })),
  call: step('call', { call: need(reference('flows'), 'Runs another flow and comes back') }, ({ call }, node) => ({ do: 'call', index: call ?? -1, name: nameIn(node, 'call') })),
  confirm: step('confirm', {
    confirm: need(named('confirm', () => record({ say: need(reference('responses'), 'The question'), yes: inner('Steps after a yes'), no: inner('Steps after a no') })), 'Asks whether it is right, and waits'),
  }, ({ confirm }, node, { faults }) => {
    if (confirm && !confirm.yes && !confirm.no) faults.error(node.place, 'a "confirm" needs "yes" or "no"');
    return confirm && { do: 'confirm', response: confirm.say ?? -1, yes: confirm.yes ?? [], no: confirm.no ?? [] };
  }),
  act: step('act', {
    act: need(reference('actions'), 'Calls the action and waits for it'),
    with: may(keyed(template(2000), isAnything, 50), 'Its inputs', []),
    into: may(keyed(text(64), isSlot, 50), 'Slot: the output that it gets', []),
    onError: inner('Steps where the call fails'),
  }, (found, node, context) => ({
    do: 'act', action: found.act ?? -1, name: nameIn(node, 'act'), onError: found.onError ?? null,
    with: found.with.map(({ key, value, place }) => ({ name: key, value, place })),
    into: found.into.map(({ key, value, valuePlace }) => ({ slot: context.slots.has(key) ? context.slots.use(key) : -1, output: value, place: valuePlace })),
  })),
  answer: step('answer', {
    answer: need(record({
      fallback: need(reference('responses'), 'Said where the language model does not answer in time'),
      knowledge: may(flag, 'Only from the bot\'s knowledge folder, with citations', false),
    }), 'Lets the language model answer the message'),
  }, ({ answer }) => answer && { do: 'answer', fallback: answer.fallback ?? -1, knowledge: answer.knowledge }),
  remind: step('remind', {
    remind: need(record({
      id: need(REMINDER, 'Name of the reminder; setting it again moves it'),
      in: may(duration(1000, LONGEST), 'How long from now, such as 10m or 2d', -1),
      at: may(template(200), 'Date and time (ISO 8601), such as {day}T09:00', null),
      flow: need(reference('flows'), 'The flow that begins when it is due'),
    }), 'Sets a reminder'),
  }, ({ remind }, node, { faults }) => {
    if (!remind) return undefined;
    if ((remind.in < 0) === (remind.at === null)) { faults.error(node.place, 'a reminder has "in" or "at"'); return undefined; }
    return { do: 'remind', id: remind.id ?? '', in: remind.in, at: remind.at, flow: remind.flow ?? -1 };
  }),
  forget_reminder: step('forget_reminder', { forget_reminder: need(REMINDER, 'Takes the reminder back') }, ({ forget_reminder: id }) => ({ do: 'forget_reminder', id: id ?? '' })),
  handoff: step('handoff', { handoff: need(text(200), 'Hands the conversation to a person, for this reason') }, ({ handoff }) => ({ do: 'handoff', reason: handoff ?? '' })),
} satisfies Record<string, StepForm>;

/** Steps that are a word alone: drop everything that was begun; the conversation is over. */
const WORDS = ['cancel', 'end'] as const;
const FORMS: ReadonlyMap<string, StepForm> = new Map(Object.entries(stepForms));
const KINDS = [...FORMS.keys(), ...WORDS];

const one: Shape<Step> = {
  read(tree, _what, context) {
    const { faults } = context;
    if (tree.kind === 'scalar') {
      const word = WORDS.find((name) => name === tree.value);
      if (word) return { body: { do: word }, id: null, place: tree.place };
      faults.unknown(tree.place, 'step', String(tree.value), KINDS);
      return undefined;
    }
    const node = asMap(tree, 'a step', faults);
    return node && readStep(node, context);
  },
  schema: (definitions) => ({ anyOf: [{ enum: WORDS }, ...[...FORMS.values()].map((form) => form.schema(definitions))] }),
};

function readStep(node: MapNode, context: Context): Step | undefined {
  const { faults } = context;
  const names = KINDS.filter((name) => node.entries.has(name));
  const name = names[0];
  const first = [...node.entries.values()][0];
  if (name === undefined) {
    if (first) faults.unknown(first.place, 'step', first.key, KINDS); else faults.error(node.place, 'an empty step');
    return undefined;
  }
  if (names.length > 1) { faults.error(node.place, `one step is one of ${names.join(', ')}: begin each with "-"`); return undefined; }
  const form = FORMS.get(name);
  if (!form) { faults.error(valueOf(node, name).place, `write "- ${name}" without a value`); return undefined; }
  const { body, id } = form.read(node, context);
  return body && { body, id, place: node.place };
}

function valueOf(node: MapNode, key: string): Tree { return node.entries.get(key)?.value ?? node; }

/** A list of steps, at least one. */
export const steps: Shape<readonly Step[]> = named('steps', () => made(list(one, 'a step', { least: 1, reason: 'there are no steps' }), (found: Placed<Step>[]) => found.map((placed) => placed.value)));
