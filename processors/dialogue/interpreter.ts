/**
 * The interpreter: a pure function of (program, state, input, settled effects). Its only clock is the acceptance time of the
 * input, it draws no random number and reads nothing, so the same arguments give the same result, today and in a replay.
 *
 * Effects are durable execution without a suspended continuation: a turn that needs one returns it in `wants`; the stage has
 * it done, puts its result into `settled` under its key and interprets the same input from the same state again. The turn is
 * over, and its reply and state are those to publish, when `wants` is empty.
 */
import type { BotReply, DialogueState, IntentResult, Message } from '../../schemas/types.js';
import { contextOf, type Bot, type IntentRole } from '../bot/index.js';
import type { EffectRequest } from '../stage.js';
import { linesOf, withLine } from './history.js';
import { forgetAll, forgetFlows, freshMemory, type Memory } from './memory.js';
import { parseStored, readMemory, writeHistory, writeMemory } from './memory-form.js';
import { moveMemory } from './migrate.js';
import type { Program } from './program.js';
import { catchUp, fire } from './reminders.js';
import { hear } from './session.js';
import { say, sayText } from './speak.js';
import { Turn, type Heard, type InterpreterInput, type Settled, type TimerChange } from './turn.js';

export type { InterpreterInput, Settled, TimerChange } from './turn.js';
export { MOST_EFFECTS } from './effects.js';

/** What a turn comes to. */
export interface Interpretation {
  readonly state: DialogueState;
  /** Its `createdAt` is the acceptance time; who publishes it knows better. */
  readonly reply: BotReply;
  readonly timers: readonly TimerChange[];
  /** Effects to settle before the turn can end; the rest of the result counts only when there are none. */
  readonly wants: readonly EffectRequest[];
}

export const NOTHING_SETTLED: Settled = new Map();

/** @throws CONFAB_STATE_TOO_LARGE */
export function interpret(program: Program, state: DialogueState | undefined, input: InterpreterInput, settled: Settled = NOTHING_SETTLED): Interpretation {
  const { bot } = program;
  const { position } = input;
  const turns = state?.turns ?? 0;
  const turn = new Turn(program, input, settled, { memory: recollect(program, state), choice: turns + hash(input.key), language: languageOf(bot, input.message.locale) });
  const handedOff = take(turn, state?.handedOff ?? false);
  if (turn.parts.length === 0 && (turn.outcome === 'answered' || turn.outcome === 'fallback')) turn.outcome = 'silent';
  if (program.keepsHistory) keepLines(turn);
  const data = writeMemory(turn.memory, program);
  return {
    state: { reflects: position, prev: position, botId: bot.id, botVersion: bot.version, handedOff, turns: turns + 1, data, history: writeHistory(turn.memory, data) },
    reply: toReply(turn, state?.prev ?? null),
    timers: turn.timers, wants: turn.wants,
  };
}

/** What the state of a conversation with this bot holds; under another of its versions it moves by the rules of this one. */
function recollect(program: Program, state: DialogueState | undefined): Memory {
  if (state?.botId !== program.bot.id) return freshMemory(program);
  const stored = parseStored(typeof state.data === 'string' ? state.data : null);
  const memory = state.botVersion === program.bot.version ? readMemory(stored, program) : moveMemory(stored, program, state.botVersion);
  if (typeof state.history === 'string') memory.history = state.history;
  return memory;
}

/** The one that the message's locale asks for, else the bot's first. */
function languageOf({ languages, language }: Bot, locale: string | null): string {
  if (locale === null || languages.length < 2) return language;
  if (languages.includes(locale)) return locale;
  const first = locale.split('-')[0];
  return languages.find((one) => one === first) ?? languages.find((one) => one.split('-')[0] === first) ?? language;
}

/** Does what the input asks for; returns whether a person has the conversation afterwards. */
function take(turn: Turn, handedOff: boolean): boolean {
  const { message } = turn.input;
  switch (message.kind) {
    case 'text': case 'postback': case 'attachment':
      if (handedOff) { turn.outcome = 'handed_off'; return true; }
      if (message.kind === 'attachment') { say(turn, turn.program.bot.attachment); return false; }
      hear(turn, message.kind === 'text' ? hearText(turn) : hearPostback(message, turn.program, turn.input.at));
      return turn.handoff?.to === 'person';
    case 'agent': sayText(turn, message.text); return handedOff;
    case 'handoff': return takeHandoff(turn, message, handedOff);
    case 'system':
      if (payloadOf(message).event !== 'end') { turn.outcome = 'silent'; return handedOff; }
      forgetAll(turn.memory, turn.program);
      turn.memory.history = '';
      turn.outcome = 'ended';
      return false;
    case 'timer':
      fire(turn, payloadOf(message), handedOff);
      return handedOff || asPerson(turn);
    default: turn.outcome = 'silent'; return handedOff;
  }
}

/** Whether a flow of this turn has handed the conversation over. */
const asPerson = (turn: Turn): boolean => turn.handoff?.to === 'person';

function takeHandoff(turn: Turn, message: Message, handedOff: boolean): boolean {
  const { to, reason } = payloadOf(message);
  if (to !== 'person' && to !== 'bot') { turn.outcome = 'silent'; return handedOff; }
  forgetFlows(turn.memory);
  turn.memory.answered = null;
  turn.outcome = to === 'person' ? 'handed_off' : 'answered';
  if (to === 'bot') catchUp(turn);
  // A reminder that waited may want a person again; then the conversation stays with one.
  if (asPerson(turn)) return true;
  turn.handoff = { to, reason: typeof reason === 'string' ? reason.slice(0, 200) : null };
  return to === 'person';
}

function payloadOf(message: Message): Readonly<Record<string, unknown>> {
  if (typeof message.payload !== 'string') return {};
  try {
    const value: unknown = JSON.parse(message.payload);
    return typeof value === 'object' && value !== null ? value as Record<string, unknown> : {};
  } catch {
    return {};
  }
}

const roleOf = ({ roles }: Program, intent: string | null): IntentRole | null => (intent === null ? null : roles.get(intent) ?? null);

/** The result for this version of the bot, else, while versions are rolled out, that of another. */
function hearText({ program, input: { message, results } }: Turn): Heard {
  const result: IntentResult | undefined = results.find((one) => one.version === program.bot.version) ?? results[0];
  const text = typeof message.text === 'string' ? message.text : '';
  const intent = result?.intent ?? null;
  return { text, intent, role: roleOf(program, intent), confidence: result?.confidence ?? 0, ranking: result?.ranking ?? [], entities: result?.entities ?? [], tapped: false };
}

/** `intent:name` is as good as a text with that intent; any other payload is an answer to the open question. */
function hearPostback(message: Message, program: Program, at: number): Heard {
  const payload = typeof message.payload === 'string' ? message.payload : '';
  const named = payload.startsWith('intent:') ? payload.slice(7) : null;
  if (named !== null && (program.bot.flowOfIntent.has(named) || program.roles.has(named))) {
    return { text: '', intent: named, role: roleOf(program, named), confidence: 1, ranking: [], entities: [], tapped: true };
  }
  return { text: payload, intent: null, role: null, confidence: 0, ranking: [], entities: program.extractor.extract(payload, contextOf(message, at)), tapped: true };
}

/** What was said in this turn becomes the end of the history. */
function keepLines({ memory, input: { message }, parts }: Turn): void {
  const said = message.kind === 'text' ? message.text : message.kind === 'postback' ? message.payload : null;
  if (typeof said === 'string') memory.history = withLine(memory.history, 'p', said);
  const by = message.kind === 'agent' ? 'a' : 'b';
  for (const { text } of parts) if (typeof text === 'string') memory.history = withLine(memory.history, by, text);
}

const NOT_ASKED_FOR = new Set(['agent', 'timer', 'handoff', 'system']);

function toReply(turn: Turn, prev: string | null): BotReply {
  const { program: { bot }, input: { message, position, at }, handoff } = turn;
  return {
    position, inReplyTo: NOT_ASKED_FOR.has(message.kind) ? null : message.messageId, replyId: `${message.messageId}-01`,
    botId: bot.id, botVersion: bot.version, channel: message.channel, accountId: message.accountId,
    intent: turn.intent, confidence: turn.confidence, outcome: turn.outcome,
    author: message.kind === 'agent' ? message.author : { type: 'bot', name: bot.name },
    parts: turn.parts, handoff: handoff === null ? null : { ...handoff, transcript: handoff.to === 'person' ? linesOf(turn.memory.history) : [] },
    effects: turn.effects, prev, createdAt: at,
  };
}

/** So that conversations differ in the variants they begin with. */
function hash(key: string): number {
  let value = 0;
  for (let at = 0; at < key.length; at++) value = (Math.imul(value, 31) + key.charCodeAt(at)) | 0;
  return value >>> 1;
}
