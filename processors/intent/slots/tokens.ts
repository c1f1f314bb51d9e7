/** The tokens that slots are learned over: words, single signs, and single characters of scripts without blanks. */
import { fold } from '../../bot/text.js';

export interface SlotToken {
  /** Folded, digits as 0: that a number stands here is learned, not which. */
  readonly word: string;
  /** Kinds of characters in their order: "Xx", "9", "x-". */
  readonly shape: string;
  readonly start: number;
  readonly end: number;
}

/** Longer texts are looked at to here: 4,096 characters have fewer. */
export const MOST_TOKENS = 2048;
const LONGEST_WORD = 48;
const ONE_BY_ONE = '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}';
const TOKEN = new RegExp(`[${ONE_BY_ONE}]\\p{M}*|(?:(?![${ONE_BY_ONE}])[\\p{L}\\p{M}\\p{N}])+|[^\\s\\p{L}\\p{M}\\p{N}]`, 'gu');

export function slotTokens(text: string): SlotToken[] {
  const found: SlotToken[] = [];
  for (const match of text.matchAll(TOKEN)) {
    if (found.length === MOST_TOKENS) break;
    const raw = match[0];
    found.push({ word: fold(raw.slice(0, LONGEST_WORD)).replace(/\p{N}/gu, '0'), shape: shapeOf(raw), start: match.index, end: match.index + raw.length });
  }
  return found;
}

const LONGEST_SHAPE = 6;

function shapeOf(raw: string): string {
  let shape = '';
  for (const char of raw) {
    const kind = /\p{Lu}/u.test(char) ? 'X' : /[\p{L}\p{M}]/u.test(char) ? 'x' : /\p{N}/u.test(char) ? '9' : char;
    if (shape.endsWith(kind)) continue;
    shape += kind;
    if (shape.length >= LONGEST_SHAPE) break;
  }
  return shape;
}
