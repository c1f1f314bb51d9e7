/** Texts that are nearly the same. What is compared are runs of three characters; only pairs that share a rare one are looked at. */
import { fold, tokens } from '../../processors/bot/text.js';

export interface Alike { readonly a: number; readonly b: number; /** 0 to 1; 1 reads the same but for case, marks and blanks. */ readonly likeness: number }

/** More such pairs than these would say nothing that the first have not said. */
const MOST_PAIRS = 5000;
/** A run that so many texts share tells nothing. */
const MOST_SHARERS = 2000;

/** Pairs of at least that likeness (Jaccard), each once, `a` before `b`. */
export function alikeTexts(texts: readonly string[], least: number): Alike[] {
  const sets = texts.map(runsOf);
  const frequency = new Map<string, number>();
  for (const set of sets) for (const run of set) frequency.set(run, (frequency.get(run) ?? 0) + 1);
  const sharers = new Map<string, number[]>();
  const found: Alike[] = [];
  sets.forEach((set, b) => {
    const rarest = [...set].sort((x, y) => (frequency.get(x) ?? 0) - (frequency.get(y) ?? 0) || (x < y ? -1 : 1));
    // Two sets of that likeness share one of so many of their rarest runs.
    const prefix = rarest.slice(0, set.size - Math.ceil(least * set.size) + 1);
    const candidates = new Set<number>();
    for (const run of prefix) {
      const known = sharers.get(run) ?? [];
      for (const a of known) candidates.add(a);
      if (known.length < MOST_SHARERS) known.push(b);
      sharers.set(run, known);
    }
    for (const a of candidates) {
      const likeness = jaccard(sets[a] as Set<string>, set);
      if (likeness >= least && found.length < MOST_PAIRS) found.push({ a, b, likeness });
    }
  });
  return found;
}

/** Of the words, without case and marks, with their borders. */
function runsOf(text: string): Set<string> {
  const words = tokens(text).map(({ word }) => word).join(' ');
  const plain = ` ${words === '' ? fold(text) : words} `;
  const runs = new Set<string>();
  for (let at = 0; at + 3 <= plain.length; at++) runs.add(plain.slice(at, at + 3));
  return runs.size > 0 ? runs : new Set([plain]);
}

function jaccard(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  let shared = 0;
  for (const run of small) if (large.has(run)) shared += 1;
  return shared / (a.size + b.size - shared);
}
