/** What a person's text or tap does to the conversation: answers the open question, puts something right, begins a flow, comes between, goes on with what was answered last, or is not understood. */
import { contextOf, type SlotDefinition } from '../bot/index.js';
import { answerSlot, fillSlots, filling, type Filling } from './answer.js';
import { beginFlow, goOnWith } from './begin.js';
import { correctAnswered, correctOpen, correctOpenText, looksCorrected } from './correct.js';
import { NO_CUES, readCues, type CuesHeard } from './cues.js';
import { filledByModel } from './effects.js';
import { CONFIRM, fillSlot, forgetFlows, NOTHING, pushFrame, topFrame, type Kept } from './memory.js';
import { takesText } from './free-text.js';
import { linesOf } from './history.js';
import { miss } from './miss.js';
import { chosen, disambiguate, isAmbiguous } from './offer.js';
import { ask, dropAndGoOn, run } from './run.js';
import { say, sayText } from './speak.js';
import { SURE, SURE_OF_CANCEL, SURE_OF_TEXT } from './sure.js';
import type { Heard, Turn } from './turn.js';

/** Answers to a confirmation that are neither yes nor no. */
const CONFIRM_RETRIES = 2;
/** Words beside the value that make a sure intent a question of its own: "is the shop open on Friday?" does not tell a day. */
const MOST_BESIDE = 3;

/** Says what comes of the message when nobody has to be asked about a pause first. */
export function respond(turn: Turn, said: Heard): void {
  const { memory, program } = turn;
  const { kept } = memory;
  memory.kept = null;
  let heard = said;
  let cues = needsCues(turn, heard, kept) ? readCues(heard, program) : { ...NO_CUES, entities: heard.entities, beyond: heard.entities };
  if (kept && kept.offered.length > 0) {
    const choice = chosen(turn, kept, heard, saysYes(heard, cues));
    if (choice) { heard = choice; cues = { ...readCues(heard, program), entities: heard.entities, beyond: heard.entities, negated: [] }; }
  }
  turn.heard = heard;
  const flow = heard.intent === null ? undefined : program.bot.flowOfIntent.get(heard.intent);
  const from = filling(heard, cues.entities);
  if (memory.waiting !== NOTHING && memory.frames.length > 0 && respondToOpen(turn, cues, from, flow)) return;
  if (memory.waiting === NOTHING && heard.role === 'repeat' && sayAgain(turn)) return;
  if (memory.waiting === NOTHING && carryOn(turn, cues, from, flow)) return;
  // A value and nothing else was meant for a question that the new version does not ask like this.
  if (memory.restarted && (flow === undefined || (cues.rest === 0 && cues.entities.length > 0))) { restart(turn, from); return; }
  if (disambiguate(turn, heard)) return;
  if (flow !== undefined) { beginFlow(turn, from, flow); return; }
  if (heard.role === 'cancel' && dropNothing(turn, from)) return;
  miss(turn);
}

/** Where nothing is open and nothing was found in the text, its small words say nothing, unless it puts a free text right. */
function needsCues({ memory, program }: Turn, heard: Heard, kept: Kept | null): boolean {
  return memory.waiting !== NOTHING || heard.entities.length > 0 || kept !== null || (memory.answered !== null && program.hasText[memory.answered.flow] === true);
}

/** False where the message is about something else. */
function respondToOpen(turn: Turn, cues: CuesHeard, from: Filling, flow: number | undefined): boolean {
  const { memory } = turn;
  const { heard } = from;
  const running = topFrame(memory)?.flow;
  // Who taps what goes on already wants to hear the question.
  if (heard.tapped && flow !== undefined && flow === running) { memory.missed = 0; run(turn); return true; }
  const cancels = isCancel(turn, heard, cues);
  if (cancels && (flow === undefined || cues.cancel)) { cancelOpen(turn, from); return true; }
  const own = isOwn(turn, from, flow) || (heard.role === 'cancel' && !cancels);
  if (!heard.tapped && putsRight(turn, cues, from, own)) { memory.missed = 0; return true; }
  // "I don't want to change it any more", in the middle of changing it.
  const leaves = flow !== undefined && flow === running && cues.not && cues.negated.length === 0 && cues.entities.length === 0;
  if (leaves && cues.leaves) { memory.missed = 0; dropAndGoOn(turn, turn.program.bot.cancelled); return true; }
  const asks = !own && !heard.tapped && heard.role === null && heard.confidence >= SURE_OF_TEXT && cues.rest >= MOST_BESIDE && !takesText(turn, memory.waiting);
  if (!asks && (memory.waiting === CONFIRM ? answerConfirm(turn, heard, cues) : answerSlot(turn, from, flow))) { memory.missed = 0; run(turn); return true; }
  if (leaves) { memory.missed = 0; dropAndGoOn(turn, turn.program.bot.cancelled); return true; }
  if (!heard.tapped && own && cues.beyond.length > 0 && correctOpen(turn, cues, filling(heard, cues.beyond))) { memory.missed = 0; return true; }
  // Somebody who was asked tries to answer: only what is clear is a change of the subject.
  if (!own && !isAmbiguous(turn, heard)) return false;
  if (helpsOtherwise(turn, cues, from)) return true;
  if (turn.wants.length === 0) askAgain(turn);
  return true;
}

/** The message has the marks of a correction, and one of the slots takes it. */
function putsRight(turn: Turn, cues: CuesHeard, from: Filling, own: boolean): boolean {
  const { heard } = from;
  if (correctOpenText(turn, cues, heard)) return true;
  const remark = own || cues.rest === 0 || (cues.rest <= 2 && (heard.confidence < SURE || cues.correct));
  return remark && looksCorrected(turn, cues) && correctOpen(turn, cues, filling(heard, cues.beyond));
}

/** The message is about the flow that runs, as far as its intent tells. */
function isOwn(turn: Turn, { heard, entities }: Filling, flow: number | undefined): boolean {
  const { memory, program: { bot, slotsOf } } = turn;
  const running = topFrame(memory)?.flow;
  // A yes or no that does not answer is no change of the subject.
  if (flow === undefined || flow === running || (heard.role !== null && heard.role !== 'cancel' && heard.role !== 'correct')) return true;
  if (heard.confidence >= SURE || heard.role !== null) return false;
  // An unsure intent, and a value that only the flow that runs has a use for.
  const takes = (slots: readonly number[] | undefined, name: string): boolean => slots?.some((slot) => bot.slots[slot]?.sources.some((source) => source.from === 'entity' && bot.entities[source.entity]?.name === name)) === true;
  return entities.some(({ name }) => takes(bot.flows[running ?? -1]?.asks, name) && !takes(slotsOf[flow], name));
}

/** Fills other slots, says what the value is not, wants to hear the question again, or holds a value that the language model finds. */
function helpsOtherwise(turn: Turn, cues: CuesHeard, from: Filling): boolean {
  const { memory, program } = turn;
  const { waiting } = memory;
  const slot = program.bot.slots[waiting];
  if (slot && !slot.sources.some((source) => source.from === 'text')) {
    const asks = (program.bot.flows[topFrame(memory)?.flow ?? -1]?.asks ?? []).filter((one) => one !== waiting);
    if (fillSlots(turn, asks, from) > 0) { memory.missed = 0; run(turn); return true; }
  }
  const repeats = from.heard.role === 'repeat';
  if (repeats || cues.negated.some(({ name }) => slot?.sources.some((source) => source.from === 'entity' && program.bot.entities[source.entity]?.name === name))) { run(turn); return true; }
  const found = slot ? filledByModel(turn, slot) : null;
  const value = found === null || !slot ? null : foundValue(turn, slot, waiting, found);
  if (value === null) return false;
  memory.missed = 0;
  memory.attempts.delete(waiting);
  fillSlot(memory, waiting, value);
  run(turn);
  return true;
}

/** What a model found is taken like something said: where an entity fills the slot, it has to be one of its values. */
function foundValue({ program, input: { message, at } }: Turn, slot: SlotDefinition, index: number, found: string): string | null {
  const { bot, checks, extractor } = program;
  const read = extractor.extract(found, contextOf(message, at));
  for (const source of slot.sources) {
    const entity = source.from === 'entity' ? read.find(({ name }) => name === bot.entities[source.entity]?.name) : undefined;
    const value = entity && source.from === 'entity' ? checks[index]?.(source.value ?? entity.value) ?? null : source.from === 'text' || slot.oneOf !== null ? checks[index]?.(found) ?? null : null;
    if (value !== null) return value;
  }
  return null;
}

export function saysYes(heard: Heard, cues: CuesHeard): boolean {
  return heard.role === 'affirm' || (heard.role !== 'deny' && cues.affirm && !cues.deny);
}

export function saysNo(heard: Heard, cues: CuesHeard): boolean {
  return heard.role === 'deny' || (heard.role !== 'affirm' && cues.deny);
}

function answerConfirm(turn: Turn, heard: Heard, cues: CuesHeard): boolean {
  const { memory, program } = turn;
  const frame = topFrame(memory);
  const instruction = frame && program.bot.flows[frame.flow]?.code[frame.pc];
  if (!frame || instruction?.op !== 'confirm') return false;
  const other = heard.role === null && heard.intent !== null && heard.confidence >= SURE && cues.rest > 2;
  if (other) return false;
  if (saysYes(heard, cues)) frame.pc += 1;
  else if (saysNo(heard, cues)) frame.pc = instruction.no;
  else return false;
  memory.attempts.delete(CONFIRM);
  return true;
}

/** A wish to stop what goes on: in its words, or by an intent that is sure enough to give up what was told. */
function isCancel(turn: Turn, { tapped, role, confidence }: Heard, cues: CuesHeard): boolean {
  if (tapped) return false;
  return cues.cancel || (role === 'cancel' && (cues.leaves || confidence >= (takesText(turn, turn.memory.waiting) ? SURE_OF_TEXT : SURE_OF_CANCEL)));
}

function cancelOpen(turn: Turn, from: Filling): void {
  if (cancelFlow(turn, from)) return;
  turn.memory.missed = 0;
  dropAndGoOn(turn, turn.program.bot.cancelled);
}

/** A wish to stop where nothing goes on. False where the bot has nothing to say to it. */
function dropNothing(turn: Turn, from: Filling): boolean {
  if (cancelFlow(turn, from)) return true;
  const { heard } = from;
  if (!readCues(heard, turn.program).leaves && heard.confidence < SURE_OF_TEXT) return false;
  turn.intent = heard.intent;
  turn.confidence = heard.confidence;
  turn.memory.missed = 0;
  say(turn, turn.program.bot.cancelled);
  return turn.parts.length > 0;
}

/** The bot's own flow for it, where it has one. */
function cancelFlow(turn: Turn, from: Filling): boolean {
  const { bot } = turn.program;
  const intent = from.heard.role === 'cancel' ? from.heard.intent : bot.intents.find(({ role, name }) => role === 'cancel' && bot.flowOfIntent.has(name))?.name ?? null;
  const flow = intent === null ? undefined : bot.flowOfIntent.get(intent);
  if (flow === undefined) return false;
  beginFlow(turn, { ...from, heard: { ...from.heard, intent } }, flow);
  return true;
}

/** The last answer, as it was; nothing is done again. False where there was none. */
function sayAgain(turn: Turn): boolean {
  const lines = linesOf(turn.memory.history);
  const last = lines.findLastIndex(({ by }) => by !== 'bot');
  for (const { text } of lines.slice(last + 1)) sayText(turn, text);
  return turn.parts.length > 0;
}

/** Puts right or goes on with what was answered last: "no, I meant Tuesday", "and tomorrow?". */
function carryOn(turn: Turn, cues: CuesHeard, from: Filling, flow: number | undefined): boolean {
  const { memory, program } = turn;
  const { answered } = memory;
  const { heard } = from;
  if (!answered || heard.tapped) return false;
  if (cues.beyond.length === 0 && cues.negated.length === 0) return answerTextAgain(turn, cues, from);
  const own = flow === undefined || flow === answered.flow || heard.role !== null;
  const remark = flow === answered.flow || cues.rest <= (own ? 4 : heard.confidence < SURE ? 2 : 0);
  if ((cues.correct || cues.deny || cues.negated.length > 0) && remark) {
    const change = correctAnswered(turn, cues, filling(heard, cues.beyond));
    if (change) { goOnWith(turn, answered, new Map([[change.slot, change.value]])); return true; }
  }
  // A value alone, or behind "and in", has no subject of its own, whatever it reads like.
  const short = cues.rest === 0 || (cues.also && cues.rest <= 1);
  if (!short && !(cues.also && cues.rest <= 3 && (own || heard.confidence < SURE))) return false;
  const carries = program.bot.flows[answered.flow]?.carries ?? [];
  const values = new Map<number, string>();
  // Only what a message like this may change; else a lone answer of before would begin a form anew.
  for (const slot of carries) { const value = carried(turn, slot, from); if (value !== null) values.set(slot, value); }
  if (values.size === 0) return false;
  goOnWith(turn, answered, values);
  return true;
}

/** "No, my name is Ann", when everything was answered. */
function answerTextAgain(turn: Turn, cues: CuesHeard, from: Filling): boolean {
  const { answered } = turn.memory;
  const change = answered && (cues.correct || cues.deny) ? correctAnswered(turn, cues, from) : undefined;
  if (!answered || !change) return false;
  goOnWith(turn, answered, new Map([[change.slot, change.value]]));
  return true;
}

function carried(turn: Turn, slot: number, from: Filling): string | null {
  const { bot, checks } = turn.program;
  for (const source of bot.slots[slot]?.sources ?? []) {
    if (source.from !== 'entity') continue;
    const at = from.entities.findIndex((entity, place) => !from.taken.has(place) && entity.name === bot.entities[source.entity]?.name && typeof entity.value === 'string');
    const entity = from.entities[at];
    const value = typeof entity?.value === 'string' ? checks[slot]?.(source.value ?? entity.value) ?? null : null;
    if (value !== null) { from.taken.add(at); return value; }
  }
  return null;
}

/** The answer did not fit. */
function askAgain(turn: Turn): void {
  const { memory, program } = turn;
  const { waiting } = memory;
  const slot = program.bot.slots[waiting];
  const attempts = (memory.attempts.get(waiting) ?? 0) + 1;
  turn.outcome = 'fallback';
  memory.attempts.set(waiting, attempts);
  if (attempts <= (slot?.retries ?? CONFIRM_RETRIES)) {
    if (!slot) { run(turn); return; }
    if (slot.invalid >= 0) say(turn, slot.invalid); else ask(turn, waiting);
    return;
  }
  forgetFlows(memory);
  if (!slot || slot.fail < 0) { miss(turn); return; }
  pushFrame(memory, slot.fail);
  run(turn);
}

/** The bot has changed under an open question: the flow begins anew with the slots it has, or the person is told. */
function restart(turn: Turn, from: Filling): void {
  const top = topFrame(turn.memory);
  say(turn, turn.program.bot.restarted);
  if (top) { fillSlots(turn, turn.program.bot.flows[top.flow]?.asks ?? [], from); run(turn); }
  else if (turn.parts.length === 0) miss(turn);
}
