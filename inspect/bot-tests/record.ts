/** A conversation of the log as a test: what went in, what came of it, and what actions and the language model answered then. */
import type { Bot } from '../../processors/bot/index.js';
import type { BotReply, DialogueState, EffectResult, IntentDetected, Message } from '../../schemas/types.js';
import type { RecordView, StoryTopic } from '../record-view.js';
import type { Story, StoryTurn } from '../story.js';
import { NO_STATE, viewOf, type StateView } from './state-view.js';
import { durationText } from './values.js';
import { yamlOf, type Value } from './yaml-text.js';

export interface RecordOptions {
  readonly name: string;
  /** To tell which action a result belongs to; without it results are left out. */
  readonly bot: Bot | undefined;
}

/** A shorter pause says nothing: tests do not wait for it. */
const PAUSE = 60_000;
/** How much after it was due a timer is waited for. */
const AFTER = 1000;
/** In the place of what is sealed: texts whose reader has to have the key. */
const SEALED = '(sealed)';

type Fields = Readonly<Record<string, Value>>;
interface Script { readonly actions: Record<string, Fields[]>; readonly model: Fields[] }

/** The text of a file for `tests/`. */
export function recordTest(story: Story, options: RecordOptions): string {
  const script: Script = { actions: {}, model: [] };
  const turns: string[] = [];
  let state: StateView = NO_STATE;
  let at = NaN;
  for (const turn of story.messages) {
    const message = valueOf<Message>(turn, 'messages.v1');
    if (message === undefined) continue;
    const accepted = Date.parse(turn.acceptedAt);
    const stored = valueOf<DialogueState>(turn, 'dialogue-states.v1');
    const after = stored === undefined ? state : viewOf(stored);
    const isTimer = message.kind === 'timer';
    if (!isTimer && accepted - at >= PAUSE) turns.push(...entry({ wait: durationText(accepted - at) }, '      '));
    const input = isTimer ? { wait: durationText((Number.isNaN(at) ? 0 : Math.max(0, accepted - at)) + AFTER) } : inputOf(message);
    turns.push(...entry({ ...input, ...answerOf(turn, message), ...slotsOf(state, after) }, '      '));
    noteEffects(valueOf<BotReply>(turn, 'replies.v1')?.effects ?? [], options.bot, script);
    state = after;
    at = isTimer ? accepted + AFTER : accepted;
  }
  const end = { flow: state.flows.length === 0 ? 'none' : state.flows, waitsFor: state.waitsFor ?? 'none', onlySlots: Object.fromEntries(state.slots), handedOff: state.handedOff };
  return ['tests:', `  - name: ${yamlOf(options.name)}`, '    given:', ...givenLines(story, script), '    dialogue:', ...turns, `    end: ${yamlOf(end)}`, ''].join('\n');
}

/** An entry of a list, one field a line: that is how authors read and change it. */
function entry(fields: Fields, indent: string): string[] {
  return Object.entries(fields).map(([key, value], index) => `${indent}${index === 0 ? '-' : ' '} ${key}: ${yamlOf(value)}`);
}

function valueOf<T>(turn: StoryTurn, topic: StoryTopic): T | undefined {
  const record: RecordView | undefined = turn.records.findLast((one) => one.topic === topic);
  return record === undefined || record.value === null || (typeof record.value === 'object' && 'undecodable' in record.value) ? undefined : record.value as T;
}

const plain = (text: unknown): string => (typeof text === 'string' ? text : SEALED);

function inputOf(message: Message): Fields {
  switch (message.kind) {
    case 'text': return { user: plain(message.text) };
    case 'postback': return { tap: plain(message.payload) };
    case 'attachment': return { attachment: true };
    case 'edit': case 'reaction': return { [message.kind]: plain(message.text) };
    case 'agent': return { agent: typeof message.author.name === 'string' ? { text: plain(message.text), name: message.author.name } : plain(message.text) };
    case 'handoff': {
      const { to = 'person', reason } = parsed(message.payload) as { to?: string; reason?: string };
      return { handoff: reason === undefined ? to : { to, reason } };
    }
    default: return { system: 'end' };
  }
}

function answerOf(turn: StoryTurn, message: Message): Fields {
  const reply = valueOf<BotReply>(turn, 'replies.v1');
  if (reply === undefined) return turn.outcome === null ? {} : { outcome: turn.outcome };
  const results = valueOf<IntentDetected>(turn, 'intents.v1')?.results ?? [];
  const detected = message.kind === 'text' ? results.find(({ version }) => version === reply.botVersion) ?? results[0] : undefined;
  const titles = reply.parts.flatMap((part) => part.quickReplies.map(({ title }) => title));
  const { handoff } = reply;
  return {
    ...(detected === undefined ? {} : { intent: detected.intent ?? 'none' }),
    bot: reply.parts.map(({ text }) => bubbleOf(plain(text))), outcome: reply.outcome,
    ...(titles.length === 0 ? {} : { quickReplies: titles }),
    ...(handoff === null || message.kind === 'handoff' ? {} : { handoff: handoff.reason === null ? handoff.to : { to: handoff.to, reason: handoff.reason } }),
  };
}

/** A text that a test would read as something else than itself. */
function bubbleOf(text: string): Value {
  return text === SEALED ? 'anything' : text === 'anything' || /^\/.+\/$/s.test(text.trim()) ? { contains: text } : text;
}

function slotsOf(before: StateView, after: StateView): Fields {
  const changed = [...new Set([...before.slots.keys(), ...after.slots.keys()])].filter((name) => before.slots.get(name) !== after.slots.get(name));
  return changed.length === 0 ? {} : { slots: Object.fromEntries(changed.map((name) => [name, after.slots.get(name) ?? null])) };
}

function noteEffects(effects: readonly EffectResult[], bot: Bot | undefined, script: Script): void {
  for (const { key, kind, status, result } of effects) {
    const values = status === 'ok' ? parsed(result) : undefined;
    if (kind === 'model') { script.model.push(values === undefined ? { fail: status } : 'text' in values ? { answer: plain(values.text) } : { fill: typeof values.value === 'string' ? values.value : 'none' }); continue; }
    const action = actionOf(key, bot);
    if (action !== undefined) (script.actions[action] ??= []).push(values === undefined ? { fail: status } : { result: values as Fields });
  }
}

/** The object that the text is; none where it is none. */
function parsed(text: unknown): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = typeof text === 'string' ? JSON.parse(text) : undefined;
    return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {};
  } catch {
    return {};
  }
}

/** From `<position>#<flow>.<step>.<n>`, by the step of the bot. */
function actionOf(key: string, bot: Bot | undefined): string | undefined {
  const [, flowName, label] = /^[^#]*#([^.]+)\.(.+)\.\d+$/.exec(key) ?? [];
  const flow = bot?.flows.find(({ name }) => name === flowName);
  const step = flow?.code[flow.labels.indexOf(label ?? '')];
  return step?.op === 'act' ? bot?.actions[step.action]?.name : undefined;
}

function givenLines({ messages, conversationId }: Story, { actions, model }: Script): string[] {
  const first = messages[0];
  const message = first && valueOf<Message>(first, 'messages.v1');
  const attributes = Object.fromEntries(Object.entries(message?.attributes ?? {}).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])));
  const given: Fields = {
    ...(first === undefined ? {} : { now: first.acceptedAt }), conversation: conversationId, ...(message === undefined ? {} : { channel: message.channel }),
    ...(typeof message?.locale === 'string' ? { locale: message.locale } : {}), ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
  };
  return [
    ...Object.entries(given).map(([key, value]) => `      ${key}: ${yamlOf(value)}`),
    ...Object.entries(actions).flatMap(([name, calls], index) => [...(index === 0 ? ['      actions:'] : []), `        ${name}:`, ...calls.flatMap((call) => entry(call, '          '))]),
    ...(model.length === 0 ? [] : ['      model:', ...model.flatMap((one) => entry(one, '        '))]),
  ];
}
