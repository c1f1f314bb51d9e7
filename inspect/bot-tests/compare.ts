/** What was observed against what a test expects, in words that an author reads. */
import type { Place } from '../../processors/bot/index.js';
import { bubblesMatch, bubbleText, type Responses } from './bubbles.js';
import type { Observed } from './conversation.js';
import type { StateView } from './state-view.js';
import type { Expected, ExpectedReply, StateExpectations, TurnExpectations } from './types.js';
import { durationText } from './values.js';

/** One thing that is not as expected. Lines: several of a reply, one of most others. */
export interface Difference {
  readonly place: Place;
  /** The key of the expectation. */
  readonly what: string;
  readonly expected: readonly string[];
  readonly actual: readonly string[];
}

export interface Ways {
  readonly responses: Responses;
  /** Name of a version of the bot, by its hash. */
  versionName(version: string): string;
}

const NONE = 'none';
const quoted = (text: string): string => JSON.stringify(text);

export function compareTurn(expects: TurnExpectations, observed: Observed, ways: Ways): Difference[] {
  return [...compareAnswer(expects, observed, ways), ...compareState(expects, observed, ways)];
}

function compareAnswer(expects: TurnExpectations, observed: Observed, ways: Ways): Difference[] {
  const { answers } = observed;
  const said = answers.flatMap(({ reply }) => reply?.parts.map(({ text }) => (typeof text === 'string' ? text : '')) ?? []);
  const last = answers.at(-1);
  const found: (Difference | undefined)[] = [];
  const { bot, outcome, intent, entities, quickReplies, buttons, handoff, actions, model } = expects;
  if (bot && !bubblesMatch(bot.value, said, ways.responses)) found.push(differ(bot, 'bot', bot.value.map(bubbleText), said));
  const outcomes = answers.map(({ outcome: one, fault }) => (fault === null ? one : `${one} (${fault})`));
  if (outcome && !same(outcome.value, answers.map((answer) => answer.outcome))) found.push(differ(outcome, 'outcome', [outcome.value.join(', ') || NONE], [outcomes.join(', ') || NONE]));
  if (intent) found.push(one(intent, 'intent', intent.value, last?.detected === undefined ? last?.reply?.intent ?? null : last.detected.intent, nearest(last?.detected)));
  if (entities) found.push(...compareEntities(entities, last?.detected?.entities ?? []));
  const parts = answers.flatMap(({ reply }) => reply?.parts ?? []);
  found.push(compareChoices(quickReplies, 'quickReplies', parts.flatMap((part) => [...part.quickReplies])));
  found.push(compareChoices(buttons, 'buttons', parts.flatMap((part) => part.buttons.map(({ title, payload, url }) => ({ title, payload: payload ?? url ?? '' })))));
  const handed = answers.findLast(({ reply }) => reply?.handoff !== null && reply?.handoff !== undefined)?.reply?.handoff ?? null;
  if (handoff && !((handoff.value === null && handed === null) || (handoff.value?.to === handed?.to && (handoff.value?.reason === undefined || handoff.value.reason === handed?.reason)))) {
    found.push(differ(handoff, 'handoff', [handoffText(handoff.value)], [handoffText(handed)]));
  }
  if (actions && !(actions.value.length === observed.calls.length && actions.value.every((call, index) => call.name === observed.calls[index]?.name && (call.with === undefined || contains(observed.calls[index].with, call.with))))) {
    found.push(differ(actions, 'actions', actions.value.map((call) => callText(call.name, call.with)), observed.calls.map((call) => callText(call.name, call.with))));
  }
  if (model && !same(model.value, observed.tasks)) found.push(differ(model, 'model', [model.value.join(', ') || NONE], [observed.tasks.join(', ') || NONE]));
  return found.flatMap((difference) => difference ?? []);
}

function compareChoices(expected: Expected<readonly ExpectedReply[]> | undefined, what: string, choices: readonly { readonly title: string; readonly payload: string }[]): Difference | undefined {
  if (!expected) return undefined;
  const fits = expected.value.length === choices.length && expected.value.every(({ title, payload }, index) => title === choices[index]?.title && (payload === undefined || payload === choices[index].payload));
  return fits ? undefined : differ(expected, what, expected.value.map(({ title, payload }) => (payload === undefined ? title : `${title} → ${payload}`)), choices.map(({ title, payload }) => `${title} → ${payload}`));
}

export function compareState(expects: StateExpectations, { state, timers }: Pick<Observed, 'state' | 'timers'>, ways: Ways): Difference[] {
  const found: (Difference | undefined)[] = [];
  const { slots, onlySlots, flow, waitsFor, handedOff, version } = expects;
  if (slots) found.push(...compareSlots(slots, 'slots', state));
  if (onlySlots) {
    found.push(...compareSlots(onlySlots, 'onlySlots', state));
    for (const [name, value] of state.slots) if (!onlySlots.value.has(name)) found.push(differ(onlySlots, `onlySlots.${name}`, ['empty'], [quoted(value)]));
  }
  if (flow) {
    const running = flow.value.whole ? state.flows : state.flows.slice(-1);
    if (!same(flow.value.names, running)) found.push(differ(flow, 'flow', [flow.value.names.join(' > ') || NONE], [state.flows.join(' > ') || NONE]));
  }
  if (waitsFor) found.push(one(waitsFor, 'waitsFor', waitsFor.value, state.waitsFor));
  if (handedOff) found.push(one(handedOff, 'handedOff', String(handedOff.value), String(state.handedOff)));
  if (expects.timers) found.push(compareTimers(expects.timers, timers));
  if (version) found.push(one(version, 'version', version.value, state.version === null ? null : ways.versionName(state.version)));
  return found.flatMap((difference) => difference ?? []);
}

const differ = ({ place }: Expected<unknown>, what: string, expected: readonly string[], actual: readonly string[]): Difference => ({ place, what, expected, actual });

function one(expected: Expected<unknown>, what: string, wanted: string | null, actual: string | null, more = ''): Difference | undefined {
  return wanted === actual ? undefined : differ(expected, what, [wanted ?? NONE], [`${actual ?? NONE}${more}`]);
}

function compareSlots(slots: Expected<ReadonlyMap<string, string | null>>, what: string, state: StateView): Difference[] {
  return [...slots.value].flatMap(([name, wanted]) => {
    const actual = state.slots.get(name) ?? null;
    return wanted === actual ? [] : [differ(slots, `${what}.${name}`, [wanted === null ? 'empty' : quoted(wanted)], [actual === null ? 'empty' : quoted(actual)])];
  });
}

function compareEntities(entities: Expected<ReadonlyMap<string, readonly string[]>>, found: readonly { readonly name: string; readonly value: unknown }[]): Difference[] {
  const actual = new Map<string, string[]>();
  for (const { name, value } of found) actual.set(name, [...actual.get(name) ?? [], String(value)]);
  return [...new Set([...entities.value.keys(), ...actual.keys()])].flatMap((name) => {
    const [wanted, has] = [entities.value.get(name) ?? [], actual.get(name) ?? []];
    return same(wanted, has) ? [] : [differ(entities, `entities.${name}`, [wanted.map(quoted).join(', ') || NONE], [has.map(quoted).join(', ') || NONE])];
  });
}

function compareTimers(expected: NonNullable<StateExpectations['timers']>, timers: Observed['timers']): Difference | undefined {
  const sorted = [...timers].sort(([a], [b]) => (a < b ? -1 : 1));
  const wanted = [...expected.value].sort((a, b) => (a.id < b.id ? -1 : 1));
  // A timer may fire some ticks late: what is left of it is compared to the second.
  const near = (a: number, b: number): boolean => Math.abs(a - b) <= 1000;
  if (wanted.length === sorted.length && wanted.every(({ id, millis }, index) => id === sorted[index]?.[0] && (millis === undefined || near(millis, sorted[index][1])))) return undefined;
  const text = (id: string, millis: number | undefined): string => (millis === undefined ? id : `${id} in ${durationText(millis)}`);
  return differ(expected, 'timers', [wanted.map(({ id, millis }) => text(id, millis)).join(', ') || NONE], [sorted.map(([id, millis]) => text(id, millis)).join(', ') || NONE]);
}

const same = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((value, index) => value === b[index]);
const contains = (actual: Readonly<Record<string, unknown>>, wanted: Readonly<Record<string, unknown>>): boolean => Object.entries(wanted).every(([key, value]) => String(actual[key]) === String(value));
const callText = (name: string, values: Readonly<Record<string, unknown>> | undefined): string => (values === undefined ? name : `${name} ${JSON.stringify(values)}`);
const handoffText = (handoff: { readonly to: string; readonly reason?: string | null } | null): string => (handoff === null ? NONE : `${handoff.to}${handoff.reason === null || handoff.reason === undefined ? '' : ` (${handoff.reason})`}`);

/** What the classifier thought, where it did not think enough of it. */
function nearest(detected: Observed['answers'][number]['detected']): string {
  if (detected === undefined) return '';
  const ranked = detected.ranking.slice(0, 3).map(({ intent, confidence }) => `${intent} ${confidence.toFixed(2)}`).join(', ');
  return ranked === '' ? '' : ` (${ranked})`;
}
