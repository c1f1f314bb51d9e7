/** Reminders: a step sets one, the timers stage sends it back as an input of kind `timer`, and its flow begins in order. */
import { isTimeZone, offsetOfLocal } from '../bot/entities/system/zones.js';
import { contextOf, type RemindInstruction } from '../bot/index.js';
import { pushFrame, topFrame, type Memory } from './memory.js';
import { run } from './run.js';
import { render } from './speak.js';
import type { Turn } from './turn.js';

/** Of one conversation. */
const MOST_REMINDERS = 20;
const MOST_DEFERRED = 4;
/** The state that knows of it is kept for 90 days after its last change (dialogue-states.v1). */
const LONGEST = 85 * 24 * 3_600_000;
const PAYLOAD_CHARACTERS = 1024;
/** A date without a time: in the morning. */
const MORNING = 'T09:00:00';

/** Sets the reminder, with the slots that its flow is about as they are now. One whose time nobody can read is not set. */
export function setReminder(turn: Turn, step: RemindInstruction): void {
  const { memory, program, input } = turn;
  const flow = program.bot.flows[step.flow];
  const dueAt = step.in >= 0 || step.at === null ? input.at + Math.max(0, step.in) : readTime(render(turn, step.at), zoneOf(turn));
  if (!flow || Number.isNaN(dueAt) || dueAt > input.at + LONGEST) return;
  if (memory.reminders.size >= MOST_REMINDERS && !memory.reminders.has(step.id)) return;
  // One that is past is due now; times never go back behind the input that set them.
  const due = Math.max(dueAt, input.at);
  const slots = Object.fromEntries((program.readsOf[step.flow] ?? []).flatMap((slot) => memory.slots[slot] ? [[program.bot.slots[slot]?.name ?? '', memory.slots[slot]]] : []));
  const whole = JSON.stringify({ timer: step.id, flow: flow.name, slots });
  forgetReminder(turn, step.id);
  memory.reminders.set(step.id, { due, setBy: input.position });
  turn.timers.push({ op: 'set', id: `${step.id}@${input.position}`, dueAt: due, payload: whole.length <= PAYLOAD_CHARACTERS ? whole : JSON.stringify({ timer: step.id, flow: flow.name }) });
}

/** One that was set in this turn was never set. */
export function forgetReminder({ memory, timers }: Turn, name: string): void {
  const reminder = memory.reminders.get(name);
  if (!reminder) return;
  memory.reminders.delete(name);
  const id = `${name}@${reminder.setBy}`;
  const before = timers.findIndex((one) => one.id === id);
  if (before >= 0) timers.splice(before, 1); else timers.push({ op: 'cancel', id });
}

/** The person's time zone where the message names one, else the bot's. */
function zoneOf({ program: { bot }, input: { message, at } }: Turn): string {
  const { timeZone } = contextOf(message, at);
  return timeZone !== null && isTimeZone(timeZone) ? timeZone : bot.timeZone ?? 'UTC';
}

/** ISO 8601; without an offset by the clocks of that zone. NaN for what is none. */
function readTime(text: string, zone: string): number {
  const written = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}${MORNING}` : text.replace(' ', 'T');
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(written)) return NaN;
  if (/(?:Z|[+-]\d{2}:?\d{2})$/.test(written)) return Date.parse(written);
  const local = Date.parse(`${written}Z`);
  return Number.isNaN(local) ? NaN : local - offsetOfLocal(zone, local) * 60_000;
}

/** A reminder has fallen due. It is dropped when it was cancelled or set anew meanwhile, and waits while a person has the conversation. */
export function fire(turn: Turn, payload: Readonly<Record<string, unknown>>, handedOff: boolean): void {
  const { memory, program, input: { message } } = turn;
  const { timer: id, flow: name, slots } = payload;
  turn.outcome = handedOff ? 'handed_off' : 'timer';
  if (typeof id !== 'string' || typeof name !== 'string') return;
  const set = memory.reminders.get(id);
  if (set === undefined || message.attributes.timerId !== `${id}@${set.setBy}`) return;
  memory.reminders.delete(id);
  const flow = program.flowIndex.get(program.renamedFlow(name));
  if (flow === undefined) return;
  if (handedOff) { if (memory.deferred.length < MOST_DEFERRED) memory.deferred.push(flow); return; }
  begin(turn, flow, slots);
}

/** Begins the flows that waited for the bot to have the conversation again. */
export function catchUp(turn: Turn): void {
  const flows = turn.memory.deferred;
  turn.memory.deferred = [];
  for (const flow of flows) begin(turn, flow, null);
}

/** The reminder comes between: what was open before it is asked again, and has its slots again. */
function begin(turn: Turn, flow: number, slots: unknown): void {
  const { memory, program } = turn;
  const top = topFrame(memory);
  if (top) top.interrupted = true;
  const frame = pushFrame(memory, flow);
  if (typeof slots === 'object' && slots !== null) frame.saved = borrow(memory, program.slotIndex, slots as Record<string, unknown>);
  run(turn);
}

function borrow(memory: Memory, slotIndex: ReadonlyMap<string, number>, values: Readonly<Record<string, unknown>>): Map<number, string> | null {
  const saved = new Map<number, string>();
  for (const [name, value] of Object.entries(values)) {
    const slot = slotIndex.get(name);
    if (slot === undefined || typeof value !== 'string' || memory.slots[slot] === value) continue;
    saved.set(slot, memory.slots[slot] ?? '');
    memory.slots[slot] = value;
  }
  return saved.size > 0 ? saved : null;
}
