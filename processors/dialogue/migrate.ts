/**
 * Moves a conversation to another version of its bot by the rules that the new version declares: renamed and dropped flows,
 * slots and steps, and values for slots that are new. Then the open question is found again; where it is gone the flow begins
 * anew with the slots that it has, and the person is told.
 */
import type { Migration } from '../bot/index.js';
import { CONFIRM, NOTHING, RESUME, type Frame, type Memory } from './memory.js';
import { readMemory, type Stored, type StoredFrame } from './memory-form.js';
import type { Program } from './program.js';

/** The memory under `program`, of data that was written under the version `from`. */
export function moveMemory(stored: Stored, program: Program, from: string): Memory {
  const running = stored.f?.at(-1)?.[0];
  const moved = program.bot.versions.migrations.filter((one) => one.from === null || one.from.includes(from)).reduce(renamed, stored);
  const memory = readMemory(moved, program);
  dropUnfit(memory, program);
  for (const migration of program.bot.versions.migrations) {
    if (migration.from !== null && !migration.from.includes(from)) continue;
    for (const [name, value] of migration.set) { const slot = program.slotIndex.get(name); if (slot !== undefined && memory.slots[slot] === '') memory.slots[slot] = value; }
  }
  for (const frame of memory.frames) if (frame !== memory.frames.at(-1)) settleBelow(frame, memory, program);
  if (running === undefined) { if (memory.waiting !== NOTHING) memory.waiting = NOTHING; return memory; }
  settleTop(memory, moved.f?.at(-1)?.[0], program);
  return memory;
}

function renamed(stored: Stored, { flows, slots, steps }: Migration): Stored {
  const slotName = (name: string): string | null => slots.has(name) ? slots.get(name) ?? null : name;
  const flowName = (name: string): string | null => flows.has(name) ? flows.get(name) ?? null : name;
  const values = <T>(map: Record<string, T>): Record<string, T> => Object.fromEntries(Object.entries(map).flatMap(([name, value]) => { const to = slotName(name); return to === null ? [] : [[to, value]]; }));
  const result: Stored = { ...stored };
  if (stored.s) result.s = values(stored.s);
  if (stored.a) result.a = values(stored.a);
  if (stored.w !== undefined) { const to = slotName(stored.w); if (to === null) delete result.w; else result.w = to; }
  if (Array.isArray(stored.r)) result.r = stored.r.flatMap((name) => slotName(name) ?? []);
  if (Array.isArray(stored.d)) result.d = stored.d.flatMap((name) => flowName(name) ?? []);
  if (Array.isArray(stored.l)) { const to = flowName(stored.l[0]); if (to === null) delete result.l; else result.l = [to, values(stored.l[1])]; }
  if (Array.isArray(stored.f)) result.f = stored.f.flatMap((frame): StoredFrame[] => {
    if (!Array.isArray(frame)) return [];
    const [flow, step, interrupted, saved] = frame;
    const place = steps.get(`${flow}.${step}`);
    const to = flowName(flow);
    const cut = place === undefined ? -1 : place.indexOf('.');
    if (place === undefined && to === null) return [];
    return [[place === undefined ? to ?? '' : place.slice(0, cut), place === undefined ? renamedStep(step, slots) : place.slice(cut + 1), interrupted, ...(saved === undefined ? [] : [values(saved)]) as [Record<string, string>?]]];
  });
  return result;
}

/** The label that a question has by itself names its slot. */
function renamedStep(step: string | number, slots: Migration['slots']): string | number {
  if (typeof step === 'number' || !step.startsWith('ask:')) return step;
  const [slot = '', ...rest] = step.slice(4).split('~');
  const to = slots.get(slot);
  return typeof to === 'string' ? ['ask:' + to, ...rest].join('~') : step;
}

/** Values that the new version would not take are asked for again. */
function dropUnfit(memory: Memory, program: Program): void {
  for (let slot = 0; slot < memory.slots.length; slot++) {
    const value = memory.slots[slot] ?? '';
    const definition = program.bot.slots[slot];
    // A slot that only steps fill has no form that a person's words must have.
    if (value !== '' && definition && definition.ask >= 0 && program.checks[slot]?.(value) === null) memory.slots[slot] = '';
  }
}

/** A flow under another one goes on after its call, or at the question that was interrupted. */
function settleBelow(frame: Frame, memory: Memory, program: Program): void {
  const code = program.bot.flows[frame.flow]?.code ?? [];
  if (frame.pc >= 0 && frame.pc <= code.length && (!frame.interrupted || isQuestion(code[frame.pc]?.op))) return;
  const above = memory.frames[memory.frames.indexOf(frame) + 1]?.flow;
  const call = code.findIndex((one) => one.op === 'call' && one.flow === above);
  frame.pc = frame.interrupted || call < 0 ? 0 : call + 1;
}

const isQuestion = (op: string | undefined): boolean => op === 'ask' || op === 'confirm';

function settleTop(memory: Memory, name: string | undefined, program: Program): void {
  const top = memory.frames.at(-1);
  const flow = top && program.bot.flows[top.flow];
  if (memory.waiting === RESUME && flow?.name === name) { if (top && top.pc < 0) top.pc = 0; return; }
  if (!top || !flow || flow.name !== name) { memory.restarted = true; memory.waiting = NOTHING; if (top) top.interrupted = false; return; }
  const { waiting } = memory;
  const here = flow.code[top.pc];
  if (waiting === CONFIRM && here?.op === 'confirm') return;
  if (waiting >= 0 && here?.op === 'ask' && here.slot === waiting) return;
  const pc = waiting === NOTHING ? -1 : flow.code.findIndex((one) => waiting === CONFIRM ? one.op === 'confirm' : one.op === 'ask' && one.slot === waiting);
  if (pc >= 0) { top.pc = pc; return; }
  top.pc = 0;
  memory.waiting = NOTHING;
  memory.restarted = true;
}
