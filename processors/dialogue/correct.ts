/** Corrections: a slot that was filled gets another value ("no, I meant Tuesday"), or loses the one that it was not to have ("not on Friday"). */
import { valueFor, type Filling } from './answer.js';
import type { CuesHeard } from './cues.js';
import { correctedText } from './free-text.js';
import { CONFIRM, fillSlot, NOTHING, type Frame } from './memory.js';
import { run } from './run.js';
import { say } from './speak.js';
import type { Heard, HeardEntity, Turn } from './turn.js';

interface Change { readonly slot: number; /** '' asks again. */ readonly value: string }

/** Puts a slot right that a flow under way has filled, and lets the flow go on from there. False where the message is no correction. */
export function correctOpen(turn: Turn, cues: CuesHeard, from: Filling): boolean {
  return putRightOpen(turn, (slots) => findChange(turn, slots, cues, from));
}

/** The same for a slot of free text. */
export function correctOpenText(turn: Turn, cues: CuesHeard, heard: Heard): boolean {
  return putRightOpen(turn, (slots, flow) => correctedText(turn, cues, heard, { slots, flow }));
}

/** Asks of each flow under way, the inmost first, for a change to the slots that it has asked for already. */
function putRightOpen(turn: Turn, find: (slots: readonly number[], flow: number) => Change | undefined): boolean {
  const { memory, program } = turn;
  for (let at = memory.frames.length - 1; at >= 0; at--) {
    const frame = memory.frames[at] as Frame;
    const top = at === memory.frames.length - 1;
    const slots = (program.bot.flows[frame.flow]?.asks ?? []).filter((slot) => !top || slot !== memory.waiting);
    const change = find(slots, frame.flow);
    if (change) { putRight(turn, change, { frame, top }); return true; }
  }
  return false;
}

function putRight(turn: Turn, change: Change, { frame, top }: { readonly frame: Frame; readonly top: boolean }): void {
  apply(turn, change);
  if (change.value !== '') say(turn, turn.program.bot.corrected);
  rewind(turn, frame, change.slot, top);
  run(turn);
}

/** Answers the last flow again with another value. False where the message is no correction of it. */
export function correctAnswered(turn: Turn, cues: CuesHeard, from: Filling): { readonly slot: number; readonly value: string } | undefined {
  const { memory } = turn;
  if (!memory.answered) return undefined;
  const { flow, slots } = memory.answered;
  return findChange(turn, [...slots.keys()], cues, from, slots) ?? correctedText(turn, cues, from.heard, { slots: [...slots.keys()], flow, values: slots });
}

/** The slot that the message changes, the one filled last first. */
function findChange(turn: Turn, slots: readonly number[], cues: CuesHeard, from: Filling, values?: ReadonlyMap<number, string>): Change | undefined {
  const { memory } = turn;
  const valueOf = (slot: number): string => (values ? values.get(slot) : memory.slots[slot]) ?? '';
  const order = slots.filter((slot) => valueOf(slot) !== '').sort((a, b) => memory.recent.indexOf(b) - memory.recent.indexOf(a));
  if (from.entities.length > 0) {
    for (const slot of order) {
      const taken = new Set(from.taken);
      const value = valueFor(turn, slot, { ...from, heard: { ...from.heard, intent: null }, taken });
      if (value !== null && value !== valueOf(slot)) return { slot, value };
    }
  }
  for (const slot of order) if (cues.negated.some((entity) => isValue(turn, slot, entity, valueOf(slot)))) return { slot, value: '' };
  return undefined;
}

function isValue(turn: Turn, slot: number, entity: HeardEntity, value: string): boolean {
  const { bot, checks } = turn.program;
  return (bot.slots[slot]?.sources ?? []).some((source) => source.from === 'entity' && bot.entities[source.entity]?.name === entity.name && typeof entity.value === 'string' && checks[slot]?.(source.value ?? entity.value) === value);
}

function apply({ memory }: Turn, { slot, value }: Change): void {
  memory.attempts.clear();
  if (value === '') memory.slots[slot] = ''; else fillSlot(memory, slot, value);
}

/** The flow goes back to where it asked for the slot, so that what depends on it is done again; what it said is not said again. */
function rewind(turn: Turn, frame: Frame, slot: number, top: boolean): void {
  const code = turn.program.bot.flows[frame.flow]?.code ?? [];
  const at = code.findIndex((one) => one.op === 'ask' && one.slot === slot);
  if (at < 0 || at >= frame.pc) return;
  // The question that is open now is asked again in any case.
  if (top) turn.replay = { frame, until: frame.pc - 1, slot };
  frame.pc = at;
}

/** True when the message has the marks of a correction, or can be nothing else where a yes or no is waited for. */
export function looksCorrected(turn: Turn, cues: CuesHeard): boolean {
  if (cues.beyond.length === 0 && cues.negated.length === 0) return false;
  if (cues.correct || cues.negated.length > 0) return true;
  return (cues.deny || turn.memory.waiting === CONFIRM) && turn.memory.waiting !== NOTHING;
}
