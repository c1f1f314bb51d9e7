/** Numbers in digits, by the signs of the locale, and in words, where the language is known. Values are plain decimals ("1234.5"). */
import type { Locale } from './locale.js';
import type { Lexeme } from './lexemes.js';
import { numberWords, type NumberWords } from './number-words.js';

export interface NumberFind {
  /** Plain decimal with `.`, without superfluous zeros. */
  readonly value: string;
  readonly start: number;
  readonly end: number;
  /** Index of the lexeme behind it. */
  readonly next: number;
  /** An article that stands for one: a number in front of a unit only. */
  readonly article: boolean;
}

const MOST_DIGITS = 15;
const SCALE_LETTERS: Readonly<Record<string, number>> = { k: 1e3, m: 1e6 };

/** All numbers of a text, in order. */
export function findNumbers(list: readonly Lexeme[], locale: Locale): NumberFind[] {
  const found: NumberFind[] = [];
  for (let at = 0; at < list.length;) {
    const number = numberAt(list, at, locale);
    if (number && !number.article && !isPartOf(list, at, number.next)) found.push(number);
    at = number?.next ?? at + 1;
  }
  return found;
}

/** Of a time, a date or a word ("10:30", "3/4", "ab12"): not a number by itself. */
function isPartOf(list: readonly Lexeme[], at: number, next: number): boolean {
  const glued = (left: Lexeme | undefined, right: Lexeme | undefined): boolean => left !== undefined && right !== undefined && left.end === right.start;
  const between = (sign: Lexeme | undefined): boolean => sign !== undefined && (sign.text === ':' || sign.text === '/');
  const [far, before, first, last, after, beyond] = [list[at - 2], list[at - 1], list[at], list[next - 1], list[next], list[next + 1]];
  if (glued(before, first) && (before?.kind === 'word' || before?.text === '_' || (between(before) && glued(far, before) && far?.kind === 'digits'))) return true;
  return glued(last, after) && between(after) && glued(after, beyond) && beyond?.kind === 'digits';
}

/** The number that begins at this lexeme. */
export function numberAt(list: readonly Lexeme[], at: number, locale: Locale): NumberFind | undefined {
  const lexeme = list[at];
  if (!lexeme) return undefined;
  const words = numberWords(locale.language);
  if (lexeme.kind === 'digits') return digitsAt(list, at, locale, words);
  return lexeme.kind === 'word' && words ? wordsAt(list, at, words) : undefined;
}

function digitsAt(list: readonly Lexeme[], at: number, locale: Locale, words: NumberWords | undefined): NumberFind | undefined {
  const first = list[at] as Lexeme;
  let text = first.text;
  let next = at + 1;
  // Groups of three that are set apart by blanks: where the locale writes so, and in no other place.
  if (/^\s$/.test(locale.group) && /^\d{1,3}$/.test(text)) {
    for (let part = list[next]; part?.kind === 'digits' && /^\d{3}(?:[.,]\d+)?$/.test(part.text) && part.start === (list[next - 1] as Lexeme).end + 1; part = list[next]) { text += part.text; next += 1; }
  }
  const plain = plainDecimal(text, locale);
  if (plain === undefined) return undefined;
  const sign = list[at - 1];
  const negative = sign?.kind === 'sign' && (sign.text === '-' || sign.text === '−') && sign.end === first.start && (list[at - 2]?.end ?? -1) < sign.start;
  const end = (list[next - 1] as Lexeme).end;
  const number = { value: negative ? `-${plain}` : plain, start: negative ? sign.start : first.start, end, next, article: false };
  return scaled(number, list, words);
}

/** "5 million", "20k". */
function scaled(number: NumberFind, list: readonly Lexeme[], words: NumberWords | undefined): NumberFind {
  const after = list[number.next];
  if (after?.kind !== 'word') return number;
  const glued = after.start === number.end;
  const factor = glued ? SCALE_LETTERS[after.text] : words?.scales.get(after.text);
  if (factor === undefined || (glued && after.text === 'm')) return number;
  const value = Number(number.value) * factor;
  return value < 1e15 ? { ...number, value: decimal(value), end: after.end, next: number.next + 1 } : number;
}

/** Digits with signs between them as a plain decimal; undefined where they are something else (a date, an address). */
export function plainDecimal(text: string, locale: Pick<Locale, 'decimal' | 'group'>): string | undefined {
  const parts = text.split(/[^0-9]/);
  const signs = text.replace(/[0-9]/g, '');
  const [whole = ''] = parts;
  if (signs === '') return trimmed(whole, '');
  const last = signs.at(-1) as string;
  const grouped = whole.length <= 3 && whole !== '0';
  const threes = (from: number, to: number): boolean => grouped && parts.slice(from, to).every((part) => part.length === 3);
  const same = [...signs].every((sign) => sign === signs[0]);
  if (same && (signs.length > 1 || last !== locale.decimal) && threes(1, parts.length) && (signs.length > 1 || last === locale.group || isQuote(last))) return trimmed(parts.join(''), '');
  if (signs.length === 1 && (last === '.' || last === ',')) return trimmed(whole, parts[1] as string);
  const head = signs.slice(0, -1);
  if ([...head].every((sign) => sign === head[0]) && head[0] !== last && (last === '.' || last === ',') && threes(1, parts.length - 1)) return trimmed(parts.slice(0, -1).join(''), parts.at(-1) as string);
  return undefined;
}

const isQuote = (sign: string): boolean => sign === "'" || sign === '’';

function trimmed(whole: string, fraction: string): string | undefined {
  if (whole.length + fraction.length > MOST_DIGITS) return undefined;
  const head = whole.replace(/^0+(?=\d)/, '');
  const tail = fraction.replace(/0+$/, '');
  return tail === '' ? head : `${head}.${tail}`;
}

/** A number as a decimal without an exponent, cut where floating point begins to lie. */
export function decimal(value: number): string {
  return String(Number(value.toFixed(6)));
}

interface Sum { total: number; current: number; scale: number; end: number; next: number; parts: number; article: boolean; last: 'none' | 'small' | 'hundred' | 'scale' }

function wordsAt(list: readonly Lexeme[], at: number, words: NumberWords): NumberFind | undefined {
  const sum: Sum = { total: 0, current: 0, scale: Infinity, end: 0, next: at, parts: 0, article: false, last: 'none' };
  while (step(sum, list, words)) { /* one part more */ }
  if (sum.parts === 0) return undefined;
  const value = sum.total + sum.current;
  return value < 1e15 ? { value: decimal(value), start: (list[at] as Lexeme).start, end: sum.end, next: sum.next, article: sum.article && sum.parts === 1 } : undefined;
}

/** Takes one part of a number in words; false where there is none. */
function step(sum: Sum, list: readonly Lexeme[], words: NumberWords): boolean {
  let at = sum.next;
  const first = list[at];
  // "two hundred and five": a joiner counts only between parts.
  if (first?.kind === 'word' && words.joiners.has(first.text) && (sum.last === 'hundred' || sum.last === 'scale')) at += 1;
  if (sum.parts > 0 && list[at]?.kind === 'sign' && list[at]?.text === '-') at += 1;
  const lexeme = list[at];
  if (lexeme?.kind !== 'word' || sum.parts > 12) return false;
  const take = (last: Sum['last'], to: number): boolean => { sum.last = last; sum.next = to; sum.end = (list[to - 1] as Lexeme).end; sum.parts += 1; return true; };
  const hundred = words.hundreds.get(lexeme.text);
  if (hundred !== undefined && sum.current < 10 && (hundred === 100 || sum.current === 0) && sum.last !== 'hundred') { sum.current = hundred > 100 ? hundred : Math.max(1, sum.current) * 100; return take('hundred', at + 1); }
  const scale = words.scales.get(lexeme.text);
  if (scale !== undefined && scale < sum.scale) { sum.total += Math.max(1, sum.current) * scale; sum.current = 0; sum.scale = scale; return take('scale', at + 1); }
  if (sum.current % 100 !== 0 || (sum.last === 'small')) return false;
  const small = smallAt(list, at, words);
  if (!small || small.value >= sum.scale) return false;
  sum.current += small.value;
  if (words.articles.has(lexeme.text) && small.next === at + 1) sum.article = true;
  return take('small', small.next);
}

/** The longest entry of 0 to 99 here, an article, or a number in one word. */
function smallAt(list: readonly Lexeme[], at: number, words: NumberWords): { value: number; next: number } | undefined {
  let key = '';
  let found: { value: number; next: number } | undefined;
  for (let next = at, count = 0; count < words.longest; count++) {
    if (count > 0 && list[next]?.text === '-') next += 1;
    const lexeme = list[next];
    if (lexeme?.kind !== 'word') break;
    key = key === '' ? lexeme.text : `${key} ${lexeme.text}`;
    next += 1;
    const value = words.small.get(key);
    if (value !== undefined) found = { value, next };
  }
  if (found) return found;
  const { text } = list[at] as Lexeme;
  const single = words.articles.get(text) ?? words.compound(text);
  return single === undefined ? undefined : { value: single, next: at + 1 };
}
