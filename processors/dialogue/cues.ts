/**
 * What the small words of a text say about its entities and about what was said before: "no, I meant Tuesday", "not on
 * Friday", "and tomorrow?". The words are the bot's (Bot.cues); nothing here is of a language.
 */
import { listWords } from '../bot/entities/words.js';
import type { Token } from '../bot/text.js';
import { phraseAt } from './phrases.js';
import type { Program } from './program.js';
import type { Heard, HeardEntity } from './turn.js';

export interface CuesHeard {
  /** The text begins with a no, a yes, or the word that one more of the same is wanted. */
  readonly deny: boolean;
  readonly affirm: boolean;
  readonly also: boolean;
  /** Something said before is put right. */
  readonly correct: boolean;
  /** The text is a wish to stop and nothing else. */
  readonly cancel: boolean;
  /** It begins with one. */
  readonly leaves: boolean;
  /** A word of negation stands somewhere. */
  readonly not: boolean;
  /** Entities that hold; those that are negated or taken back are not among them. */
  readonly entities: readonly HeardEntity[];
  /** Those of them that are more than the yes or no that the text begins with. */
  readonly beyond: readonly HeardEntity[];
  /** Entities that are said not to be. */
  readonly negated: readonly HeardEntity[];
  /** Words that are neither cue nor entity; of scripts without blanks two letters count as one. */
  readonly rest: number;
  /** Where the cue phrases that it begins with end: UTF-16 units of the text. */
  readonly leadEnd: number;
}

/** Between a negation and what it is about: "not to my neighbour". */
const REACH = 2;
const BREAK = /[,.;:!?、。，！？；،؛؟।]/;
/** A longer text is no short remark about what was said before. */
const MOST_CHARACTERS = 400;

/** Of a text that has none. */
export const NO_CUES: Omit<CuesHeard, 'entities' | 'beyond'> = { deny: false, affirm: false, also: false, correct: false, cancel: false, leaves: false, not: false, negated: [], rest: 99, leadEnd: 0 };

export function readCues(heard: Heard, program: Program): CuesHeard {
  if (heard.text.length > MOST_CHARACTERS || (heard.tapped && heard.text === '')) return { ...NO_CUES, entities: heard.entities, beyond: heard.entities };
  const { cues } = program;
  const words = listWords(heard.text);
  const lead = readLead(words, program);
  const leadEnd = words[lead.length - 1]?.end ?? 0;
  const negated: HeardEntity[] = [];
  const held: HeardEntity[] = [];
  const taken = correctionAt(words, lead.length, program);
  let nots = 0;
  let unfit = false;
  for (let at = lead.length; at < words.length; at++) { nots += phraseAt(cues.not, words, at); unfit ||= phraseAt(cues.unfit, words, at) > 0; }
  const not = nots > 0 || phraseAt(cues.not, words, 0) > 0;
  for (const entity of heard.entities) {
    if ((not && isNegated(entity, heard, words, program)) || (unfit && isUnfit(entity, heard, words, program))) negated.push(entity);
    else if (taken.at >= 0 && entity.end <= taken.start && heard.entities.some((other) => other.name === entity.name && other.start >= taken.end)) continue;
    else held.push(entity);
  }
  const trailing = taken.at >= 0 && taken.at + taken.length === words.length;
  const cancels = phraseAt(cues.cancel, words, 0);
  return {
    deny: lead.deny, affirm: lead.affirm, also: lead.also, correct: lead.correct || trailing, not, leadEnd,
    cancel: words.length > 0 && cancels === words.length, leaves: cancels > 0,
    entities: held, beyond: lead.length === 0 ? held : held.filter((entity) => entity.end > leadEnd), negated, rest: restOf(heard, words, lead.length, nots + (taken.at >= 0 ? taken.length : 0)),
  };
}

const LETTER_WORD = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;

/** Words behind the lead that are no entity, but for so many that are cues. */
function restOf({ entities }: Heard, words: readonly Token[], lead: number, cues: number): number {
  let rest = -cues;
  for (let at = lead; at < words.length; at++) {
    const word = words[at] as Token;
    if (entities.some((entity) => word.start >= entity.start && word.end <= entity.end)) continue;
    rest += word.word.length <= 2 && LETTER_WORD.test(word.word) ? 0.5 : 1;
  }
  return Math.max(0, Math.floor(rest));
}

interface Lead { deny: boolean; affirm: boolean; also: boolean; correct: boolean; length: number }

/** The cue phrases that a text begins with. */
function readLead(words: readonly Token[], program: Program): Lead {
  const lead: Lead = { deny: false, affirm: false, also: false, correct: false, length: 0 };
  for (;;) {
    let step = 0;
    for (const kind of ['correct', 'deny', 'affirm', 'also'] as const) {
      const length = phraseAt(program.cues[kind], words, lead.length);
      if (length <= step) continue;
      step = length;
      lead[kind] = true;
    }
    if (step === 0) return lead;
    lead.length += step;
  }
}

/** The last phrase of correction behind the lead, as words and as characters. */
function correctionAt(words: readonly Token[], from: number, program: Program): { at: number; length: number; start: number; end: number } {
  for (let at = words.length - 1; at >= from; at--) {
    const length = phraseAt(program.cues.correct, words, at);
    if (length > 0) return { at, length, start: words[at]?.start ?? 0, end: words[at + length - 1]?.end ?? 0 };
  }
  return { at: -1, length: 0, start: 0, end: 0 };
}

/** A negation stands before it, near, with no other entity and no mark of punctuation between. */
function isNegated(entity: HeardEntity, heard: Heard, words: readonly Token[], program: Program): boolean {
  const first = words.findIndex((word) => word.end > entity.start);
  for (let at = first - 1, passed = 0; at >= 0 && passed <= REACH; at--, passed++) {
    const word = words[at];
    if (!word || BREAK.test(heard.text.slice(word.end, words[at + 1]?.start ?? word.end))) return false;
    if (heard.entities.some((other) => other !== entity && word.start >= other.start && word.end <= other.end && other.end <= entity.start)) return false;
    const length = phraseAt(program.cues.not, words, at);
    // "Friday doesn't work Saturday": the negation is of what stands before it.
    if (length > 0) return phraseAt(program.cues.unfit, words, at) <= length || !heard.entities.some((other) => other !== entity && other.end === words[at - 1]?.end);
  }
  return false;
}

/** A word behind it says that it does not hold: "Friday does not work". One that may also negate what follows it has to end the clause. */
function isUnfit(entity: HeardEntity, heard: Heard, words: readonly Token[], { cues }: Program): boolean {
  const next = words.findIndex((word) => word.start >= entity.end);
  const length = next < 0 ? 0 : phraseAt(cues.unfit, words, next);
  if (length === 0 || BREAK.test(heard.text.slice(entity.end, words[next]?.start))) return false;
  if (phraseAt(cues.not, words, next) < length && phraseAt(cues.deny, words, next) < length) return true;
  const behind = words[next + length];
  return behind === undefined || BREAK.test(heard.text.slice(words[next + length - 1]?.end, behind.start));
}
