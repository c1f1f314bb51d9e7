/**
 * Slots of free text: what of a message is their value. "My name is Ann" answers with "Ann"; "no, my name is Ann" and "I meant
 * Ann" put right what was said before. Nothing in a free text tells what it is about, so one is put right only where the
 * message names the slot (by its own name or by `introducedBy`), or says that it corrects what was said just now.
 */
import { listWords } from '../bot/entities/words.js';
import type { Token } from '../bot/text.js';
import type { CuesHeard } from './cues.js';
import { CONFIRM } from './memory.js';
import { phraseAt } from './phrases.js';
import type { Program } from './program.js';
import { SURE } from './sure.js';
import type { Heard, Turn } from './turn.js';

/** A longer text is an answer and no remark about one. */
const MOST_CHARACTERS = 400;
/** Words that may stand before the slot's name: "my name", "no the correct name". */
const BEFORE_NAME = 2;
const OPENING = /^[\s:,;.–—-]+/;
const CLOSING = /[\s.!。！]+$/;

export function takesText({ program: { bot } }: Turn, slot: number): boolean {
  return bot.slots[slot]?.sources.some((source) => source.from === 'text') === true;
}

/** The value that the message introduces as that of the slot ("you can call me Ann"); null where it does not, or where it does not fit. */
export function introducedText({ program }: Turn, slot: number, text: string): string | null {
  const introduced = text.length <= MOST_CHARACTERS ? valueBehind(program, slot, text, listWords(text), 0) : null;
  return introduced === null ? null : program.checks[slot]?.(introduced) ?? null;
}

/** What stands behind an introduction of the slot that begins at the word `from`; null where there is none. */
function valueBehind(program: Program, slot: number, text: string, words: readonly Token[], from: number): string | null {
  const { introductions, cues } = program;
  const introduction = introductions[slot];
  if (!introduction) return null;
  const declared = phraseAt(introduction.phrases, words, from);
  if (declared > 0) return rest(text, words, from + declared, program);
  for (let at = from; at <= from + BEFORE_NAME; at++) {
    const contracted = phraseAt(introduction.contracted, words, at);
    if (contracted > 0) return rest(text, words, at + contracted, program);
    const length = phraseAt(introduction.name, words, at);
    const is = length === 0 ? 0 : phraseAt(cues.is, words, at + length);
    if (is > 0) return rest(text, words, at + length + is, program);
  }
  return null;
}

/** The text from that word on; where the language puts its "is" behind, without that. Null for nothing. */
function rest(text: string, words: readonly Token[], from: number, { cues }: Program): string | null {
  const before = words[from - 1]?.end ?? 0;
  if (from >= words.length) return null;
  let end = text.length;
  for (let at = Math.max(from + 1, words.length - 4); at < words.length; at++) {
    if (at + phraseAt(cues.is, words, at) === words.length) { end = words[at - 1]?.end ?? end; break; }
  }
  const value = text.slice(before, end).replace(OPENING, '').replace(CLOSING, '');
  return value === '' ? null : value;
}

export interface TextChange { readonly slot: number; readonly value: string }

/**
 * The slot of free text, among those that have a value, that the message puts right. `values` where they are not those of now.
 * Undefined where it is no correction of one.
 */
export function correctedText(turn: Turn, cues: CuesHeard, heard: Heard, of: { readonly slots: readonly number[]; readonly flow: number; readonly values?: ReadonlyMap<number, string> }): TextChange | undefined {
  const { memory, program } = turn;
  if (heard.tapped || heard.text.length > MOST_CHARACTERS || heard.text === '') return undefined;
  const valueOf = (slot: number): string => (of.values ? of.values.get(slot) : memory.slots[slot]) ?? '';
  const slots = of.slots.filter((slot) => takesText(turn, slot) && valueOf(slot) !== '');
  if (slots.length === 0 || ((heard.role === 'repeat' || heard.role === 'cancel') && heard.confidence >= SURE)) return undefined;
  const words = listWords(heard.text);
  const lead = words.filter(({ end }) => end <= cues.leadEnd).length;
  const changeTo = (slot: number, value: string | null): TextChange | undefined => {
    const stored = value === null ? null : program.checks[slot]?.(value) ?? null;
    return stored === null || stored === valueOf(slot) ? undefined : { slot, value: stored };
  };
  for (const slot of slots) {
    const named = changeTo(slot, valueBehind(program, slot, heard.text, words, lead));
    if (named) return named;
  }
  return lead === 0 || isElsewhere(turn, heard, of.flow) ? undefined : unnamed(turn, cues, { slots, words, lead, heard, changeTo });
}

interface Remark {
  readonly slots: readonly number[];
  readonly words: readonly Token[];
  readonly lead: number;
  readonly heard: Heard;
  readonly changeTo: (slot: number, value: string | null) => TextChange | undefined;
}

/** "I meant Ann", "no, it's Ann": of the slot that was filled last. */
function unnamed(turn: Turn, { correct, deny, beyond, negated }: CuesHeard, { slots, words, lead, heard: { text }, changeTo }: Remark): TextChange | undefined {
  const { memory, program } = turn;
  const [only] = slots;
  const last = memory.recent.at(-1) ?? -1;
  const slot = slots.includes(last) ? last : memory.waiting === CONFIRM && slots.length === 1 ? only : undefined;
  if (slot === undefined || beyond.length > 0 || negated.length > 0 || /[?？؟]\s*$/.test(text)) return undefined;
  const is = phraseAt(program.cues.is, words, lead);
  // "No, …" alone may be an answer to the question, and "wait a second" says nothing; with "it's" it tells what is right.
  const sure = is > 0 ? correct || deny : correct && (isPhrase(words, lead, program) || words.length - lead === 1);
  return sure ? changeTo(slot, rest(text, words, lead + is, program)) : undefined;
}

/** The marks of a correction that it begins with are more than a word that may stand for nothing: "I meant", not "sorry". */
function isPhrase(words: readonly Token[], lead: number, { cues }: Program): boolean {
  for (let at = 0; at < lead; at++) {
    const length = phraseAt(cues.correct, words, at);
    if ((words[at + length - 1]?.end ?? 0) - (words[at]?.start ?? 0) >= 3 && length > 1) return true;
  }
  return false;
}

/** It is about something else for sure. */
function isElsewhere({ program }: Turn, { intent, role, confidence }: Heard, flow: number): boolean {
  const begins = intent === null ? undefined : program.bot.flowOfIntent.get(intent);
  return role === null && begins !== undefined && begins !== flow && confidence >= SURE;
}
