/**
 * What a conversation remembers between turns, and its JSON form in DialogueState.data. The form names slots and flows, so
 * that a conversation can move to another version of its bot: `s` slots, `f` flows begun (the running one last) as
 * [name, step, interrupted], `w` slot waited for, `a` answers that did not fit, `n` turns not understood in a row.
 */
import { ConfabError } from '../../platform/errors.js';
import type { Program } from './program.js';

export interface Frame {
  flow: number;
  pc: number;
  /** Another flow came between; its question is asked again. */
  interrupted: boolean;
}

export interface Memory {
  /** By slot index; '' is empty. */
  readonly slots: string[];
  readonly frames: Frame[];
  /** Slot waited for, or -1. */
  waiting: number;
  readonly attempts: Map<number, number>;
  missed: number;
  /** The flow that was running is gone or begins anew, because the bot has changed. */
  restarted: boolean;
}

interface Stored {
  readonly s?: Record<string, string>;
  readonly f?: [string, number, 0 | 1][];
  readonly w?: string;
  readonly a?: Record<string, number>;
  readonly n?: number;
}

/** The state record holds other fields too. */
const MOST_BYTES = 63 * 1024;

export function freshMemory(program: Program): Memory {
  return { slots: program.bot.slots.map(() => ''), frames: [], waiting: -1, attempts: new Map(), missed: 0, restarted: false };
}

/** Memory from its JSON form; `moved` when it was written under another version of the bot. */
export function readMemory(data: string | null, program: Program, moved: boolean): Memory {
  const memory = freshMemory(program);
  if (data === null) return memory;
  const stored = parse(data);
  for (const name in stored.s) { const slot = program.slotIndex.get(name); if (slot !== undefined) memory.slots[slot] = String(stored.s[name]); }
  for (const name in stored.a) { const slot = program.slotIndex.get(name); if (slot !== undefined) memory.attempts.set(slot, Number(stored.a[name])); }
  memory.missed = stored.n ?? 0;
  memory.waiting = stored.w === undefined ? -1 : program.slotIndex.get(stored.w) ?? -1;
  for (const [name, pc, interrupted] of stored.f ?? []) {
    const flow = program.flowIndex.get(name);
    if (flow !== undefined) memory.frames.push({ flow, pc: moved ? 0 : pc, interrupted: interrupted === 1 });
  }
  if (moved) settleMove(memory, stored, program);
  return memory;
}

/** Finds the question that was open in the new version of its flow; where there is none, the flow begins anew. */
function settleMove(memory: Memory, stored: Stored, program: Program): void {
  const running = stored.f?.at(-1)?.[0];
  if (running === undefined) { memory.waiting = -1; return; }
  const top = memory.frames.at(-1);
  const flow = top && program.bot.flows[top.flow];
  if (!top || flow?.name !== running) { memory.restarted = true; memory.waiting = -1; return; }
  const pc = flow.code.findIndex((instruction) => instruction.op === 'ask' && instruction.slot === memory.waiting);
  if (memory.waiting >= 0 && pc >= 0) { top.pc = pc; return; }
  memory.waiting = -1;
  memory.restarted = true;
}

function parse(data: string): Stored {
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    // Not ours: better a conversation that begins anew than one that is stuck for ever.
    return {};
  }
}

/** @throws CONFAB_STATE_TOO_LARGE */
export function writeMemory(memory: Memory, program: Program): string | null {
  const { bot } = program;
  const stored: { -readonly [K in keyof Stored]: Stored[K] } = {};
  for (let slot = 0; slot < memory.slots.length; slot++) {
    const value = memory.slots[slot];
    if (value) (stored.s ??= {})[bot.slots[slot]?.name ?? ''] = value;
  }
  if (memory.frames.length > 0) stored.f = memory.frames.map((frame) => [bot.flows[frame.flow]?.name ?? '', frame.pc, frame.interrupted ? 1 : 0]);
  if (memory.waiting >= 0) stored.w = bot.slots[memory.waiting]?.name ?? '';
  for (const [slot, count] of memory.attempts) (stored.a ??= {})[bot.slots[slot]?.name ?? ''] = count;
  if (memory.missed > 0) stored.n = memory.missed;
  const data = JSON.stringify(stored);
  if (data === '{}') return null;
  if (data.length * 3 > MOST_BYTES && Buffer.byteLength(data) > MOST_BYTES) throw new ConfabError('CONFAB_STATE_TOO_LARGE', { detail: `The slots of the bot "${bot.id}" exceed 64 KiB.` });
  return data;
}
