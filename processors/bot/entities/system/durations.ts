/**
 * Spans of time ("an hour and a half", "2h30", "zwei Wochen") as ISO 8601 durations. The names of units in all their numbers
 * come from `Intl`, for any language; what people write beside them stands in tables.
 */
import { fold } from '../../text.js';
import type { SystemFind } from './kinds.js';
import type { Locale } from './locale.js';
import type { Lexeme } from './lexemes.js';
import { numberWords } from './number-words.js';
import { decimal, numberAt } from './numbers.js';

type Unit = 'year' | 'month' | 'week' | 'day' | 'hour' | 'minute' | 'second';
type Amounts = Partial<Record<Unit, number>>;

const UNITS: readonly Unit[] = ['year', 'month', 'week', 'day', 'hour', 'minute', 'second'];

/** What `Intl` does not say: short forms, and words that are a unit and its number at once. */
const MORE: Readonly<Record<string, Readonly<Record<string, Unit>>>> = {
  en: { yr: 'year', yrs: 'year', hr: 'hour', hrs: 'hour', min: 'minute', mins: 'minute', sec: 'second', secs: 'second', h: 'hour', m: 'minute', s: 'second', d: 'day', w: 'week' },
  de: { std: 'hour', stdn: 'hour', h: 'hour', min: 'minute', sek: 'second', tage: 'day', tagen: 'day', jahren: 'year', monaten: 'month', tages: 'day' },
  nl: { uur: 'hour', uren: 'hour', u: 'hour', min: 'minute', dgn: 'day' },
  fr: { h: 'hour', min: 'minute', an: 'year', ans: 'year', 'année': 'year', 'années': 'year', 'journée': 'day' },
  es: { h: 'hour', min: 'minute' }, it: { h: 'hour', ora: 'hour', min: 'minute' }, pt: { h: 'hour', min: 'minute' },
};
/** Words for a span without a number of its own. */
const WHOLE: Readonly<Record<string, Readonly<Record<string, Amounts>>>> = {
  en: { fortnight: { day: 14 }, decade: { year: 10 } }, fr: { 'demi-heure': { minute: 30 }, quinzaine: { day: 15 } }, de: { anderthalbstunde: { minute: 90 }, viertelstunde: { minute: 15 }, halbstunde: { minute: 30 } },
};
/** "half an hour", "an hour and a half": what stands before the unit, what behind it. */
const HALF: Readonly<Record<string, { readonly before: readonly string[]; readonly after: readonly string[]; readonly oneAndHalf: readonly string[] }>> = {
  en: { before: ['half', 'half an', 'half a'], after: ['and a half'], oneAndHalf: [] },
  de: { before: ['halbe', 'halben', 'halbes', 'eine halbe', 'einer halben', 'ein halbes'], after: ['und eine halbe'], oneAndHalf: ['anderthalb', 'eineinhalb'] },
  fr: { before: ['demi', 'une demi', 'demie'], after: ['et demie', 'et demi'], oneAndHalf: [] },
  es: { before: ['media', 'medio'], after: ['y media', 'y medio'], oneAndHalf: [] },
  it: { before: ['mezza', "mezz'", 'mezzo', 'mezzora'], after: ['e mezza', 'e mezzo'], oneAndHalf: [] },
  nl: { before: ['half', 'halve', 'een half', 'een halve'], after: ['en een half'], oneAndHalf: ['anderhalf', 'anderhalve'] },
  pt: { before: ['meia', 'meio'], after: ['e meia', 'e meio'], oneAndHalf: [] },
};
const AND = new Set(['and', 'und', 'et', 'y', 'e', 'en', ',']);

interface Names { readonly units: ReadonlyMap<string, Unit>; readonly glued: ReadonlyMap<string, Unit> }
const made = new Map<string, Names>();
const SAMPLES = [1, 2, 3, 5, 11, 21, 100, 1.5];
const MOST_LANGUAGES = 64;

/** Names of units in a language. One letter counts only where it is glued to its number ("5d"). */
function unitNames(language: string): Names {
  const before = made.get(language);
  if (before) return before;
  const units = new Map<string, Unit>();
  const glued = new Map<string, Unit>();
  const add = (word: string, unit: Unit): void => { const to = word.length === 1 ? glued : units; if (word !== '' && !to.has(word)) to.set(word, unit); };
  for (const unit of UNITS) {
    for (const unitDisplay of ['long', 'short'] as const) {
      const format = new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay });
      for (const sample of SAMPLES) for (const part of format.formatToParts(sample)) if (part.type === 'unit') add(fold(part.value.trim()).replace(/\.$/, ''), unit);
    }
  }
  for (const [word, unit] of Object.entries(MORE[language] ?? {})) add(word, unit);
  if (made.size >= MOST_LANGUAGES) made.clear();
  made.set(language, { units, glued });
  return { units, glued };
}

interface Part { readonly amounts: Amounts; readonly next: number; readonly start: number; readonly end: number }

export function findDurations(list: readonly Lexeme[], locale: Locale): SystemFind[] {
  const found: SystemFind[] = [];
  for (let at = 0; at < list.length;) {
    const first = partAt(list, at, locale);
    if (!first) { at += 1; continue; }
    const total: Amounts = { ...first.amounts };
    let { next, end } = first;
    for (let more = nextPart(list, next, total, locale); more; more = nextPart(list, next, total, locale)) {
      for (const unit of UNITS) if (more.amounts[unit] !== undefined) total[unit] = (total[unit] ?? 0) + more.amounts[unit];
      ({ next, end } = more);
    }
    found.push({ start: first.start, end, value: toIso(total) });
    at = next;
  }
  return found;
}

const rank = (amounts: Amounts): number => UNITS.findLastIndex((unit) => amounts[unit] !== undefined);

/** A smaller unit behind what is there: "2 hours and 30 minutes", "2h30". */
function nextPart(list: readonly Lexeme[], at: number, total: Amounts, locale: Locale): Part | undefined {
  const from = AND.has(list[at]?.text ?? '') ? at + 1 : at;
  const part = partAt(list, from, locale);
  if (part && rank(part.amounts) > rank(total) && UNITS.findIndex((unit) => part.amounts[unit] !== undefined) > rank(total)) return part;
  const lexeme = list[at];
  const glued = lexeme?.kind === 'digits' && /^[0-5]?\d$/.test(lexeme.text) && list[at - 1]?.end === lexeme.start && UNITS[rank(total)] === 'hour';
  return glued ? { amounts: { minute: Number(lexeme.text) }, next: at + 1, start: lexeme.start, end: lexeme.end } : undefined;
}

function partAt(list: readonly Lexeme[], at: number, locale: Locale): Part | undefined {
  const lexeme = list[at];
  if (!lexeme || lexeme.kind === 'sign') return undefined;
  const { language } = locale;
  const names = unitNames(language);
  const half = halfAt(list, at, language, names);
  if (half) return half;
  const whole = WHOLE[language]?.[lexeme.text];
  if (whole) { const article = list[at - 1]; return { amounts: whole, next: at + 1, start: article && numberWords(language)?.articles.has(article.text) ? article.start : lexeme.start, end: lexeme.end }; }
  const number = numberAt(list, at, locale);
  if (!number || number.value.startsWith('-')) return undefined;
  const name = list[number.next];
  const unit = name && unitOf(name, number.end, names);
  if (!name || !unit) return undefined;
  const part = { amounts: { [unit]: Number(number.value) }, next: number.next + 1, start: number.start, end: name.end };
  const after = phraseAt(list, part.next, HALF[language]?.after ?? []);
  return after === undefined ? part : { ...part, amounts: { [unit]: Number(number.value) + 0.5 }, next: after, end: (list[after - 1] as Lexeme).end };
}

function unitOf(name: Lexeme, end: number, names: Names): Unit | undefined {
  return names.units.get(name.text) ?? (name.start === end ? names.glued.get(name.text) : undefined);
}

function halfAt(list: readonly Lexeme[], at: number, language: string, names: Names): Part | undefined {
  const forms = HALF[language];
  if (!forms) return undefined;
  for (const [phrases, amount] of [[forms.before, 0.5], [forms.oneAndHalf, 1.5]] as const) {
    const next = phraseAt(list, at, phrases);
    const dash = next !== undefined && list[next]?.text === '-' ? next + 1 : next;
    const name = dash === undefined ? undefined : list[dash];
    const unit = name && names.units.get(name.text);
    if (name && unit && dash !== undefined) return { amounts: { [unit]: amount }, next: dash + 1, start: (list[at] as Lexeme).start, end: name.end };
  }
  return undefined;
}

/** Index behind the longest of the phrases that stands here. */
function phraseAt(list: readonly Lexeme[], at: number, phrases: readonly string[]): number | undefined {
  let longest: number | undefined;
  for (const phrase of phrases) {
    const words = phrase.split(' ');
    if (words.every((word, index) => list[at + index]?.text === word) && at + words.length > (longest ?? 0)) longest = at + words.length;
  }
  return longest;
}

const DOWN: Partial<Record<Unit, readonly [Unit, number]>> = { year: ['month', 12], week: ['day', 7], day: ['hour', 24], hour: ['minute', 60], minute: ['second', 60] };

/** Whole numbers of each unit, fractions as the next smaller one; weeks stand alone. */
function toIso(given: Amounts): string {
  const amounts: Amounts = { ...given };
  for (const unit of UNITS) {
    const [smaller, size] = DOWN[unit] ?? [];
    const amount = amounts[unit];
    if (amount === undefined || Number.isInteger(amount) || smaller === undefined || size === undefined) continue;
    amounts[unit] = Math.floor(amount);
    amounts[smaller] = (amounts[smaller] ?? 0) + Number(((amount - Math.floor(amount)) * size).toFixed(6));
  }
  const others = UNITS.some((unit) => unit !== 'week' && (amounts[unit] ?? 0) > 0);
  if (amounts.week !== undefined && others) { amounts.day = (amounts.day ?? 0) + amounts.week * 7; delete amounts.week; }
  const form = (units: readonly (readonly [Unit, string])[]): string => units.map(([unit, letter]) => (amounts[unit] ?? 0) > 0 ? `${decimal(amounts[unit] ?? 0)}${letter}` : '').join('');
  const date = form([['year', 'Y'], ['month', 'M'], ['week', 'W'], ['day', 'D']]);
  const time = form([['hour', 'H'], ['minute', 'M'], ['second', 'S']]);
  return date + time === '' ? 'PT0S' : `P${date}${time === '' ? '' : `T${time}`}`;
}
