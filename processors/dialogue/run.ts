/** Runs instructions of flows until something is asked, the conversation is handed over or ended, an effect is wanted, or nothing is left to do. */
import { holds, type Instruction } from '../bot/index.js';
import { act, answerByModel } from './effects.js';
import { CONFIRM, dropFlow, fillSlot, forgetAll, forgetFlows, NOTHING, popFrame, pushFrame, RESUME, topFrame, type Frame } from './memory.js';
import { forgetReminder, setReminder } from './reminders.js';
import { render, say } from './speak.js';
import type { Turn } from './turn.js';

/** A bot whose flows call each other for ever stops here. */
const MOST_STEPS = 500;
const SLOT_CHARACTERS = 500;

/** What becomes of the run after a step. */
type After = 'on' | 'stop' | 'back';

export function run(turn: Turn): void {
  const { memory, program } = turn;
  memory.waiting = NOTHING;
  // True when the flow goes on after another one came between.
  let back = false;
  for (let steps = 0; memory.frames.length > 0; steps++) {
    if (steps > MOST_STEPS) { giveUp(turn); return; }
    const frame = memory.frames[memory.frames.length - 1] as Frame;
    const instruction = program.bot.flows[frame.flow]?.code[frame.pc];
    if (instruction === undefined) {
      back = finish(turn) || back;
      if (back && turn.stale) { askToResume(turn); return; }
      continue;
    }
    turn.input.trace?.(frame.flow, frame.pc);
    const after = step(turn, frame, instruction, back);
    if (after === 'stop' || turn.wants.length > 0) return;
    if (after === 'back') back = true;
  }
}

/** The running flow is done. Returns whether one goes on that was interrupted. */
function finish(turn: Turn): boolean {
  const { memory, program } = turn;
  const frame = topFrame(memory);
  const slots = frame ? program.slotsOf[frame.flow] ?? [] : [];
  if (frame && slots.length > 0) {
    const values = new Map<number, string>();
    for (const slot of slots) { const value = memory.slots[slot] || turn.cleared?.get(slot); if (value) values.set(slot, value); }
    memory.answered = { flow: frame.flow, slots: values };
  }
  popFrame(memory);
  const below = topFrame(memory);
  if (below?.interrupted !== true) return false;
  below.interrupted = false;
  return true;
}

function step(turn: Turn, frame: Frame, instruction: Instruction, back: boolean): After {
  const { memory } = turn;
  switch (instruction.op) {
    case 'ask':
      if (memory.slots[instruction.slot] !== '') break;
      if (back) say(turn, turn.program.bot.resume);
      ask(turn, instruction.slot, !back && hasUnfit(turn, instruction.slot));
      return 'stop';
    case 'confirm':
      turn.replay = null;
      if (back) say(turn, turn.program.bot.resume);
      say(turn, instruction.response);
      memory.waiting = CONFIRM;
      return 'stop';
    case 'say': say(turn, instruction.response); break;
    case 'set': setSlot(turn, instruction.slot, render(turn, instruction.value).slice(0, SLOT_CHARACTERS)); break;
    case 'clear': for (const slot of instruction.slots) clearSlot(turn, slot); break;
    case 'unless': if (!holds(instruction.condition, turn)) { frame.pc = instruction.to; return 'on'; } break;
    case 'jump': frame.pc = instruction.to; return 'on';
    case 'go': frame.flow = instruction.flow; frame.pc = 0; return 'on';
    case 'call': frame.pc += 1; pushFrame(memory, instruction.flow); return 'on';
    default: return rarer(turn, frame, instruction);
  }
  frame.pc += 1;
  return 'on';
}

type Rare = Exclude<Instruction, { op: 'ask' | 'confirm' | 'say' | 'set' | 'clear' | 'unless' | 'jump' | 'go' | 'call' }>;

function rarer(turn: Turn, frame: Frame, instruction: Rare): After {
  switch (instruction.op) {
    case 'act': {
      const done = act(turn, instruction);
      if (done === undefined) return 'stop';
      if (!done && instruction.error < 0) return dropFailed(turn);
      frame.pc = done ? frame.pc + 1 : instruction.error;
      return 'on';
    }
    case 'answer': if (!answerByModel(turn, instruction)) return 'stop'; break;
    case 'remind': setReminder(turn, instruction); break;
    case 'forget_reminder': forgetReminder(turn, instruction.id); break;
    case 'handoff': handOff(turn, instruction.reason); return 'stop';
    case 'end': forgetAll(turn.memory, turn.program); turn.outcome = 'ended'; return 'stop';
    case 'cancel': forgetFlows(turn.memory); turn.memory.answered = null; return 'stop';
  }
  frame.pc += 1;
  return 'on';
}

function setSlot(turn: Turn, slot: number, value: string): void {
  if (value === '') clearSlot(turn, slot); else fillSlot(turn.memory, slot, value);
}

function clearSlot(turn: Turn, slot: number): void {
  const value = turn.memory.slots[slot];
  if (value) (turn.cleared ??= new Map()).set(slot, value);
  turn.memory.slots[slot] = '';
  turn.memory.attempts.delete(slot);
}

/** An action has failed and its flow does not say what then. */
function dropFailed(turn: Turn): After {
  const { bot } = turn.program;
  turn.outcome = 'fallback';
  turn.replay = null;
  say(turn, bot.failed >= 0 ? bot.failed : bot.fallback.say);
  if (!dropFlow(turn.memory)) return 'stop';
  const below = topFrame(turn.memory);
  if (below) below.interrupted = false;
  return 'back';
}

/** `unfit`: what was said before the question does not fit, so the person hears why it comes. */
export function ask(turn: Turn, slot: number, unfit = false): void {
  turn.replay = null;
  turn.memory.waiting = slot;
  const definition = turn.program.bot.slots[slot];
  say(turn, (unfit ? definition?.invalid : definition?.ask) ?? -1);
}

/** The message holds a value for the slot that it does not take: "a table for forty". */
function hasUnfit({ heard, program: { bot, checks } }: Turn, slot: number): boolean {
  const definition = bot.slots[slot];
  if (!heard || heard.entities.length === 0 || !definition || definition.invalid < 0) return false;
  return definition.sources.some((source) => source.from === 'entity' && source.value === null
    && heard.entities.some(({ name, value }) => name === bot.entities[source.entity]?.name && typeof value === 'string' && checks[slot]?.(value) === null));
}

/** Whether to go on with what was open before a pause. */
export function askToResume(turn: Turn): void {
  const top = topFrame(turn.memory);
  if (top) top.interrupted = false;
  turn.stale = false;
  turn.memory.waiting = RESUME;
  say(turn, turn.program.bot.session.ask);
}

export function handOff(turn: Turn, reason: string): void {
  forgetFlows(turn.memory);
  turn.outcome = 'handed_off';
  turn.handoff = { to: 'person', reason: reason === '' ? null : reason };
}

/** Ends the running flow and goes on with what it came between. */
export function dropAndGoOn(turn: Turn, response: number): void {
  say(turn, response);
  if (!dropFlow(turn.memory)) return;
  const below = topFrame(turn.memory);
  if (below) below.interrupted = false;
  run(turn);
}

function giveUp(turn: Turn): void {
  forgetFlows(turn.memory);
  turn.parts.length = 0;
  turn.outcome = 'fallback';
  say(turn, turn.program.bot.fallback.say);
}
