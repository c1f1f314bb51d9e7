/**
 * A text as hashed features: words, pairs of words (adjacent, and with one between), and runs of 2 to 5 characters inside
 * words with their borders. Digits count as one digit, so that the shape of a number is learned and not its value.
 * Works in buffers of its own: nothing is allocated for a text but its folded form. Time is linear in the text.
 */

/** UTF-16 units of the folded text that are looked at. */
const MOST_UNITS = 8192;
const BORDER = 0x20;
const DIGIT = 0x30;

const SEED_WORD = 0x811c9dc5;
const SEED_PAIR = 0x01000193 ^ 0x5bd1e995;
const SEED_SKIP = 0x27d4eb2f;
const SEED_ENTITY = 0x165667b1;
const SEED_RUN = 0x9e3779b1;

export interface FeatureReader {
  /** Hashes of the last text; only the first `words + runs` count, words first. None is 0. */
  readonly hashes: Uint32Array;
  words: number;
  runs: number;
  /** Reads a text; `entities` are names for what was found in it, each a feature; at most 40 count. */
  read(text: string, entities: readonly string[]): void;
}

const mix = (hash: number, code: number): number => Math.imul(hash ^ code, 0x01000193);

/** Spreads the bits; never 0, which marks an empty place in the model's table. */
function finish(hash: number): number {
  let h = hash ^ (hash >>> 15);
  h = Math.imul(h, 0x2c1b3c6d);
  h ^= h >>> 12;
  h = Math.imul(h, 0x297a2d39);
  h ^= h >>> 15;
  return (h >>> 0) || 1;
}

/** Letters, marks, digits and whatever stands beyond Latin punctuation; an apostrophe joins, all else parts words. */
function isWordUnit(code: number): boolean {
  if (code < 0x80) return (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a);
  if (code < 0xc0) return code === 0xaa || code === 0xb5 || code === 0xba;
  return code !== 0xd7 && code !== 0xf7 && !(code >= 0x2000 && code <= 0x206f) && !(code >= 0x2e00 && code <= 0x2e7f)
    && !(code >= 0x3000 && code <= 0x303f) && !(code >= 0xff00 && code <= 0xff0f) && code !== 0xfffd;
}

// eslint-disable-next-line max-lines-per-function -- its parts are closures over the buffers: no field is looked up for a character
export function createFeatureReader(): FeatureReader {
  const units = new Uint16Array(MOST_UNITS + 2);
  const wordHashes = new Int32Array(MOST_UNITS);
  const runHashes = new Uint32Array(MOST_UNITS * 6);
  const reader: FeatureReader = { hashes: new Uint32Array(MOST_UNITS * 10), words: 0, runs: 0, read };

  function read(text: string, entities: readonly string[]): void {
    const folded = text.normalize('NFKC').toLowerCase();
    const length = Math.min(folded.length, MOST_UNITS);
    let wordCount = 0;
    let runCount = 0;
    let size = 0;
    units[0] = BORDER;
    for (let at = 0; at <= length; at++) {
      const code = at < length ? folded.charCodeAt(at) : BORDER;
      if (isWordUnit(code)) { size += 1; units[size] = code >= 0x30 && code <= 0x39 ? DIGIT : code; continue; }
      if (size === 0 || ((code === 0x27 || code === 0x2019) && at + 1 < length && isWordUnit(folded.charCodeAt(at + 1)))) continue;
      units[size + 1] = BORDER;
      let hash = SEED_WORD;
      for (let unit = 1; unit <= size; unit++) hash = mix(hash, units[unit] ?? 0);
      wordHashes[wordCount++] = hash;
      runCount = takeRuns(size + 2, runCount);
      size = 0;
    }
    finishRead(wordCount, runCount, entities);
  }

  /** All runs of 2 to 5 units of the word in `units`. */
  function takeRuns(size: number, from: number): number {
    let count = from;
    for (let start = 0; start < size - 1; start++) {
      let hash = mix(SEED_RUN, units[start] ?? 0);
      const end = Math.min(size, start + 5);
      for (let at = start + 1; at < end; at++) {
        hash = mix(hash, units[at] ?? 0);
        runHashes[count++] = finish(hash ^ (at - start));
      }
    }
    return count;
  }

  function finishRead(wordCount: number, runCount: number, entities: readonly string[]): void {
    const { hashes } = reader;
    let count = 0;
    for (let at = 0; at < wordCount; at++) {
      const hash = wordHashes[at] ?? 0;
      hashes[count++] = finish(hash);
      if (at > 0) hashes[count++] = finish(Math.imul(wordHashes[at - 1] ?? 0, 31) ^ hash ^ SEED_PAIR);
      if (at > 1) hashes[count++] = finish(Math.imul(wordHashes[at - 2] ?? 0, 37) ^ hash ^ SEED_SKIP);
    }
    for (let at = 0; at < entities.length && at < 40; at++) {
      let hash = SEED_ENTITY;
      const name = entities[at] ?? '';
      for (let unit = 0; unit < name.length; unit++) hash = mix(hash, name.charCodeAt(unit));
      hashes[count++] = finish(hash);
    }
    reader.words = count;
    reader.runs = runCount;
    hashes.set(runHashes.subarray(0, runCount), count);
  }

  return reader;
}
