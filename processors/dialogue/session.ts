/** Sessions: after a long pause an open flow goes on, is dropped, or the person is asked. */
import { filling } from './answer.js';
import { beginFlow } from './begin.js';
import { readCues } from './cues.js';
import { CONFIRM, forgetAll, forgetFlows, NOTHING, RESUME, topFrame } from './memory.js';
import { keep, recall } from './offer.js';
import { askToResume, run } from './run.js';
import { SURE } from './sure.js';
import type { Heard, Turn } from './turn.js';
import { respond, saysNo, saysYes } from './understand.js';

/** Looks whether the session has ended, then says what comes of the message. */
export function hear(turn: Turn, heard: Heard): void {
  const { memory, program, input } = turn;
  const { timeoutMillis, resume } = program.bot.session;
  const pause = memory.seen > 0 ? input.at - memory.seen : 0;
  memory.seen = input.at;
  if (timeoutMillis > 0 && pause > timeoutMillis) {
    memory.answered = null;
    memory.missed = 0;
    if (resume === 'fresh') forgetAll(memory, program);
    else if (resume === 'ask' && memory.frames.length > 0 && memory.waiting !== NOTHING) { afterPause(turn, heard); return; }
  }
  if (memory.waiting === RESUME) { resumeOr(turn, heard); return; }
  respond(turn, heard);
}

/** Something else is done first, and what was open is asked about afterwards; else at once, and the message is kept. */
function afterPause(turn: Turn, heard: Heard): void {
  const { memory, program } = turn;
  turn.heard = heard;
  const flow = heard.intent === null ? undefined : program.bot.flowOfIntent.get(heard.intent);
  const about = openQuestion(turn);
  const other = flow !== undefined && flow !== topFrame(memory)?.flow && heard.role === null;
  if (other && (heard.confidence >= SURE || !answers(turn, heard, about))) {
    comeBetween(turn, heard, flow);
    return;
  }
  memory.kept = keep(heard, []);
  askToResume(turn);
}

/** What was open goes on only when the person wants it to. */
function comeBetween(turn: Turn, heard: Heard, flow: number): void {
  turn.stale = true;
  turn.memory.kept = null;
  beginFlow(turn, filling(heard, readCues(heard, turn.program).entities), flow);
}

function resumeOr(turn: Turn, heard: Heard): void {
  const { memory, program } = turn;
  const { kept } = memory;
  turn.heard = heard;
  const cues = readCues(heard, program);
  const flow = heard.intent === null ? undefined : program.bot.flowOfIntent.get(heard.intent);
  if (saysYes(heard, cues)) { goOn(turn, kept ? recall(kept) : null); return; }
  if (saysNo(heard, cues) || heard.role === 'cancel') {
    forgetFlows(memory);
    // What was said before the question is answered now, where it begins something.
    const begins = kept && kept.intent !== null && kept.confidence >= SURE && program.bot.flowOfIntent.has(kept.intent);
    respond(turn, begins ? recall(kept) : heard);
    return;
  }
  if (flow !== undefined && flow !== topFrame(memory)?.flow && (heard.confidence >= SURE || !answers(turn, heard, openQuestion(turn)))) { comeBetween(turn, heard, flow); return; }
  // Whoever simply answers the question wants to go on.
  goOn(turn, heard);
}

/** The question that was open is answered by the message, or asked again. */
function goOn(turn: Turn, heard: Heard | null): void {
  const { memory } = turn;
  memory.kept = null;
  memory.waiting = openQuestion(turn);
  if (heard && memory.waiting !== NOTHING && answers(turn, heard, memory.waiting)) { respond(turn, heard); return; }
  run(turn);
}

function answers(turn: Turn, heard: Heard, slot: number): boolean {
  const sources = turn.program.bot.slots[slot]?.sources ?? [];
  return sources.some((source) => source.from === 'entity' && heard.entities.some(({ name }) => name === turn.program.bot.entities[source.entity]?.name));
}

function openQuestion(turn: Turn): number {
  const frame = topFrame(turn.memory);
  const instruction = frame && turn.program.bot.flows[frame.flow]?.code[frame.pc];
  return instruction?.op === 'ask' ? instruction.slot : instruction?.op === 'confirm' ? CONFIRM : NOTHING;
}
