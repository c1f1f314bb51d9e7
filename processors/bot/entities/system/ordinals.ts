/** Ordinals in digits ("3rd", "2ème", "3. Mai") and in words ("third", "zwanzigste"); the value is the number. */
import type { Locale } from './locale.js';
import type { Lexeme } from './lexemes.js';
import { numberWords, type NumberWords } from './number-words.js';
import type { SystemFind } from './kinds.js';

export function findOrdinals(list: readonly Lexeme[], locale: Locale): SystemFind[] {
  const words = numberWords(locale.language);
  if (!words) return [];
  const found: SystemFind[] = [];
  for (let at = 0; at < list.length; at++) {
    const one = ordinalAt(list, at, words);
    if (!one) continue;
    found.push(one);
    while (at + 1 < list.length && (list[at + 1] as Lexeme).start < one.end) at += 1;
  }
  return found;
}

function ordinalAt(list: readonly Lexeme[], at: number, words: NumberWords): SystemFind | undefined {
  const lexeme = list[at] as Lexeme;
  if (lexeme.kind === 'digits') return digitsAt(list, at, words);
  if (lexeme.kind !== 'word') return undefined;
  // "twenty-first", "trente et unième": tens in front of an ordinal below ten.
  const ten = words.small.get(lexeme.text);
  if (ten !== undefined && ten >= 20 && ten % 10 === 0) {
    const next = list[at + 1]?.text === '-' || list[at + 1]?.text === 'et' ? at + 2 : at + 1;
    const unit = words.ordinals.get(list[next]?.text ?? '');
    if (unit !== undefined && unit < 10) return { start: lexeme.start, end: (list[next] as Lexeme).end, value: String(ten + unit) };
  }
  const value = words.ordinals.get(lexeme.text);
  return value === undefined ? undefined : { start: lexeme.start, end: lexeme.end, value: String(value) };
}

function digitsAt(list: readonly Lexeme[], at: number, words: NumberWords): SystemFind | undefined {
  const lexeme = list[at] as Lexeme;
  if (!/^\d{1,6}$/.test(lexeme.text)) return undefined;
  const value = String(Number(lexeme.text));
  const after = list[at + 1];
  if (after?.kind === 'word' && after.start === lexeme.end && words.ordinalSuffixes.has(after.text)) return { start: lexeme.start, end: after.end, value };
  const behind = list[at + 2];
  const dot = words.ordinalDot && lexeme.text.length <= 3 && after?.text === '.' && after.start === lexeme.end;
  return dot && behind?.kind === 'word' && behind.start === after.end + 1 ? { start: lexeme.start, end: after.end, value } : undefined;
}
