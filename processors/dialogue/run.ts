/** Runs instructions of flows until a question is asked, the conversation is handed over or ended, or nothing is left to do. */
import type { ReplyPart } from '../../schemas/types.js';
import { holds, valueOf, type ResponseDefinition, type Scope, type Template } from '../bot/index.js';
import type { Frame, Memory } from './memory.js';
import type { Program } from './program.js';
import type { Turn } from './turn.js';

/** A bot whose flows call each other for ever stops here. */
const MOST_STEPS = 500;
const MOST_BUBBLES = 20;
const MOST_FRAMES = 8;
const SLOT_CHARACTERS = 500;
const NO_REPLIES: ReplyPart['quickReplies'] = [];

export function run(turn: Turn): void {
  const { memory, program } = turn;
  memory.waiting = -1;
  let resumed = false;
  for (let steps = 0; memory.frames.length > 0; steps++) {
    if (steps > MOST_STEPS) { giveUp(turn); return; }
    const frame = memory.frames[memory.frames.length - 1] as Frame;
    const instruction = program.bot.flows[frame.flow]?.code[frame.pc];
    if (instruction === undefined) {
      memory.frames.pop();
      const below = memory.frames[memory.frames.length - 1];
      resumed = below?.interrupted === true;
      if (below) below.interrupted = false;
      continue;
    }
    turn.input.trace?.(frame.flow, frame.pc);
    if (instruction.op === 'ask' && memory.slots[instruction.slot] === '') {
      if (resumed) say(turn, program.bot.resume);
      ask(turn, instruction.slot);
      return;
    }
    frame.pc += 1;
    if (instruction.op === 'handoff') { handOff(turn, instruction.reason); return; }
    if (instruction.op === 'end') { forget(memory, true); turn.outcome = 'ended'; return; }
    if (instruction.op === 'cancel') { forget(memory, false); return; }
    step(turn, frame, instruction);
  }
}

function step(turn: Turn, frame: Frame, instruction: Program['bot']['flows'][number]['code'][number]): void {
  const { memory } = turn;
  switch (instruction.op) {
    case 'say': say(turn, instruction.response); return;
    case 'set': memory.slots[instruction.slot] = render(turn, instruction.value).slice(0, SLOT_CHARACTERS); return;
    case 'clear': for (const slot of instruction.slots) { memory.slots[slot] = ''; memory.attempts.delete(slot); } return;
    case 'unless': if (!holds(instruction.condition, scopeOf(turn))) frame.pc = instruction.to; return;
    case 'jump': frame.pc = instruction.to; return;
    case 'go': frame.flow = instruction.flow; frame.pc = 0; return;
    case 'call': pushFrame(memory, instruction.flow); return;
    default:
  }
}

export function pushFrame(memory: Memory, flow: number): void {
  // The oldest is forgotten rather than the conversation stopped.
  if (memory.frames.length >= MOST_FRAMES) memory.frames.shift();
  memory.frames.push({ flow, pc: 0, interrupted: false });
}

export function ask(turn: Turn, slot: number): void {
  turn.memory.waiting = slot;
  say(turn, turn.program.bot.slots[slot]?.ask ?? -1);
}

export function handOff(turn: Turn, reason: string): void {
  forget(turn.memory, false);
  turn.outcome = 'handed_off';
  turn.handoff = { to: 'person', reason: reason === '' ? null : reason };
}

/** Drops what was begun; with `all` the slots too. */
export function forget(memory: Memory, all: boolean): void {
  memory.frames.length = 0;
  memory.waiting = -1;
  memory.attempts.clear();
  if (all) memory.slots.fill('');
}

function giveUp(turn: Turn): void {
  forget(turn.memory, false);
  turn.parts.length = 0;
  turn.outcome = 'fallback';
  say(turn, turn.program.bot.fallback.say);
}

/** Adds a response's bubbles; -1 says nothing. */
export function say(turn: Turn, response: number): void {
  const found: ResponseDefinition | undefined = turn.program.bot.responses[response];
  if (!found) return;
  const bubbles = found.variants[found.variants.length > 1 ? turn.choice % found.variants.length : 0] ?? [];
  for (let at = 0; at < bubbles.length && turn.parts.length < MOST_BUBBLES; at++) {
    const last = at === bubbles.length - 1 && found.quickReplies.length > 0;
    turn.parts.push({
      text: render(turn, bubbles[at] as Template),
      quickReplies: last ? found.quickReplies.map((one) => ({ title: render(turn, one.title), payload: one.payload })) : NO_REPLIES, buttons: [], image: null, citations: [],
    });
  }
}

export function render(turn: Turn, template: Template): string {
  if (template.length === 1 && typeof template[0] === 'string') return template[0];
  let text = '';
  for (const part of template) text += typeof part === 'string' ? part : ('slot' in part ? turn.memory.slots[part.slot] : String(valueOf(part.from, scopeOf(turn)) ?? '')) || part.otherwise;
  return text;
}

/** What conditions and texts see of the turn. */
function scopeOf(turn: Turn): Scope {
  const { message, results } = turn.input;
  return {
    slots: turn.memory.slots, intent: turn.intent, confidence: turn.confidence, channel: turn.channel, locale: message.locale, error: null,
    text: typeof message.text === 'string' ? message.text : '',
    entity: (index) => {
      const found = results[0]?.entities.find((entity) => entity.name === turn.program.bot.entities[index]?.name)?.value;
      return typeof found === 'string' ? found : null;
    },
    attribute: (name) => { const value = message.attributes[name]; return typeof value === 'string' ? value : null; },
  };
}
