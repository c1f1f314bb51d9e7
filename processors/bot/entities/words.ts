/**
 * The words of a text for lists. In scripts that put no blanks between words each character is one, so that a value is found
 * inside a run of them.
 */
import { fold, type Token } from '../text.js';

const WITHOUT_BLANKS = '\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}';
const WORD = new RegExp(`[${WITHOUT_BLANKS}]\\p{M}*|(?:(?![${WITHOUT_BLANKS}])[\\p{L}\\p{M}\\p{N}])+(?:['’](?:(?![${WITHOUT_BLANKS}])[\\p{L}\\p{M}])+)*`, 'gu');
const ASCII_WORD = /[a-z0-9]+(?:'[a-z]+)*/g;
const ASCII = /^[\u0000-\u007f]*$/;

/** Folded words with their places, in order. */
export function listWords(text: string): Token[] {
  const found: Token[] = [];
  if (ASCII.test(text)) {
    // Folding plain ASCII changes no length: one fold for all words.
    for (const match of text.toLowerCase().matchAll(ASCII_WORD)) found.push({ word: match[0], start: match.index, end: match.index + match[0].length });
    return found;
  }
  for (const match of text.matchAll(WORD)) found.push({ word: fold(match[0]), start: match.index, end: match.index + match[0].length });
  return found;
}

const MARKS = /\p{M}+/gu;

/** Without accents: "zürich" and "zurich" are one word for a search that forgives. */
export function plain(word: string): string {
  return ASCII.test(word) ? word : word.normalize('NFD').replace(MARKS, '');
}
