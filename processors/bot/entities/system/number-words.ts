/** Numbers in words, by language: what stands for 0 to 99 (made from tables), hundreds, scales and what joins them. */
import { fold } from '../../text.js';
import { GRAMMARS, type NumberGrammar } from './number-tables.js';

export interface NumberWords {
  /** Words, joined by blanks → value below 100. */
  readonly small: ReadonlyMap<string, number>;
  /** Most words of one entry of `small`. */
  readonly longest: number;
  readonly hundreds: ReadonlyMap<string, number>;
  readonly scales: ReadonlyMap<string, number>;
  readonly joiners: ReadonlySet<string>;
  /** Articles: a number in front of a unit only. */
  readonly articles: ReadonlyMap<string, number>;
  /** Value of a word made of several ("zweihundertzwanzig"); undefined where it is none. */
  compound(word: string): number | undefined;
  readonly ordinals: ReadonlyMap<string, number>;
  readonly ordinalSuffixes: ReadonlySet<string>;
  /** A number and a full stop is an ordinal ("3. Mai"). */
  readonly ordinalDot: boolean;
}

const made = new Map<string, NumberWords | undefined>();

/** The words of a language; undefined for those that are not known: digits count there only. */
export function numberWords(language: string): NumberWords | undefined {
  if (!made.has(language)) { const grammar = GRAMMARS[language]; made.set(language, grammar && build(grammar)); }
  return made.get(language);
}

const words = (text: string): string[] => fold(text).split(' ').filter((word) => word !== '');

function build(grammar: NumberGrammar): NumberWords {
  const small = new Map<string, number>();
  words(grammar.units).forEach((word, value) => { for (const form of word.split('|')) small.set(form.replace('_', ' '), value); });
  grammar.tens.forEach((forms, index) => {
    const ten = (index + 2) * 10;
    for (const form of forms.split('|')) {
      small.set(form, ten);
      for (const [unit, value] of [...small]) {
        // In French the numbers to 19 are counted on from sixty and eighty.
        if (value > 0 && value < (grammar.countsToNineteen?.includes(ten) ? 20 : 10)) for (const joined of grammar.join(form, unit, value)) small.set(joined, ten + value);
      }
    }
  });
  for (const [form, value] of Object.entries(grammar.extra ?? {})) small.set(form, value);
  const articles = new Map((grammar.articles ?? '').split(' ').filter((word) => word !== '').map((word) => [word, 1]));
  const hundreds = new Map(Object.entries(grammar.hundreds));
  const scales = new Map(Object.entries(grammar.scales));
  const ordinals = new Map(Object.entries(grammar.ordinals));
  for (const [form, value] of small) if (value > 0 && !form.includes(' ')) for (const ordinal of grammar.ordinal?.(form, value) ?? []) if (!ordinals.has(ordinal)) ordinals.set(ordinal, value);
  const longest = [...small.keys()].reduce((most, key) => Math.max(most, key.split(' ').length), 1);
  const parts = grammar.compounds === true ? compoundParts(small, hundreds, scales, articles) : undefined;
  return {
    small, longest, hundreds, scales, articles, ordinals, joiners: new Set(words(grammar.joiners)), ordinalSuffixes: new Set(words(grammar.ordinalSuffixes)),
    ordinalDot: grammar.ordinalDot === true, compound: (word) => parts && readCompound(word, parts),
  };
}

interface Part { readonly form: string; readonly kind: 'small' | 'hundred' | 'scale' | 'joiner'; readonly value: number }

function compoundParts(small: ReadonlyMap<string, number>, hundreds: ReadonlyMap<string, number>, scales: ReadonlyMap<string, number>, articles: ReadonlyMap<string, number>): Part[] {
  const parts: Part[] = [];
  for (const [form, value] of small) if (!form.includes(' ')) parts.push({ form, kind: 'small', value });
  for (const [form, value] of articles) parts.push({ form, kind: 'small', value });
  for (const [form, value] of hundreds) parts.push({ form, kind: 'hundred', value });
  for (const [form, value] of scales) if (value === 1000) parts.push({ form, kind: 'scale', value });
  for (const form of ['und', 'en']) parts.push({ form, kind: 'joiner', value: 0 });
  return parts.sort((a, b) => b.form.length - a.form.length);
}

const LONGEST_COMPOUND = 60;

/** By the longest part at each place; a word holds a handful of them. */
function readCompound(word: string, parts: readonly Part[]): number | undefined {
  if (word.length > LONGEST_COMPOUND) return undefined;
  let total = 0;
  let current = 0;
  let count = 0;
  for (let at = 0; at < word.length;) {
    const part = parts.find((one) => word.startsWith(one.form, at));
    if (!part || count > 8) return undefined;
    if (part.kind === 'small') { if (current % 100 !== 0) return undefined; current += part.value; }
    if (part.kind === 'hundred') { if (current >= 10 || total % 1000 !== 0) return undefined; current = part.value > 100 ? part.value : Math.max(1, current) * 100; }
    if (part.kind === 'scale') { if (total > 0) return undefined; total = Math.max(1, current) * part.value; current = 0; }
    if (part.kind === 'joiner' && (count === 0 || current % 100 !== 0)) return undefined;
    count += 1;
    at += part.form.length;
  }
  return count > 1 ? total + current : undefined;
}
