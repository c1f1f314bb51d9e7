/**
 * The form of a memory in DialogueState: the last lines as they are in `history`, all else as JSON in `data`. That names slots, flows and steps, so that a conversation can move to another
 * version of its bot. `v` 2; without it the form of before: frames as [flow, number of the step, interrupted].
 *
 * `s` slots · `f` flows begun, the running one last: [flow, label of the step, interrupted, borrowed slots] · `w` slot waited
 * for · `q` other question: confirm or resume · `a` answers that did not fit · `n` turns not understood in a row · `r` slots
 * filled last · `l` flow answered last with its slots · `k` what was said before an offer · `m` reminders · `d` deferred flows ·
 * `t` time of the last input · `h` last lines, only read: they stood here before the state had a field of their own.
 */
import { ConfabError } from '../../platform/errors.js';
import { CONFIRM, freshMemory, NOTHING, RESUME, type Frame, type Kept, type Memory } from './memory.js';
import type { Program } from './program.js';

export const STATE_FORM = 2;
const QUESTIONS: Readonly<Record<string, number>> = { confirm: CONFIRM, resume: RESUME };

export type StoredFrame = [flow: string, step: string | number, interrupted: 0 | 1, saved?: Record<string, string>];

export interface Stored {
  v?: number;
  s?: Record<string, string>;
  f?: StoredFrame[];
  w?: string;
  q?: string;
  a?: Record<string, number>;
  n?: number;
  r?: string[];
  l?: [string, Record<string, string>];
  k?: [string, string | null, number, [string, string][], string[]];
  m?: Record<string, [due: number, setBy: string]>;
  d?: string[];
  t?: number;
  h?: string;
}

/** The state record holds other fields too. */
const MOST_BYTES = 63 * 1024;

/** Data that is not ours gives an empty one: better a conversation that begins anew than one that is stuck for ever. */
export function parseStored(data: string | null): Stored {
  if (data === null) return {};
  try {
    const value: unknown = JSON.parse(data);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
  } catch {
    return {};
  }
}

/** The memory that `stored` stands for; what it names and the bot does not have is left out. */
export function readMemory(stored: Stored, program: Program): Memory {
  const memory = freshMemory(program);
  for (const name in stored.s) { const slot = program.slotIndex.get(name); if (slot !== undefined) memory.slots[slot] = String(stored.s[name]); }
  if (Array.isArray(stored.f)) for (const one of stored.f) { const frame = readFrame(one, program); if (frame) memory.frames.push(frame); }
  memory.waiting = stored.q === undefined ? stored.w === undefined ? NOTHING : program.slotIndex.get(stored.w) ?? NOTHING : QUESTIONS[stored.q] ?? NOTHING;
  for (const name in stored.a) { const waiting = QUESTIONS[`${name}`] ?? program.slotIndex.get(name); if (waiting !== undefined) memory.attempts.set(waiting, Number(stored.a[name])); }
  memory.missed = stored.n ?? 0;
  memory.seen = stored.t ?? 0;
  memory.history = typeof stored.h === 'string' ? stored.h : '';
  if (stored.r !== undefined || stored.l !== undefined || stored.k !== undefined || stored.m !== undefined || stored.d !== undefined) readRare(memory, stored, program);
  return memory;
}

/** What most states do not have. */
function readRare(memory: Memory, stored: Stored, program: Program): void {
  if (Array.isArray(stored.r)) memory.recent = stored.r.flatMap((name) => program.slotIndex.get(name) ?? []);
  if (Array.isArray(stored.l)) {
    const flow = program.flowIndex.get(stored.l[0]);
    if (flow !== undefined) memory.answered = { flow, slots: readSlots(stored.l[1], program) };
  }
  if (Array.isArray(stored.k)) {
    const [text, intent, confidence, entities, offered] = stored.k;
    memory.kept = { text, intent, confidence, entities, offered };
  }
  for (const name in stored.m) { const [due, setBy] = stored.m[name] ?? [0, '']; memory.reminders.set(name, { due, setBy }); }
  if (Array.isArray(stored.d)) memory.deferred = stored.d.flatMap((name) => program.flowIndex.get(name) ?? []);
}

function readFrame(stored: unknown, program: Program): Frame | undefined {
  if (!Array.isArray(stored)) return undefined;
  const [name, step, interrupted, saved] = stored as StoredFrame;
  const flow = program.flowIndex.get(name);
  if (flow === undefined) return undefined;
  const end = program.bot.flows[flow]?.code.length ?? 0;
  const pc = typeof step === 'number' ? step : step === '' ? end : program.places[flow]?.get(step) ?? -1;
  return { flow, pc, interrupted: interrupted === 1, saved: saved === undefined ? null : readSlots(saved, program) };
}

function readSlots(stored: Record<string, string>, program: Program): Map<number, string> {
  const slots = new Map<number, string>();
  for (const name in stored) { const slot = program.slotIndex.get(name); if (slot !== undefined) slots.set(slot, String(stored[name])); }
  return slots;
}

/** Null where there is nothing to remember. @throws CONFAB_STATE_TOO_LARGE */
export function writeMemory(memory: Memory, program: Program): string | null {
  const { bot } = program;
  const stored: Stored = { v: STATE_FORM };
  const name = (slot: number): string => bot.slots[slot]?.name ?? '';
  for (let slot = 0; slot < memory.slots.length; slot++) {
    const value = memory.slots[slot];
    if (value) (stored.s ??= {})[name(slot)] = value;
  }
  if (memory.frames.length > 0) stored.f = memory.frames.map((frame) => writeFrame(frame, program));
  if (memory.waiting >= 0) stored.w = name(memory.waiting);
  else if (memory.waiting !== NOTHING) stored.q = memory.waiting === CONFIRM ? 'confirm' : 'resume';
  if (memory.attempts.size > 0) for (const [waiting, count] of memory.attempts) (stored.a ??= {})[waiting === CONFIRM ? 'confirm' : waiting === RESUME ? 'resume' : name(waiting)] = count;
  if (memory.missed > 0) stored.n = memory.missed;
  if (memory.recent.length > 0) stored.r = memory.recent.map(name);
  if (memory.answered) stored.l = [bot.flows[memory.answered.flow]?.name ?? '', writeSlots(memory.answered.slots, program)];
  if (memory.kept) stored.k = writeKept(memory.kept);
  if (memory.reminders.size > 0) stored.m = Object.fromEntries([...memory.reminders].map(([name, { due, setBy }]) => [name, [due, setBy]]));
  if (memory.deferred.length > 0) stored.d = memory.deferred.map((flow) => bot.flows[flow]?.name ?? '');
  if (memory.seen > 0 && bot.session.timeoutMillis > 0) stored.t = memory.seen;
  return Object.keys(stored).length === 1 ? null : bounded(stored, bot.id);
}

function writeFrame(frame: Frame, { bot }: Program): StoredFrame {
  const flow = bot.flows[frame.flow];
  const stored: StoredFrame = [flow?.name ?? '', flow?.labels[frame.pc] ?? '', frame.interrupted ? 1 : 0];
  if (frame.saved) stored.push(Object.fromEntries([...frame.saved].map(([slot, value]) => [bot.slots[slot]?.name ?? '', value])));
  return stored;
}

function writeSlots(slots: ReadonlyMap<number, string>, { bot }: Program): Record<string, string> {
  const stored: Record<string, string> = {};
  for (const [slot, value] of slots) stored[bot.slots[slot]?.name ?? ''] = value;
  return stored;
}

function writeKept({ text, intent, confidence, entities, offered }: Kept): NonNullable<Stored['k']> {
  return [text, intent, confidence, entities.map(([name, value]) => [name, value]), [...offered]];
}

/** The last lines, where there is room for them beside `data`: they are a comfort. */
export const writeHistory = ({ history }: Memory, data: string | null): string | null => (history !== '' && isSmall(data ?? '', history) ? history : null);

/** Whether they fit into a state; a character is three bytes at most. */
const isSmall = (data: string, history = ''): boolean => (data.length + history.length) * 3 <= MOST_BYTES || Buffer.byteLength(data) + Buffer.byteLength(history) <= MOST_BYTES;

/** What is only a comfort goes before anything that a person has told. */
function bounded(stored: Stored, bot: string): string {
  let data = JSON.stringify(stored);
  for (const key of ['k', 'l', 'r'] as const) {
    if (isSmall(data)) return data;
    Reflect.deleteProperty(stored, key);
    data = JSON.stringify(stored);
  }
  if (!isSmall(data)) throw new ConfabError('CONFAB_STATE_TOO_LARGE', { detail: `The slots of the bot "${bot}" exceed 64 KiB.` });
  return data;
}
