/** Puts what a person said into slots: the one that is asked for, and others of the flow. */
import type { SlotSource } from '../bot/index.js';
import { introducedText, takesText } from './free-text.js';
import { fillSlot, NOTHING } from './memory.js';
import { SURE_OF_TEXT } from './sure.js';
import type { Heard, HeardEntity, Turn } from './turn.js';

export interface Filling {
  readonly heard: Heard;
  /** Those that hold: without the negated ones. */
  readonly entities: readonly HeardEntity[];
  /** Places in `entities` that have filled a slot. */
  readonly taken: Set<number>;
}

export const filling = (heard: Heard, entities: readonly HeardEntity[]): Filling => ({ heard, entities, taken: new Set() });

/** Fills the empty ones among the slots; two slots of one entity take the first and the second find. Returns how many were filled. */
export function fillSlots(turn: Turn, slots: readonly number[], from: Filling): number {
  let filled = 0;
  if (from.entities.length === 0 && from.heard.intent === null) return filled;
  for (const slot of slots) {
    if (turn.memory.slots[slot] !== '') continue;
    const value = valueFor(turn, slot, from);
    if (value === null) continue;
    fillSlot(turn.memory, slot, value);
    filled += 1;
  }
  return filled;
}

/** A value for the slot from what was found in the text; the find is taken. */
export function valueFor(turn: Turn, slot: number, from: Filling): string | null {
  for (const source of turn.program.bot.slots[slot]?.sources ?? []) {
    const value = source.from === 'text' ? null : fromSource(turn, slot, source, from);
    if (value !== null) return value;
  }
  return null;
}

function fromSource(turn: Turn, slot: number, source: Exclude<SlotSource, { from: 'text' }>, { heard, entities, taken }: Filling): string | null {
  const { bot, checks } = turn.program;
  if (source.from === 'intent') return heard.intent === source.intent ? checks[slot]?.(source.value) ?? null : null;
  const name = bot.entities[source.entity]?.name;
  for (let at = 0; at < entities.length; at++) {
    const entity = entities[at];
    if (entity?.name !== name || taken.has(at) || typeof entity?.value !== 'string') continue;
    const value = checks[slot]?.(source.value ?? entity.value) ?? null;
    if (value === null) continue;
    taken.add(at);
    return value;
  }
  return null;
}

/** Answers the open question with the message. False where it does not fit, or says something else. */
export function answerSlot(turn: Turn, from: Filling, flow: number | undefined): boolean {
  const { memory, program } = turn;
  const { waiting } = memory;
  const slot = program.bot.slots[waiting];
  const running = memory.frames.at(-1);
  if (waiting <= NOTHING || !slot || !running) return false;
  let value = valueFor(turn, waiting, from);
  const asText = value === null && takesText(turn, waiting);
  if (asText) {
    const { heard } = from;
    // Who says what it is answers, whatever else it reads like.
    value = introducedText(turn, waiting, heard.text);
    const mayInterrupt = slot.interruptedBy === null || slot.interruptedBy.includes(heard.intent ?? '');
    if (value === null && flow !== undefined && flow !== running.flow && mayInterrupt && heard.confidence >= SURE_OF_TEXT) return false;
    value ??= program.checks[waiting]?.(heard.text.trim()) ?? null;
  }
  if (value === null || value === '') return false;
  memory.attempts.delete(waiting);
  fillSlot(memory, waiting, value);
  // Only what answers the question may fill other slots too: "where is a parcel shop?" is no place of delivery.
  if (!asText) fillSlots(turn, program.bot.flows[running.flow]?.asks ?? [], from);
  return true;
}
