/** What a person's text or tap does to the conversation: answers the open question, begins a flow, comes between, or is not understood. */
import type { Entity } from '../../schemas/types.js';
import { forget, pushFrame, run, say, ask } from './run.js';
import type { Turn } from './turn.js';

export interface Heard {
  readonly text: string;
  readonly intent: string | null;
  readonly confidence: number;
  readonly entities: readonly Pick<Entity, 'name' | 'value'>[];
}

/** An open question that takes any text is left only for an intent as sure as this. */
const SURE = 0.75;

export function respond(turn: Turn, heard: Heard): void {
  const { memory, program } = turn;
  const flow = heard.intent === null ? undefined : program.bot.flowOfIntent.get(heard.intent);
  if (memory.waiting >= 0 && memory.frames.length > 0) {
    if (answer(turn, heard, flow)) { memory.missed = 0; run(turn); return; }
    if (flow === undefined || flow === memory.frames.at(-1)?.flow) { askAgain(turn); return; }
  }
  if (flow !== undefined) { begin(turn, heard, flow); return; }
  if (memory.restarted) { restart(turn); return; }
  miss(turn);
}

/** Puts the text into the slot that is waited for, and what else it holds into the flow's other slots. */
function answer(turn: Turn, heard: Heard, flow: number | undefined): boolean {
  const { memory, program } = turn;
  const slot = program.bot.slots[memory.waiting];
  const running = memory.frames.at(-1);
  if (!slot || !running) return false;
  if (slot.entity >= 0) {
    // Only what answers the question may fill other slots too: "where is a parcel shop?" is no place of delivery.
    const taken = fill(turn, heard, [memory.waiting]);
    if (taken.size === 0) return false;
    fill(turn, heard, program.bot.flows[running.flow]?.asks ?? [], taken);
  } else {
    const mayInterrupt = slot.interruptedBy === null || slot.interruptedBy.includes(heard.intent ?? '');
    if (flow !== undefined && flow !== running.flow && mayInterrupt && heard.confidence >= SURE) return false;
    const value = heard.text.trim();
    if (!program.fits(slot, value)) return false;
    memory.slots[memory.waiting] = value;
  }
  memory.attempts.delete(memory.waiting);
  return true;
}

/** Each entity fills one empty slot; two slots of one entity take the first and the second find. Returns the entities used. */
function fill(turn: Turn, heard: Heard, slots: readonly number[], taken = new Set<number>()): Set<number> {
  if (heard.entities.length === 0) return taken;
  const { memory, program } = turn;
  for (const index of slots) {
    const slot = program.bot.slots[index];
    if (!slot || slot.entity < 0 || memory.slots[index] !== '') continue;
    const name = program.bot.entities[slot.entity]?.name;
    const at = heard.entities.findIndex((entity, place) => entity.name === name && !taken.has(place) && typeof entity.value === 'string' && program.fits(slot, entity.value));
    const value = heard.entities[at]?.value;
    if (typeof value !== 'string') continue;
    taken.add(at);
    memory.slots[index] = value;
  }
  return taken;
}

function begin(turn: Turn, heard: Heard, flow: number): void {
  const { memory, program } = turn;
  turn.intent = heard.intent;
  turn.confidence = heard.confidence;
  memory.missed = 0;
  const asks = program.bot.flows[flow]?.asks ?? [];
  // Begun anew: what was begun of the same flow does not come back.
  const others = memory.waiting >= 0 ? memory.frames.filter((frame) => frame.flow !== flow) : [];
  memory.frames.splice(0, memory.frames.length, ...others);
  const top = memory.frames.at(-1);
  if (top) top.interrupted = true;
  const kept = new Set(memory.frames.flatMap((frame) => program.bot.flows[frame.flow]?.asks ?? []));
  for (const slot of asks) {
    memory.attempts.delete(slot);
    const name = program.bot.entities[program.bot.slots[slot]?.entity ?? -1]?.name;
    const remembered = program.bot.slots[slot]?.remember === true && !heard.entities.some((entity) => entity.name === name);
    if (!remembered && !kept.has(slot)) memory.slots[slot] = '';
  }
  fill(turn, heard, asks);
  pushFrame(memory, flow);
  run(turn);
}

/** The answer did not fit. */
function askAgain(turn: Turn): void {
  const { memory, program } = turn;
  const { waiting } = memory;
  const slot = program.bot.slots[waiting];
  const attempts = (memory.attempts.get(waiting) ?? 0) + 1;
  turn.outcome = 'fallback';
  if (!slot) { forget(memory, false); miss(turn); return; }
  if (attempts <= slot.retries) {
    memory.attempts.set(waiting, attempts);
    if (slot.invalid >= 0) say(turn, slot.invalid); else ask(turn, waiting);
    return;
  }
  forget(memory, false);
  if (slot.fail < 0) { miss(turn); return; }
  pushFrame(memory, slot.fail);
  run(turn);
}

/** The bot has changed under an open question: the flow begins anew with the slots it has, or the person is told. */
function restart(turn: Turn): void {
  say(turn, turn.program.bot.restarted);
  if (turn.memory.frames.length > 0) run(turn);
  else if (turn.parts.length === 0) miss(turn);
}

export function miss(turn: Turn): void {
  const { memory, program } = turn;
  const { fallback } = program.bot;
  memory.missed += 1;
  turn.outcome = 'fallback';
  if (fallback.after > 0 && memory.missed >= fallback.after) {
    memory.missed = 0;
    forget(memory, false);
    pushFrame(memory, fallback.then);
    run(turn);
    return;
  }
  say(turn, memory.missed > 1 ? fallback.again : fallback.say);
}
