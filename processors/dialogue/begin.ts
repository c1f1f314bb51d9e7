/** Begins flows: by an intent, or again for what was answered last. */
import { fillSlots, valueFor, type Filling } from './answer.js';
import { fillSlot, NOTHING, popFrame, pushFrame, topFrame, type Answered, type Frame } from './memory.js';
import { run } from './run.js';
import type { Turn } from './turn.js';

/** Begins the flow with what the message holds; what was open is asked again afterwards. */
export function beginFlow(turn: Turn, from: Filling, flow: number): void {
  const { memory, program } = turn;
  turn.intent = from.heard.intent;
  turn.confidence = from.heard.confidence;
  memory.missed = 0;
  makeRoom(turn, flow);
  const kept = new Set(memory.frames.flatMap((frame) => program.bot.flows[frame.flow]?.asks ?? []));
  const frame = pushFrame(memory, flow);
  const asks = program.bot.flows[flow]?.asks ?? [];
  for (const slot of program.slotsOf[flow] ?? []) {
    const asked = asks.includes(slot);
    if (asked) memory.attempts.delete(slot);
    if (kept.has(slot)) borrow(turn, frame, slot, from);
    else if (mayEmpty(turn, slot, asked, from)) memory.slots[slot] = '';
  }
  fillSlots(turn, program.slotsOf[flow] ?? [], from);
  run(turn);
}

/** Begun anew: what was begun of the same flow does not come back; nor does what nobody waits for. */
function makeRoom({ memory }: Turn, flow: number): void {
  if (memory.waiting === NOTHING) { while (memory.frames.length > 0) popFrame(memory); return; }
  const others = memory.frames.filter((frame) => frame.flow !== flow);
  if (others.length !== memory.frames.length) {
    const again = memory.frames.filter((frame) => frame.flow === flow);
    for (const frame of again) if (frame.saved) for (const [slot, value] of frame.saved) memory.slots[slot] = value;
    memory.frames.splice(0, memory.frames.length, ...others);
  }
  const top = topFrame(memory);
  if (top) top.interrupted = true;
}

/** The message names another value for a slot of a flow that goes on later: the flow that begins has it for itself. */
function borrow(turn: Turn, frame: Frame, slot: number, from: Filling): void {
  const { memory } = turn;
  const before = memory.slots[slot] ?? '';
  const value = valueFor(turn, slot, { ...from, taken: new Set(from.taken) });
  if (value === null || value === before || before === '') return;
  (frame.saved ??= new Map()).set(slot, before);
  memory.slots[slot] = '';
}

/** A slot of the flow itself begins empty, one that is remembered only when the message names another value. */
function mayEmpty({ program }: Turn, slot: number, asked: boolean, from: Filling): boolean {
  const definition = program.bot.slots[slot];
  if (!definition) return false;
  if (asked && definition.memory === 'flow') return true;
  return definition.sources.some((source) => source.from === 'entity' && from.entities.some((entity) => entity.name === program.bot.entities[source.entity]?.name));
}

/** Answers the flow again with other values for some of its slots; '' has a slot asked for. */
export function goOnWith(turn: Turn, { flow, slots }: Answered, values: ReadonlyMap<number, string>): void {
  const { memory } = turn;
  memory.missed = 0;
  for (const [slot, value] of slots) memory.slots[slot] = value;
  for (const [slot, value] of values) if (value === '') memory.slots[slot] = ''; else fillSlot(memory, slot, value);
  turn.intent = [...turn.program.bot.flowOfIntent].find(([, one]) => one === flow)?.[0] ?? null;
  turn.confidence = turn.heard?.confidence ?? 0;
  pushFrame(memory, flow);
  run(turn);
}
