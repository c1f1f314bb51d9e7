/**
 * Tokens as hashed features: the word and its neighbours alone and together, its beginnings and ends, shapes, and the intent
 * of the whole text. The number of features of a token is bounded, so the work is linear in the text.
 */
import type { SlotToken } from './tokens.js';

const BEFORE = 0x9e3779b1;
const BEHIND = 0x85ebca6b;
const MOST_AFFIX = 4;

function textHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}

/** Never 0: that stands for an empty place of a table. */
function mix(kind: number, a: number, b: number, c: number): number {
  let hash = Math.imul(kind + 1, 0x9e3779b1);
  hash = Math.imul(hash ^ a, 0x85ebca6b); hash ^= hash >>> 13;
  hash = Math.imul(hash ^ b, 0xc2b2ae35); hash ^= hash >>> 16;
  hash = Math.imul(hash ^ c, 0x27d4eb2f); hash ^= hash >>> 15;
  return (hash >>> 0) || 1;
}

/** Calls `visit` with each feature of each token. */
export function eachFeature(tokens: readonly SlotToken[], intent: string, visit: (token: number, hash: number) => void): void {
  const words = tokens.map((token) => textHash(token.word));
  const shapes = tokens.map((token) => textHash(token.shape));
  const purpose = textHash(intent);
  const word = (at: number): number => at < 0 ? BEFORE : words[at] ?? BEHIND;
  const shape = (at: number): number => at < 0 ? BEFORE : shapes[at] ?? BEHIND;
  const first = word(0);
  for (let at = 0; at < tokens.length; at++) {
    const [b3, b2, b1, here, n1, n2, n3] = [word(at - 3), word(at - 2), word(at - 1), word(at), word(at + 1), word(at + 2), word(at + 3)];
    const form = shape(at);
    let kind = 0;
    const put = (a: number, b = 0, c = 0): void => { visit(at, mix(kind++, a, b, c)); };
    put(0); put(here); put(b1); put(n1); put(b2); put(n2); put(b3); put(n3);
    put(b1, here); put(here, n1); put(b2, b1); put(n1, n2); put(b1, n1);
    put(b3, b2, b1); put(n1, n2, n3); put(b2, b1, here); put(here, n1, n2);
    put(form); put(shape(at - 1), form); put(form, shape(at + 1)); put(b1, form); put(n1, form);
    put(first); put(Math.min(at, 3), first);
    put(purpose); put(purpose, here); put(purpose, b1); put(purpose, n1); put(purpose, form);
    affixes(tokens[at] as SlotToken, at, visit);
  }
}

const AFFIXES = 64;

function affixes({ word }: SlotToken, at: number, visit: (token: number, hash: number) => void): void {
  for (let size = 1; size <= MOST_AFFIX && size < word.length; size++) {
    visit(at, mix(AFFIXES + size, textHash(word.slice(0, size)), 0, 0));
    visit(at, mix(AFFIXES + MOST_AFFIX + size, textHash(word.slice(-size)), 0, 0));
  }
}
