/** A text as digits, words and signs, in one pass; what number, duration, money and ordinal are found in. */
import { fold } from '../../text.js';

export interface Lexeme {
  readonly kind: 'digits' | 'word' | 'sign';
  /** Folded; of digits as they are written, in ASCII. */
  readonly text: string;
  /** A word without a small letter. */
  readonly upper: boolean;
  readonly start: number;
  readonly end: number;
}

/** No repetition inside a repetition: linear in the text. */
const LEXEME = /\p{Nd}+(?:[.,'’\u00a0\u202f]\p{Nd}+)*|[\p{L}\p{M}]+(?:['’][\p{L}\p{M}]+)*|[^\s\p{L}\p{M}\p{Nd}]/gu;
const DIGIT = /^\p{Nd}/u;
const LETTER = /^[\p{L}\p{M}]/u;

export function lexemes(text: string): Lexeme[] {
  const found: Lexeme[] = [];
  for (const match of text.matchAll(LEXEME)) {
    const raw = match[0];
    const kind = DIGIT.test(raw) ? 'digits' : LETTER.test(raw) ? 'word' : 'sign';
    found.push({ kind, text: kind === 'digits' ? asciiDigits(raw) : kind === 'word' ? fold(raw) : raw, upper: kind === 'word' && raw === raw.toUpperCase(), start: match.index, end: match.index + raw.length });
  }
  return found;
}

const SYSTEMS = ['arab', 'arabext', 'beng', 'deva', 'fullwide', 'gujr', 'guru', 'khmr', 'knda', 'laoo', 'mlym', 'mymr', 'orya', 'tamldec', 'telu', 'thai', 'tibt'];
let values: Map<string, string> | undefined;
const ASCII = /^[\u0000-\u007f]*$/;

/** Digits of other scripts as those of ours; other signs stay. */
function asciiDigits(raw: string): string {
  if (ASCII.test(raw)) return raw;
  values ??= new Map(SYSTEMS.flatMap((numberingSystem) => {
    const format = new Intl.NumberFormat('en', { numberingSystem, useGrouping: false });
    return Array.from({ length: 10 }, (_, digit): [string, string] => [format.format(digit), String(digit)]);
  }));
  let text = '';
  for (const char of raw) text += values.get(char) ?? char;
  return text;
}
