/** Finds cue phrases among the words of a text. */
import { listWords } from '../bot/entities/words.js';
import type { Token } from '../bot/text.js';

/** First word → phrases that begin with it, the longest first, each as its words. */
export type Phrases = ReadonlyMap<string, readonly (readonly string[])[]>;

export function phrases(list: readonly string[]): Phrases {
  const found = new Map<string, (readonly string[])[]>();
  for (const phrase of list) {
    const words = listWords(phrase).map((token) => token.word);
    const first = words[0];
    if (first === undefined) continue;
    found.set(first, [...found.get(first) ?? [], words].sort((a, b) => b.length - a.length));
  }
  return found;
}

/** How many words the longest phrase at that place has; 0 for none. */
export function phraseAt(table: Phrases, words: readonly Token[], at: number): number {
  const candidates = table.get(words[at]?.word ?? '');
  if (!candidates) return 0;
  for (const candidate of candidates) {
    let length = 1;
    while (length < candidate.length && words[at + length]?.word === candidate[length]) length += 1;
    if (length === candidate.length) return length;
  }
  return 0;
}
