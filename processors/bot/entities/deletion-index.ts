/**
 * Words by what is left of them when one or two letters are missing: two words at most d errors apart share such a rest, so
 * the neighbours of a word are found with a number of look-ups that depends on its own length and not on how many words
 * there are. Hashes of the rests only, in flat arrays; what they suggest is compared letter by letter.
 */
import { editDistance, LONGEST_WORD } from './edit-distance.js';

export interface Neighbour { readonly word: number; readonly distance: number }

/**
 * How many errors a word of this length may have. Short words are neighbours of too many others: up to three letters none,
 * four letters only two swapped ones (`swapOnly`), from nine letters two.
 */
export function allowedErrors(length: number): number {
  return length < 4 || length > LONGEST_WORD ? 0 : length < 9 ? 1 : 2;
}

export const swapOnly = (length: number): boolean => length === 4;

const NONE: readonly Neighbour[] = [];
const MOST_COMPARED = 64;

/** Hash of the word without the letters at `skip` and `also` (-1: none). */
function restHash(word: string, skip: number, also: number): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < word.length; at++) if (at !== skip && at !== also) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
  return (hash ^ (hash >>> 15)) >>> 0;
}

/** Calls `visit` with the hash of the word and of each rest that lacks up to `most` letters. */
function eachRest(word: string, most: number, visit: (hash: number) => void): void {
  visit(restHash(word, -1, -1));
  if (most < 1) return;
  for (let first = 0; first < word.length; first++) {
    visit(restHash(word, first, -1));
    if (most > 1) for (let second = first + 1; second < word.length; second++) visit(restHash(word, first, second));
  }
}

export class DeletionIndex {
  private readonly mask: number;
  private readonly starts: Uint32Array;
  private readonly entries: Uint32Array;
  private readonly seen: Uint32Array;
  private stamp = 0;
  /** Look-ups and comparisons so far: what a search costs. */
  work = 0;

  /** @param words without accents; those too short to be searched for are left out */
  constructor(private readonly words: readonly string[]) {
    const pairs: number[] = [];
    words.forEach((word, index) => {
      const most = allowedErrors(word.length);
      if (most > 0) eachRest(word, most, (hash) => pairs.push(hash, index));
    });
    const bits = Math.max(4, Math.ceil(Math.log2(pairs.length / 2 + 1)));
    this.mask = 2 ** bits - 1;
    this.starts = new Uint32Array(2 ** bits + 1);
    for (let at = 0; at < pairs.length; at += 2) this.starts[((pairs[at] as number) & this.mask) + 1] = (this.starts[((pairs[at] as number) & this.mask) + 1] as number) + 1;
    for (let at = 1; at < this.starts.length; at++) this.starts[at] = (this.starts[at] as number) + (this.starts[at - 1] as number);
    const next = this.starts.slice();
    this.entries = new Uint32Array(pairs.length / 2);
    for (let at = 0; at < pairs.length; at += 2) {
      const bucket = (pairs[at] as number) & this.mask;
      this.entries[next[bucket] as number] = pairs[at + 1] as number;
      next[bucket] = (next[bucket] as number) + 1;
    }
    this.seen = new Uint32Array(words.length);
  }

  /** The nearest words within the errors that both lengths allow, all at the same least distance; distance 0 is the same word without accents. */
  nearest(word: string): readonly Neighbour[] {
    const most = allowedErrors(word.length);
    if (most === 0) return NONE;
    this.stamp += 1;
    if (this.stamp === 0xffffffff) { this.seen.fill(0); this.stamp = 1; }
    let found: Neighbour[] = [];
    let least = most;
    let compared = 0;
    eachRest(word, most, (hash) => {
      const bucket = hash & this.mask;
      this.work += 1;
      for (let at = this.starts[bucket] as number; at < (this.starts[bucket + 1] as number) && compared < MOST_COMPARED; at++) {
        const index = this.entries[at] as number;
        if (this.seen[index] === this.stamp) continue;
        this.seen[index] = this.stamp;
        this.work += 1;
        const other = this.words[index] as string;
        compared += 1;
        if (Math.abs(other.length - word.length) > most) continue;
        const distance = errorsBetween(word, other, Math.min(least, allowedErrors(other.length)));
        if (distance > least) continue;
        if (distance < least) { least = distance; found = []; }
        found.push({ word: index, distance });
      }
    });
    return found.length === 0 ? NONE : found;
  }
}

const NEVER = 99;

/** From this length on the first letter may be wrong as well: few people mistype it, and far more short words differ in it alone. */
const FIRST_MAY_DIFFER = 7;

function errorsBetween(word: string, other: string, most: number): number {
  const swapped = word.charCodeAt(0) === other.charCodeAt(1) && word.charCodeAt(1) === other.charCodeAt(0);
  if (word.charCodeAt(0) !== other.charCodeAt(0) && !swapped && Math.min(word.length, other.length) < FIRST_MAY_DIFFER) return NEVER;
  const distance = editDistance(word, other, most);
  if (distance > most) return NEVER;
  const short = swapOnly(Math.min(word.length, other.length));
  return distance > 0 && short && !isSwap(word, other) ? NEVER : distance;
}

function isSwap(a: string, b: string): boolean {
  if (a.length !== b.length) return false;
  let at = 0;
  while (at < a.length && a[at] === b[at]) at += 1;
  return a[at] === b[at + 1] && a[at + 1] === b[at] && a.slice(at + 2) === b.slice(at + 2);
}
