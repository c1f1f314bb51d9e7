/** What a conversation remembers between turns; memory-form.ts has its JSON form. */
import type { Program } from './program.js';

/** A flow that was begun. */
export interface Frame {
  flow: number;
  pc: number;
  /** Another flow came between; its question is asked again. */
  interrupted: boolean;
  /** Values of slots that it borrows from flows below it; given back when it is over. */
  saved: Map<number, string> | null;
}

/** Nothing is asked; otherwise `waiting` is a slot or one of the two below. */
export const NOTHING = -1;
/** The running flow waits for a yes or no. */
export const CONFIRM = -2;
/** After a pause the person was asked whether to go on. */
export const RESUME = -3;

/** The flow that was answered last, with the slots that it was answered for: what "and tomorrow?" is about. */
export interface Answered { readonly flow: number; readonly slots: ReadonlyMap<number, string> }

/** What a person said before they were asked something about it. */
export interface Kept {
  readonly text: string;
  readonly intent: string | null;
  readonly confidence: number;
  readonly entities: readonly (readonly [name: string, value: string])[];
  /** Intents that were offered. */
  readonly offered: readonly string[];
}

/** When it is due, and the position of the input that set it. */
export interface Reminder { readonly due: number; readonly setBy: string }

export interface Memory {
  /** By slot index; '' is empty. */
  readonly slots: string[];
  readonly frames: Frame[];
  waiting: number;
  /** Answers that did not fit, by what was waited for. */
  readonly attempts: Map<number, number>;
  /** Turns not understood in a row. */
  missed: number;
  /** Slots filled last, the newest last. */
  recent: number[];
  answered: Answered | null;
  /** Waits for a tap on one of the offered intents, or for the answer whether to go on. */
  kept: Kept | null;
  /** Reminders that are set, by name. */
  readonly reminders: Map<string, Reminder>;
  /** Flows of reminders that fell due while a person had the conversation. */
  deferred: number[];
  /** Acceptance time of the person's last input; 0 before the first. */
  seen: number;
  /** The last lines, oldest first (history.ts). */
  history: string;
  /** The flow that was running is gone or begins anew, because the bot has changed. Lasts for one turn. */
  restarted: boolean;
}

const MOST_FRAMES = 8;
const MOST_RECENT = 8;

export function freshMemory(program: Program): Memory {
  return {
    slots: program.bot.slots.map(() => ''), frames: [], waiting: NOTHING, attempts: new Map(), missed: 0, recent: [], answered: null, kept: null,
    reminders: new Map(), deferred: [], seen: 0, history: '', restarted: false,
  };
}

export function topFrame(memory: Memory): Frame | undefined {
  return memory.frames[memory.frames.length - 1];
}

export function pushFrame(memory: Memory, flow: number): Frame {
  // The oldest is forgotten rather than the conversation stopped.
  if (memory.frames.length >= MOST_FRAMES) memory.frames.shift();
  const frame: Frame = { flow, pc: 0, interrupted: false, saved: null };
  memory.frames.push(frame);
  return frame;
}

/** Takes the running flow away and gives back what it had borrowed. */
export function popFrame(memory: Memory): Frame | undefined {
  const frame = memory.frames.pop();
  if (frame?.saved) for (const [slot, value] of frame.saved) memory.slots[slot] = value;
  return frame;
}

/** Drops the running flow with those that called it, down to the one that it came between. Returns whether there is one. */
export function dropFlow(memory: Memory): boolean {
  memory.waiting = NOTHING;
  memory.attempts.clear();
  for (;;) {
    popFrame(memory);
    const below = topFrame(memory);
    if (below === undefined) return false;
    if (below.interrupted) return true;
  }
}

export function fillSlot(memory: Memory, slot: number, value: string): void {
  memory.slots[slot] = value;
  const at = memory.recent.indexOf(slot);
  if (at >= 0) memory.recent.splice(at, 1);
  memory.recent.push(slot);
  if (memory.recent.length > MOST_RECENT) memory.recent.shift();
}

/** Drops what was begun. */
export function forgetFlows(memory: Memory): void {
  while (memory.frames.length > 0) popFrame(memory);
  memory.waiting = NOTHING;
  memory.attempts.clear();
  memory.recent = [];
  memory.kept = null;
}

/** Drops what was begun and all slots but what is known of the person. */
export function forgetAll(memory: Memory, program: Program): void {
  forgetFlows(memory);
  memory.answered = null;
  memory.missed = 0;
  memory.deferred = [];
  for (let slot = 0; slot < memory.slots.length; slot++) if (program.bot.slots[slot]?.memory !== 'user') memory.slots[slot] = '';
}
