/**
 * A text as hashed features: words and their first four letters, pairs of beginnings of words (adjacent, and with one to three
 * words between), runs of 3 and 4 characters inside words with their borders, also of 2 in scripts whose signs are syllables or
 * words, and the characters on both sides of a blank. Digits count as one digit, so that the shape of a number is learned and
 * not its value. Works in buffers of its own: nothing is allocated for a text but its folded form. Time is linear in the text.
 */
import { foldText, MOST_UNITS, plainUnit } from './fold.js';

const BORDER = 0x20;
const DIGIT = 0x30;
const LONGEST_RUN = 4;
/** From here on signs are syllables or words (Han, kana, Hangul): two say as much as three letters. */
const WIDE_SIGNS = 0x2e80;
/** Characters of a word that are a feature of their own: an ending less, in many languages the stem. */
const STEM = 4;
/** Characters of a word that count in pairs: endings mostly do not matter. */
const BEGINNING = 3;
/** Words from the first to the second of a pair. */
const FARTHEST_PAIR = 4;
/** Names of entities that count. */
const MOST_ENTITIES = 40;

const SEED_WORD = 0x811c9dc5;
const SEED_STEM = 0x85ebca6b;
const SEED_PAIR = 0x01000193 ^ 0x5bd1e995;
const SEED_SKIP = 0x27d4eb2f;
const SEED_ENTITY = 0x165667b1;
const SEED_RUN = 0x9e3779b1;
const SEED_CROSS = 0x7feb352d;

export interface FeatureReader {
  /** Hashes of the last text; only the first `words + runs` count, words first. None is 0, and one may stand there twice. */
  readonly hashes: Uint32Array;
  /** Words, stems, pairs and entities. */
  words: number;
  runs: number;
  /** Reads a text; `entities` are names for what was found in it, each a feature. */
  read(text: string, entities: readonly string[]): void;
}

const mix = (hash: number, code: number): number => Math.imul(hash ^ code, 0x01000193);

/** Spreads the bits; never 0, which marks an empty place in tables. */
function finish(hash: number): number {
  let h = hash ^ (hash >>> 15);
  h = Math.imul(h, 0x2c1b3c6d);
  h ^= h >>> 12;
  h = Math.imul(h, 0x297a2d39);
  h ^= h >>> 15;
  return (h >>> 0) || 1;
}

/** Letters, marks, digits, emoji and other signs; punctuation, blanks and what only joins or varies signs part words. */
function isWordUnit(code: number): boolean {
  if (code < 0x80) return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39);
  if (code < 0xc0) return code === 0xaa || code === 0xb5 || code === 0xba;
  return code !== 0xd7 && code !== 0xf7 && !(code >= 0x2000 && code <= 0x206f) && !(code >= 0x2e00 && code <= 0x2e7f)
    && !(code >= 0x3000 && code <= 0x303f) && !(code >= 0xfe00 && code <= 0xfe0f) && !(code >= 0xff00 && code <= 0xff0f) && code !== 0xfffd;
}

/** Combining accents, which Latin letters lose: NFKC leaves those that have no letter of their own. */
const isAccent = (code: number): boolean => code >= 0x300 && code <= 0x36f;
const isApostrophe = (code: number): boolean => code === 0x27 || code === 0x2019;
/** The first half of most emoji: each is a word of its own. */
const isEmojiHalf = (code: number): boolean => code >= 0xd83c && code <= 0xd83e;

// eslint-disable-next-line max-lines-per-function -- its parts are closures over the buffers: no field is looked up for a character
export function createFeatureReader(): FeatureReader {
  const units = new Uint16Array(MOST_UNITS * 2 + 2);
  const wordHashes = new Int32Array(MOST_UNITS);
  const stems = new Int32Array(MOST_UNITS);
  const beginnings = new Int32Array(MOST_UNITS);
  const runHashes = new Uint32Array(MOST_UNITS * (LONGEST_RUN + 2));
  const reader: FeatureReader = { hashes: new Uint32Array(MOST_UNITS * (LONGEST_RUN + 9) + MOST_ENTITIES), words: 0, runs: 0, read };
  let wordCount = 0;
  let runCount = 0;
  let lastUnit = 0;

  function read(text: string, entities: readonly string[]): void {
    const folded = foldText(text);
    const { length } = folded;
    wordCount = runCount = lastUnit = 0;
    let size = 0;
    units[0] = BORDER;
    for (let at = 0; at < length; at++) {
      const code = folded.charCodeAt(at);
      if (isWordUnit(code)) {
        if (isAccent(code)) continue;
        if (isEmojiHalf(code)) {
          if (size > 0) size = takeWord(size);
          units[1] = code;
          units[2] = at + 1 < length ? folded.charCodeAt(++at) : BORDER;
          size = takeWord(2);
          continue;
        }
        size += 1;
        units[size] = code >= 0x30 && code <= 0x39 ? DIGIT : plainUnit(code);
      } else if (size > 0 && !(isApostrophe(code) && at + 1 < length && isWordUnit(folded.charCodeAt(at + 1)))) size = takeWord(size);
    }
    if (size > 0) takeWord(size);
    finishRead(entities);
  }

  /** The word in `units` 1 to `size`; returns the size of the next one. */
  function takeWord(size: number): 0 {
    if (wordCount === MOST_UNITS) return 0;
    units[size + 1] = BORDER;
    let hash = SEED_WORD;
    let beginning = 0;
    let stem = 0;
    for (let unit = 1; unit <= size; unit++) {
      hash = mix(hash, units[unit] as number);
      if (unit <= BEGINNING) beginning = hash;
      if (unit <= STEM) stem = hash;
    }
    stems[wordCount] = stem;
    beginnings[wordCount] = beginning;
    wordHashes[wordCount++] = hash;
    if (lastUnit !== 0) runHashes[runCount++] = finish(mix(mix(SEED_CROSS, lastUnit), units[1] as number));
    lastUnit = units[size] as number;
    const end = size + 2;
    for (let start = 0; start < end - 1; start++) {
      let run = mix(SEED_RUN, units[start] as number);
      const until = Math.min(end, start + LONGEST_RUN);
      for (let at = start + 1; at < until; at++) {
        run = mix(run, units[at] as number);
        if (at - start > 1 || (units[at] as number) >= WIDE_SIGNS || (units[start] as number) >= WIDE_SIGNS) runHashes[runCount++] = finish(run ^ (at - start));
      }
    }
    return 0;
  }

  function finishRead(entities: readonly string[]): void {
    const { hashes } = reader;
    let count = 0;
    for (let at = 0; at < wordCount; at++) {
      hashes[count++] = finish(wordHashes[at] as number);
      hashes[count++] = finish((stems[at] as number) ^ SEED_STEM);
      const beginning = beginnings[at] as number;
      if (at > 0) hashes[count++] = finish(Math.imul(beginnings[at - 1] as number, 31) ^ beginning ^ SEED_PAIR);
      for (let other = Math.max(0, at - FARTHEST_PAIR); other < at - 1; other++) hashes[count++] = finish(Math.imul(beginnings[other] as number, 37) ^ beginning ^ SEED_SKIP);
    }
    for (let at = 0; at < entities.length && at < MOST_ENTITIES; at++) {
      let hash = SEED_ENTITY;
      const name = entities[at] as string;
      for (let unit = 0; unit < name.length; unit++) hash = mix(hash, name.charCodeAt(unit));
      hashes[count++] = finish(hash);
    }
    reader.words = count;
    reader.runs = runCount;
    for (let at = 0; at < runCount; at++) hashes[count + at] = runHashes[at] as number;
  }

  return reader;
}
