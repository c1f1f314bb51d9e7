/** The features of all examples: which get a row of weights, what each counts in a text, and the examples as sparse rows. */
import type { FeatureReader } from './features.js';

/** Character runs count more than words. */
export const RUN_WEIGHT = 1.5;
/** Bytes that the rows of a model may take. */
const MOST_BYTES = 7_600_000;
/** What a mistyped copy counts when features are chosen. */
const COPY_WEIGHT = 0.3;

export interface ReadableText { readonly text: string; readonly entities: readonly string[] }

/** Texts as ids of features, each once in a text: `starts[i]` to `middles[i]` words, from there to `starts[i + 1]` runs. */
export interface ReadTexts {
  readonly count: number;
  readonly starts: Uint32Array;
  readonly middles: Uint32Array;
  readonly ids: Uint32Array;
  /** Hash by id. */
  readonly hashes: Uint32Array;
}

export interface Vocabulary {
  /** Places of the table of hashes are two to the power of this. */
  readonly tableBits: number;
  readonly keys: Uint32Array;
  readonly rowAt: Uint32Array;
  /** What a feature counts in a text, before the text is normalised. */
  readonly values: Float32Array;
  readonly rows: number;
  /** Row by id, -1 for none. */
  readonly rowOf: Int32Array;
}

/** Sparse rows: features of example i stand at starts[i] to starts[i + 1]. */
export interface Examples {
  readonly count: number;
  readonly starts: Uint32Array;
  readonly features: Uint32Array;
  readonly values: Float32Array;
}

export const placeOf = (hash: number, mask: number): number => (hash ^ (hash >>> 16)) & mask;

/** Numbers hashes in the order of their first sight. */
class Numbering {
  hashes = new Uint32Array(1 << 12);
  count = 0;
  private keys = new Uint32Array(1 << 13);
  private ids = new Uint32Array(1 << 13);

  id(hash: number): number {
    const mask = this.keys.length - 1;
    let place = placeOf(hash, mask);
    while (this.keys[place] !== hash) {
      if (this.keys[place] === 0) {
        if (this.count === this.hashes.length) { this.grow(); return this.id(hash); }
        this.keys[place] = hash;
        this.ids[place] = this.count;
        this.hashes[this.count] = hash;
        return this.count++;
      }
      place = (place + 1) & mask;
    }
    return this.ids[place] as number;
  }

  private grow(): void {
    const old = this.hashes.subarray(0, this.count);
    this.hashes = new Uint32Array(this.hashes.length * 2);
    this.hashes.set(old);
    this.keys = new Uint32Array(this.hashes.length * 2);
    this.ids = new Uint32Array(this.keys.length);
    const mask = this.keys.length - 1;
    for (let id = 0; id < this.count; id++) {
      let place = placeOf(this.hashes[id] as number, mask);
      while (this.keys[place] !== 0) place = (place + 1) & mask;
      this.keys[place] = this.hashes[id] as number;
      this.ids[place] = id;
    }
  }
}

export function readTexts(texts: readonly ReadableText[], reader: FeatureReader): ReadTexts {
  const numbering = new Numbering();
  const starts = new Uint32Array(texts.length + 1);
  const middles = new Uint32Array(texts.length);
  let ids = new Uint32Array(1 << 14);
  let seen = new Uint32Array(1 << 14);
  let size = 0;
  texts.forEach(({ text, entities }, index) => {
    reader.read(text, entities);
    const { hashes, words } = reader;
    const all = words + reader.runs;
    if (size + all > ids.length) { const more = new Uint32Array((size + all) * 2); more.set(ids); ids = more; }
    for (let at = 0; at < all; at++) {
      if (at === words) middles[index] = size;
      const id = numbering.id(hashes[at] as number);
      if (id >= seen.length) { const more = new Uint32Array(id * 2); more.set(seen); seen = more; }
      if (seen[id] === index + 1) continue;
      seen[id] = index + 1;
      ids[size++] = id;
    }
    if (all === words) middles[index] = size;
    starts[index + 1] = size;
  });
  return { count: texts.length, starts, middles, ids: ids.slice(0, size), hashes: numbering.hashes.slice(0, numbering.count) };
}

/** @param originals how many of the texts, from the first, are no copies */
export function buildVocabulary(read: ReadTexts, originals: number, columns: number): Vocabulary {
  const { hashes, starts, ids } = read;
  const frequency = new Uint32Array(hashes.length);
  const importance = new Float64Array(hashes.length);
  const end = starts[originals] as number;
  for (let at = 0; at < ids.length; at++) {
    const id = ids[at] as number;
    if (at < end) frequency[id] = (frequency[id] as number) + 1;
    importance[id] = (importance[id] as number) + (at < end ? 1 : COPY_WEIGHT);
  }
  const kept = chooseFeatures(hashes, importance, columns);
  const tableBits = bitsFor(kept.length);
  const mask = 2 ** tableBits - 1;
  const keys = new Uint32Array(mask + 1);
  const rowAt = new Uint32Array(mask + 1);
  const rowOf = new Int32Array(hashes.length).fill(-1);
  const values = new Float32Array(kept.length);
  kept.forEach((id, row) => {
    let place = placeOf(hashes[id] as number, mask);
    while (keys[place] !== 0) place = (place + 1) & mask;
    keys[place] = hashes[id] as number;
    rowAt[place] = row;
    rowOf[id] = row;
    // Square root of the inverse document frequency: rare features count more, but not much more.
    values[row] = Math.sqrt(Math.log((1 + originals) / (1 + Math.max(1, frequency[id] as number))) + 1);
  });
  return { tableBits, keys, rowAt, values, rows: kept.length, rowOf };
}

const bitsFor = (rows: number): number => Math.max(4, Math.ceil(Math.log2(Math.max(1, rows) * 1.5)));

/** Ids by hash, so that rows do not depend on the order of texts; the rarest are left out where all would be too many. */
function chooseFeatures(hashes: Uint32Array, importance: Float64Array, columns: number): Uint32Array {
  const all = Uint32Array.from(hashes.keys());
  const byHash = (a: number, b: number): number => (hashes[a] as number) - (hashes[b] as number);
  // Weights, value and scale of a row, and its part of the table.
  const most = Math.floor(MOST_BYTES / (columns + 8 + 16));
  if (all.length <= most) return all.sort(byHash);
  return all.sort((a, b) => (importance[b] as number) - (importance[a] as number) || byHash(a, b)).slice(0, most).sort(byHash);
}

/** Words and runs of a text are normalised apart. */
export function toExamples(read: ReadTexts, vocabulary: Vocabulary): Examples {
  const { count, ids, middles } = read;
  const starts = new Uint32Array(count + 1);
  const features = new Uint32Array(ids.length);
  const values = new Float32Array(ids.length);
  let size = 0;
  const add = (from: number, to: number, weight: number): void => {
    const first = size;
    let square = 0;
    for (let at = from; at < to; at++) {
      const row = vocabulary.rowOf[ids[at] as number] as number;
      if (row < 0) continue;
      const value = vocabulary.values[row] as number;
      features[size] = row;
      values[size++] = value;
      square += value * value;
    }
    const norm = weight / Math.sqrt(square || 1);
    for (let at = first; at < size; at++) values[at] = (values[at] as number) * norm;
  };
  for (let index = 0; index < count; index++) {
    const middle = middles[index] as number;
    add(read.starts[index] as number, middle, 1);
    add(middle, read.starts[index + 1] as number, RUN_WEIGHT);
    starts[index + 1] = size;
  }
  return { count, starts, features: features.slice(0, size), values: values.slice(0, size) };
}
