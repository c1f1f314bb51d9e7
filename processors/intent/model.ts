/**
 * A trained linear classifier: what a text scores. Only features that were seen in training have a row of weights (8-bit, one scale
 * a row), found by an open-addressed table of their hashes. The arrays are views of the artefact's bytes: nothing is copied.
 */
import { createFeatureReader } from './features.js';
import type { RejectionRule } from './rejection.js';
import { placeOf, RUN_WEIGHT } from './vocabulary.js';

export interface ModelHead {
  /** Changes with the training data, its settings and the code of features and training: the model's version. */
  readonly id: string;
  /** In the order of columns; null is the column of texts that belong to no intent. */
  readonly labels: readonly (string | null)[];
  readonly rows: number;
  readonly tableBits: number;
  /** Softmax temperature. */
  readonly temperature: number;
  readonly rejection: RejectionRule;
}

export interface ModelArrays {
  /** Hash by place in the table, 0 where empty, and the row that belongs to it. */
  readonly keys: Uint32Array;
  readonly rowAt: Uint32Array;
  /** Weight of a feature in a text, before the text is normalised. */
  readonly values: Float32Array;
  readonly scales: Float32Array;
  readonly bias: Float32Array;
  /** Row-major: all columns of a feature side by side. */
  readonly weights: Int8Array;
}

/** What one text got; the object and its array belong to the model and change with the next text. */
export interface Scores {
  /** By column. */
  readonly decision: Float64Array;
  /** Of the intents the one with the highest value, -1 when there is no intent or nothing of the text is known, and the next. */
  best: number;
  second: number;
  /** Mean value of the intents. */
  mean: number;
  /** Share of the text's features that training has seen, the rare ones counting more, 0 to 1. */
  known: number;
  /** Share of the known part that speaks for the best intent: how near the text is to what that intent's examples are made of. */
  cover: number;
}

export interface LinearModel {
  readonly head: ModelHead;
  score(text: string, entities: readonly string[]): Scores;
}

/** What is trained from a bot or a set of texts: one linear model, or one for each language and one that tells the languages. */
export interface Model {
  readonly id: string;
  readonly parts: readonly { readonly language: string | null; readonly model: LinearModel }[];
  /** Its labels are the languages of the parts; undefined where there is but one part. */
  readonly chooser?: LinearModel;
}

/** One thread, and no score outlives the next: all models read with the same buffers. */
const reader = createFeatureReader();
/** Rows of the last text, those of words first. */
const found = new Uint32Array(reader.hashes.length);
/** How many features of the last text have no row. */
let unknown = 0;
/** Of the rows of one part of a text: what they count, and where their weights begin. */
const factors = new Float64Array(reader.hashes.length + 8);
const bases = new Int32Array(reader.hashes.length + 8);

/** Rows that a text has: those with its stamp. */
interface Marks { readonly stamps: Uint32Array; stamp: number }
/** Words or runs of the last text: rows `from` to `to` of `found`, and the sum of their squares. */
interface Part { from: number; to: number; square: number }

/*
 * The walks over a text's rows are functions of the module that are given the arrays of a model: as closures over them they
 * are a third slower from the second model on, for V8 then looks the arrays up at every use.
 */

/** Rows of hashes `from` to `to` into `found` at `start`, each once; returns the new count. */
function find({ keys, rowAt }: ModelArrays, { stamps, stamp }: Marks, from: number, to: number, start: number): number {
  const { hashes } = reader;
  const mask = keys.length - 1;
  let count = start;
  for (let at = from; at < to; at++) {
    const hash = hashes[at] as number;
    let place = placeOf(hash, mask);
    let key = keys[place] as number;
    while (key !== hash && key !== 0) { place = (place + 1) & mask; key = keys[place] as number; }
    if (key === 0) { unknown += 1; continue; }
    const row = rowAt[place] as number;
    if (stamps[row] === stamp) continue;
    stamps[row] = stamp;
    found[count++] = row;
  }
  return count;
}

/** Eight rows, from `at` of `bases` and `factors`, in one walk over the columns: less than half the time of one by one, for the memory is asked for eight at once. */
function addEight(decision: Float64Array, weights: Int8Array, at: number): void {
  const base0 = bases[at] as number;
  const base1 = bases[at + 1] as number;
  const base2 = bases[at + 2] as number;
  const base3 = bases[at + 3] as number;
  const base4 = bases[at + 4] as number;
  const base5 = bases[at + 5] as number;
  const base6 = bases[at + 6] as number;
  const base7 = bases[at + 7] as number;
  const factor0 = factors[at] as number;
  const factor1 = factors[at + 1] as number;
  const factor2 = factors[at + 2] as number;
  const factor3 = factors[at + 3] as number;
  const factor4 = factors[at + 4] as number;
  const factor5 = factors[at + 5] as number;
  const factor6 = factors[at + 6] as number;
  const factor7 = factors[at + 7] as number;
  for (let column = 0; column < decision.length; column++) {
    decision[column] = (decision[column] as number)
      + factor0 * (weights[base0 + column] as number) + factor1 * (weights[base1 + column] as number)
      + factor2 * (weights[base2 + column] as number) + factor3 * (weights[base3 + column] as number)
      + factor4 * (weights[base4 + column] as number) + factor5 * (weights[base5 + column] as number)
      + factor6 * (weights[base6 + column] as number) + factor7 * (weights[base7 + column] as number);
  }
}

/** Adds the rows of one part, normalised to the weight. */
function addPart(decision: Float64Array, { values, scales, weights }: ModelArrays, part: Part, weight: number): void {
  const { from, to } = part;
  let square = 0;
  for (let at = from; at < to; at++) { const value = values[found[at] as number] as number; square += value * value; }
  part.square = square;
  if (square === 0) return;
  const norm = weight / Math.sqrt(square);
  let count = 0;
  for (let at = from; at < to; at++) {
    const row = found[at] as number;
    factors[count] = norm * (values[row] as number) * (scales[row] as number);
    bases[count++] = row * decision.length;
  }
  // The last walk is filled up with rows that add nothing.
  while (count % 8 !== 0) { factors[count] = 0; bases[count++] = 0; }
  for (let at = 0; at < count; at += 8) addEight(decision, weights, at);
}

/** Share of a part, by squares, that speaks for a column; 0 of nothing. */
function speaking({ values, weights }: ModelArrays, { from, to, square }: Part, column: number, columns: number): number {
  let sum = 0;
  for (let at = from; at < to; at++) {
    const row = found[at] as number;
    const value = values[row] as number;
    if ((weights[row * columns + column] as number) > 0) sum += value * value;
  }
  return square > 0 ? sum / square : 0;
}

/** Best, second and mean. */
function rank(scores: Scores, outside: number): void {
  const { decision } = scores;
  let best = -1;
  let second = -1;
  let sum = 0;
  for (let label = 0; label < decision.length; label++) {
    if (label === outside) continue;
    const value = decision[label] as number;
    sum += value;
    if (best < 0 || value > (decision[best] as number)) { second = best; best = label; } else if (second < 0 || value > (decision[second] as number)) second = label;
  }
  scores.best = best;
  scores.second = second;
  scores.mean = sum / Math.max(1, outside < 0 ? decision.length : decision.length - 1);
}

/** Share of the features that are known, where an unknown one counts as the rarest. */
function knownShare(values: Float32Array, count: number, rarest: number): number {
  let sum = 0;
  for (let at = 0; at < count; at++) sum += values[found[at] as number] as number;
  return count === 0 ? 0 : sum / (sum + unknown * rarest);
}

export function createLinearModel(head: ModelHead, arrays: ModelArrays): LinearModel {
  const columns = head.labels.length;
  const outside = head.labels.indexOf(null);
  const decision = new Float64Array(columns);
  const scores: Scores = { decision, best: -1, second: -1, mean: 0, known: 0, cover: 0 };
  const marks: Marks = { stamps: new Uint32Array(head.rows), stamp: 0 };
  const words: Part = { from: 0, to: 0, square: 0 };
  const runs: Part = { from: 0, to: 0, square: 0 };
  const rarest = arrays.values.reduce((most, value) => Math.max(most, value), 0);

  function readText(text: string, entities: readonly string[]): void {
    reader.read(text, entities);
    marks.stamp += 1;
    if (marks.stamp === 0xffffffff) { marks.stamps.fill(0); marks.stamp = 1; }
    unknown = 0;
    words.to = runs.from = find(arrays, marks, 0, reader.words, 0);
    runs.to = find(arrays, marks, reader.words, reader.words + reader.runs, words.to);
  }

  /** Words and runs weigh as they do in the decision. */
  function cover(column: number): number {
    const wordWeight = words.square > 0 ? 1 : 0;
    const runWeight = runs.square > 0 ? RUN_WEIGHT * RUN_WEIGHT : 0;
    return (wordWeight * speaking(arrays, words, column, columns) + runWeight * speaking(arrays, runs, column, columns)) / (wordWeight + runWeight);
  }

  return {
    head,
    score(text, entities) {
      readText(text, entities);
      decision.set(arrays.bias);
      addPart(decision, arrays, words, 1);
      addPart(decision, arrays, runs, RUN_WEIGHT);
      rank(scores, outside);
      if (runs.to === 0) scores.best = -1;
      scores.known = knownShare(arrays.values, runs.to, rarest);
      scores.cover = scores.best < 0 ? 0 : cover(scores.best);
      return scores;
    },
  };
}
