/**
 * Steps that need an effect: the first run of a turn asks for it, the next one, which begins at the same state and input and so
 * comes to the same step, finds its result. A result is used as it was checked by who did the effect, and an error is a branch.
 */
import type { EffectResult } from '../../schemas/types.js';
import type { ActInstruction, ActionDefinition, AnswerInstruction, ModelTask, ResponseDefinition, SlotDefinition } from '../bot/index.js';
import { readModelAnswer, readModelFill } from '../bot/model-result.js';
import type { EffectRequest, HttpEffect, ModelEffect } from '../stage.js';
import { linesOf } from './history.js';
import { fillSlot, topFrame } from './memory.js';
import { render, say, sayText } from './speak.js';
import type { Turn } from './turn.js';

/** Effects of one turn; a flow that wants more goes on as if the next had failed. */
export const MOST_EFFECTS = 8;
const SLOT_CHARACTERS = 500;

type Origin = Pick<EffectRequest, 'key' | 'tenant' | 'conversation' | 'bot'>;

/** The result under that key: undefined when it has to be waited for, null when there may be no more. */
function settle(turn: Turn, step: string, request: (origin: Origin) => EffectRequest): EffectResult | null | undefined {
  const { input, program } = turn;
  const counts = turn.counts ??= new Map<string, number>();
  const count = counts.get(step) ?? 0;
  counts.set(step, count + 1);
  const key = `${input.position}#${step}.${count}`;
  const found = turn.settled.get(key);
  if (found) { turn.effects.push(found); return found; }
  if (turn.effects.length >= MOST_EFFECTS) return null;
  const slash = input.key.indexOf('/');
  turn.wants.push(request({ key, tenant: input.key.slice(0, slash), conversation: input.key.slice(slash + 1), bot: program.bot }));
  return undefined;
}

/** `<flow>.<label>` of the running step. */
function stepName(turn: Turn): string {
  const frame = topFrame(turn.memory);
  const flow = frame && turn.program.bot.flows[frame.flow];
  return `${flow?.name ?? ''}.${(frame && flow?.labels[frame.pc]) ?? ''}`;
}

/** True when the call succeeded, false when it failed, undefined when it has to be waited for. */
export function act(turn: Turn, step: ActInstruction): boolean | undefined {
  const action = turn.program.bot.actions[step.action];
  if (!action) return fail(turn, 'CONFAB_EFFECT_UNAVAILABLE');
  const result = settle(turn, stepName(turn), (origin): HttpEffect => ({ ...origin, kind: 'http', action, arguments: argumentsOf(turn, step, action) }));
  if (result === undefined) return undefined;
  if (result === null) return fail(turn, 'CONFAB_EFFECT_UNAVAILABLE');
  if (result.status !== 'ok') return fail(turn, result.status);
  const outputs = objectOf(result.result);
  for (const { slot, output } of step.into) {
    const value = outputs[output];
    const text = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value).slice(0, SLOT_CHARACTERS) : '';
    if (text === '') turn.memory.slots[slot] = ''; else fillSlot(turn.memory, slot, text);
  }
  return true;
}

function fail(turn: Turn, status: string): false {
  turn.error = status;
  return false;
}

function argumentsOf(turn: Turn, step: ActInstruction, action: ActionDefinition): HttpEffect['arguments'] {
  const found: Record<string, HttpEffect['arguments'][string]> = {};
  for (const { name, value } of step.with) {
    const text = render(turn, value);
    const type = action.input.find((one) => one.name === name)?.type ?? 'text';
    if (text === '') found[name] = null;
    else if (type === 'text') found[name] = text;
    else if (type === 'boolean') found[name] = text === 'true' ? true : text === 'false' ? false : null;
    else found[name] = Number.isFinite(Number(text)) ? Number(text) : null;
  }
  return found;
}

function mayAsk({ program: { bot } }: Turn, task: ModelTask): boolean {
  return bot.model?.tasks.includes(task) === true;
}

function modelEffect(turn: Turn, task: ModelTask, more: Partial<Pick<ModelEffect, 'text' | 'knowledge' | 'slot'>>): (origin: Origin) => ModelEffect {
  return (origin) => ({
    ...origin, kind: 'model', replyId: `${turn.input.message.messageId}-01`, task, text: turn.heard?.text ?? '', locale: turn.language,
    history: linesOf(turn.memory.history).map(({ by, text }) => ({ by: by === 'person' ? 'person' : 'bot', text })), knowledge: false, slot: null, ...more,
  });
}

/** Lets the language model answer; its fallback where it cannot. Returns false when it has to be waited for. */
export function answerByModel(turn: Turn, step: AnswerInstruction): boolean {
  const result = mayAsk(turn, 'answer') ? settle(turn, stepName(turn), modelEffect(turn, 'answer', { knowledge: step.knowledge })) : null;
  if (result === undefined) return false;
  const answer = result === null ? undefined : readModelAnswer(result);
  if (answer !== undefined) { sayText(turn, answer.text, answer.citations); return true; }
  turn.error = result === null || result.status === 'ok' ? 'CONFAB_EFFECT_UNAVAILABLE' : result.status;
  turn.outcome = 'fallback';
  say(turn, step.fallback);
  return turn.wants.length === 0;
}

/** The texts in other words, or null where they stay as they are. Whether it has to be waited for stands in `wants`. */
export function rephrased(turn: Turn, response: ResponseDefinition, text: string): string | null {
  if (!mayAsk(turn, 'rephrase')) return null;
  const result = settle(turn, `say.${response.name}`, modelEffect(turn, 'rephrase', { text }));
  return result ? readModelAnswer(result)?.text ?? null : null;
}

/** What the language model finds in the message for the slot; null for nothing. Whether it has to be waited for stands in `wants`. */
export function filledByModel(turn: Turn, slot: SlotDefinition): string | null {
  if (slot.fill !== 'model' || !mayAsk(turn, 'fill')) return null;
  const result = settle(turn, `fill.${slot.name}`, modelEffect(turn, 'fill', { slot: slot.name }));
  return result ? readModelFill(result)?.value ?? null : null;
}

function objectOf(text: EffectResult['result']): Readonly<Record<string, unknown>> {
  if (typeof text !== 'string') return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Record<string, unknown> : {};
  } catch {
    return {};
  }
}
