/**
 * Stage "dialogue": holds the conversation. A pure interpreter of the bot's flows: (what was understood, state) → exactly one
 * BotReply and the new state. A conversation keeps the version of its bot while that version is live, and moves to the
 * current one after. While a person has taken over, inputs of the user have the outcome `handed_off`.
 *
 * Inputs of other kinds: `agent` is passed on as a reply of the agent; `handoff` has the payload
 * `{"to":"person"|"bot","reason"?}`; `system` with the payload `{"event":"end"}` ends the conversation and hands it back;
 * `attachment` gets the bot's response to attachments; the rest is silent.
 */
import { ConfabError } from '../../platform/errors.js';
import type { BotReply, DialogueState, IntentDetected, IntentResult, Message } from '../../schemas/types.js';
import type { Bot, Bots } from '../bot/index.js';
import type { Stage, StageInput, StageContext, StageResult } from '../stage.js';
import { freshMemory, readMemory, writeMemory } from './memory.js';
import { createProgram, type Program } from './program.js';
import { forget, say, type Turn } from './run.js';
import { respond, type Heard } from './understand.js';

export interface DialogueStageOptions { readonly bots: Bots }

type Input = StageInput<'intents.v1'>;

export function createDialogueStage(options: DialogueStageOptions): Stage<'dialogue'> {
  const programs = new WeakMap<Bot, Program>();
  const programOf = (bot: Bot): Program => {
    const found = programs.get(bot) ?? createProgram(bot);
    programs.set(bot, found);
    return found;
  };
  for (const bot of options.bots.all()) programOf(bot);
  options.bots.beforeUse?.(programOf);
  return {
    scope: 'conversation',
    position: (input) => input.value.position,
    process: (input, state, context) => {
      const bot = chooseBot(options.bots, input.value.message.botId, state);
      return processInput(input, state, programOf(bot), context);
    },
  };
}

/** @throws CONFAB_BOT_UNKNOWN */
function chooseBot(bots: Bots, botId: string, state: DialogueState | undefined): Bot {
  const versions = bots.versions(botId);
  const current = versions[0];
  if (!current) throw new ConfabError('CONFAB_BOT_UNKNOWN', { detail: `The bot "${botId}" is not loaded here.` });
  if (state?.botId !== botId) return current;
  return versions.find((bot) => bot.version === state.botVersion) ?? current;
}

function processInput(input: Input, state: DialogueState | undefined, program: Program, context: StageContext): StageResult<'dialogue'> {
  const { message, position } = input.value;
  const { bot } = program;
  const same = state !== undefined && state.botId === bot.id;
  const data = same && typeof state.data === 'string' ? state.data : null;
  const turns = state?.turns ?? 0;
  const turn: Turn = {
    program, memory: data === null ? freshMemory(program) : readMemory(data, program, state?.botVersion !== bot.version),
    channel: message.channel, choice: turns + hash(input.key), intent: null, confidence: 0, outcome: 'answered', parts: [], handoff: null,
  };
  const handedOff = take(turn, input.value, state?.handedOff ?? false);
  if (turn.parts.length === 0 && (turn.outcome === 'answered' || turn.outcome === 'fallback')) turn.outcome = 'silent';
  const next: DialogueState = {
    reflects: position, prev: position, botId: bot.id, botVersion: bot.version, handedOff, turns: turns + 1, data: writeMemory(turn.memory, program),
  };
  return { outputs: [{ topic: 'replies.v1', value: toReply(turn, input.value, state?.prev ?? null, context.now()) }], state: next };
}

/** Does what the input asks for; returns whether a person has the conversation afterwards. */
function take(turn: Turn, { message, results }: IntentDetected, handedOff: boolean): boolean {
  switch (message.kind) {
    case 'text': case 'postback': case 'attachment':
      if (handedOff) { turn.outcome = 'handed_off'; return true; }
      if (message.kind === 'attachment') { say(turn, turn.program.bot.attachment); return false; }
      respond(turn, message.kind === 'text' ? hearText(message, results, turn.program) : hearPostback(message, turn.program));
      return turn.handoff?.to === 'person';
    case 'agent':
      turn.parts.push({ text: message.text, quickReplies: [] });
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

function toReply(turn: Turn, { message, position }: IntentDetected, prev: string | null, createdAt: number): BotReply {
  const { bot } = turn.program;
  return {
    position, inReplyTo: NOT_ASKED_FOR.has(message.kind) ? null : message.messageId, replyId: `${message.messageId}-01`,
    botId: bot.id, botVersion: bot.version, channel: message.channel, accountId: message.accountId,
    intent: turn.intent, confidence: turn.confidence, outcome: turn.outcome,
    author: message.kind === 'agent' ? message.author : { type: 'bot', name: bot.name },
    parts: turn.parts, handoff: turn.handoff, effects: [], prev, createdAt,
  };
}

/** So that conversations differ in the variants they begin with. */
function hash(key: string): number {
  let value = 0;
  for (let at = 0; at < key.length; at++) value = (Math.imul(value, 31) + key.charCodeAt(at)) | 0;
  return value >>> 1;
}
