/**
 * The interpreter: a pure function of (program, state, input, settled effects). Its only clock is the acceptance time of the
 * input, it draws no random number and reads nothing, so the same arguments give the same result, today and in a replay.
 *
 * Effects are durable execution without a suspended continuation: a turn that needs one returns it in `wants`; the stage has
 * it done, puts its result into `settled` under its key and interprets the same input from the same state again. The turn is
 * over, and its reply and state are those to publish, when `wants` is empty.
 */
import type { BotReply, DialogueState, IntentDetected, IntentResult, Message } from '../../schemas/types.js';
import { freshMemory, readMemory, writeMemory } from './memory.js';
import type { Program } from './program.js';
import { forget, say } from './run.js';
import type { EffectRequest, InterpreterInput, Settled, TimerChange, Turn } from './turn.js';
import { respond, type Heard } from './understand.js';

export type { InterpreterInput, Settled } from './turn.js';

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
/** Effects of one turn; a flow that wants more goes on as if the next had failed. */
export const MOST_EFFECTS = 8;

/** @throws CONFAB_STATE_TOO_LARGE */
export function interpret(program: Program, state: DialogueState | undefined, input: InterpreterInput, settled: Settled = NOTHING_SETTLED): Interpretation {
  const { bot } = program;
  const { message, position } = input;
  const same = state !== undefined && state.botId === bot.id;
  const data = same && typeof state.data === 'string' ? state.data : null;
  const turns = state?.turns ?? 0;
  const turn: Turn = {
    program, input, settled, memory: data === null ? freshMemory(program) : readMemory(data, program, state?.botVersion !== bot.version),
    channel: message.channel, choice: turns + hash(input.key), intent: null, confidence: 0, outcome: 'answered', parts: [], handoff: null,
    timers: [], wants: [], effects: [],
  };
  const handedOff = take(turn, input, state?.handedOff ?? false);
  if (turn.parts.length === 0 && (turn.outcome === 'answered' || turn.outcome === 'fallback')) turn.outcome = 'silent';
  return {
    state: { reflects: position, prev: position, botId: bot.id, botVersion: bot.version, handedOff, turns: turns + 1, data: writeMemory(turn.memory, program) },
    reply: toReply(turn, input, state?.prev ?? null),
    timers: turn.timers, wants: turn.wants,
  };
}

/** Does what the input asks for; returns whether a person has the conversation afterwards. */
function take(turn: Turn, { message, results }: Pick<IntentDetected, 'message' | 'results'>, handedOff: boolean): boolean {
  switch (message.kind) {
    case 'text': case 'postback': case 'attachment':
      if (handedOff) { turn.outcome = 'handed_off'; return true; }
      if (message.kind === 'attachment') { say(turn, turn.program.bot.attachment); return false; }
      respond(turn, message.kind === 'text' ? hearText(message, results, turn.program) : hearPostback(message, turn.program));
      return turn.handoff?.to === 'person';
    case 'agent':
      turn.parts.push({ text: message.text, quickReplies: [], buttons: [], image: null, citations: [] });
      return handedOff;
    case 'handoff': return takeHandoff(turn, message, handedOff);
    case 'system':
      if (payloadOf(message).event !== 'end') { turn.outcome = 'silent'; return handedOff; }
      forget(turn.memory, true);
      turn.outcome = 'ended';
      return false;
    case 'timer': turn.outcome = 'timer'; return handedOff;
    default: turn.outcome = 'silent'; return handedOff;
  }
}

function takeHandoff(turn: Turn, message: Message, handedOff: boolean): boolean {
  const { to, reason } = payloadOf(message);
  if (to !== 'person' && to !== 'bot') { turn.outcome = 'silent'; return handedOff; }
  turn.handoff = { to, reason: typeof reason === 'string' ? reason.slice(0, 200) : null };
  turn.outcome = to === 'person' ? 'handed_off' : 'silent';
  forget(turn.memory, false);
  return to === 'person';
}

function payloadOf(message: Message): { readonly to?: unknown; readonly reason?: unknown; readonly event?: unknown } {
  if (typeof message.payload !== 'string') return {};
  try {
    const value: unknown = JSON.parse(message.payload);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** The result for this version of the bot, else, while versions are rolled out, that of another. */
function hearText(message: Message, results: readonly IntentResult[], { bot }: Program): Heard {
  const result = results.find((one) => one.version === bot.version) ?? results[0];
  const text = typeof message.text === 'string' ? message.text : '';
  return result ? { text, intent: result.intent, confidence: result.confidence, entities: result.entities } : { text, intent: null, confidence: 0, entities: [] };
}

/** `intent:name` is as good as a text with that intent; any other payload is an answer to the open question. */
function hearPostback(message: Message, { bot, extractor }: Program): Heard {
  const payload = typeof message.payload === 'string' ? message.payload : '';
  const intent = payload.startsWith('intent:') ? payload.slice(7) : null;
  if (intent !== null && bot.flowOfIntent.has(intent)) return { text: '', intent, confidence: 1, entities: [] };
  return { text: payload, intent: null, confidence: 0, entities: extractor.extract(payload) };
}

const NOT_ASKED_FOR = new Set(['agent', 'timer', 'handoff', 'system']);

function toReply(turn: Turn, { message, position, at }: InterpreterInput, prev: string | null): BotReply {
  const { bot } = turn.program;
  return {
    position, inReplyTo: NOT_ASKED_FOR.has(message.kind) ? null : message.messageId, replyId: `${message.messageId}-01`,
    botId: bot.id, botVersion: bot.version, channel: message.channel, accountId: message.accountId,
    intent: turn.intent, confidence: turn.confidence, outcome: turn.outcome,
    author: message.kind === 'agent' ? message.author : { type: 'bot', name: bot.name },
    parts: turn.parts, handoff: turn.handoff === null ? null : { ...turn.handoff, transcript: [] }, effects: turn.effects, prev, createdAt: at,
  };
}

/** So that conversations differ in the variants they begin with. */
function hash(key: string): number {
  let value = 0;
  for (let at = 0; at < key.length; at++) value = (Math.imul(value, 31) + key.charCodeAt(at)) | 0;
  return value >>> 1;
}
