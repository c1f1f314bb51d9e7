/**
 * Examples to the bytes of a model. Held-out folds of the training data give the temperature of the confidence and the
 * score below which a text counts as not understood; the model itself is then trained on all examples.
 */
import { createHash } from 'node:crypto';
import { createFeatureReader, type FeatureReader } from './features.js';
import { acceptance, createModel, encodeModel, keyAt, RUN_WEIGHT, type Model, type ModelArrays } from './model.js';
import { seeded, shuffle, trainLabel, type Examples } from './svm.js';

/** Part of the model's id: raise it whenever features, training or the byte form change. */
const CODE = 1;
const SEED = 20260822;
const FOLDS = 4;
/** Above this many weights, features seen in a single example are left out: memory and time, not accuracy. */
const MANY_WEIGHTS = 4_000_000;

export interface TrainingText {
  readonly text: string;
  /** null: belongs to no intent. */
  readonly label: string | null;
  /** Names for the entities that were found in it. */
  readonly entities: readonly string[];
}

export interface TrainingSet {
  readonly texts: readonly TrainingText[];
  /** Share of held-out texts that is to be accepted. */
  readonly accept: number;
}

/** Content hash of a training set and of this code: the key of the cache and the model's version. */
export function modelId(set: TrainingSet): string {
  return createHash('sha256').update(JSON.stringify([CODE, SEED, set.accept, set.texts.map((one) => [one.label, one.text, one.entities])])).digest('hex').slice(0, 32);
}

interface Vocabulary { readonly tableBits: number; readonly keys: Uint32Array; readonly rowAt: Uint32Array; readonly values: Float32Array; readonly rows: number }

/** The same set gives the same bytes. */
export function train(set: TrainingSet): Buffer {
  const reader = createFeatureReader();
  const labels = [...new Set(set.texts.map((one) => one.label))].sort((a, b) => (a ?? '\uffff') < (b ?? '\uffff') ? -1 : 1);
  const read = readAll(set.texts, reader);
  const vocabulary = buildVocabulary(read, labels.length);
  const data = toExamples(set.texts, read, labels, vocabulary);
  const everything = Uint32Array.from({ length: data.count }, (_, index) => index);
  const heldOut = crossValidate(set, data, labels, vocabulary, reader);
  const temperature = fitTemperature(heldOut);
  const threshold = fitThreshold(heldOut, labels, set.accept);
  return encodeModel({ id: modelId(set), labels, rows: vocabulary.rows, tableBits: vocabulary.tableBits, temperature, threshold }, fit(data, everything, labels.length, vocabulary));
}

interface ReadText { readonly words: Uint32Array; readonly runs: Uint32Array }

function readAll(texts: readonly TrainingText[], reader: FeatureReader): ReadText[] {
  return texts.map(({ text, entities }) => {
    reader.read(text, entities);
    return { words: new Set(reader.hashes.subarray(0, reader.words)), runs: new Set(reader.hashes.subarray(reader.words, reader.words + reader.runs)) };
  }).map(({ words, runs }) => ({ words: Uint32Array.from(words), runs: Uint32Array.from(runs) }));
}

function buildVocabulary(read: readonly ReadText[], labels: number): Vocabulary {
  const frequency = new Map<number, number>();
  for (const { words, runs } of read) for (const part of [words, runs]) for (const hash of part) frequency.set(hash, (frequency.get(hash) ?? 0) + 1);
  const least = frequency.size * labels > MANY_WEIGHTS ? 2 : 1;
  const kept = [...frequency].filter(([, count]) => count >= least).sort((a, b) => a[0] - b[0]);
  const tableBits = Math.max(4, Math.ceil(Math.log2(Math.max(1, kept.length) * 2)));
  const keys = new Uint32Array(2 ** tableBits);
  const rowAt = new Uint32Array(2 ** tableBits);
  const mask = keys.length - 1;
  kept.forEach(([hash], row) => {
    let place = keyAt(hash, mask);
    while (keys[place] !== 0) place = (place + 1) & mask;
    keys[place] = hash;
    rowAt[place] = row;
  });
  // Square root of the inverse document frequency: rare features count more, but not much more.
  const values = Float32Array.from(kept, ([, count]) => Math.sqrt(Math.log((1 + read.length) / (1 + count)) + 1));
  return { tableBits, keys, rowAt, values, rows: kept.length };
}

function toExamples(texts: readonly TrainingText[], read: readonly ReadText[], labels: readonly (string | null)[], vocabulary: Vocabulary): Examples {
  const column = new Map(labels.map((label, index) => [label, index]));
  const rowOf = new Map<number, number>();
  vocabulary.keys.forEach((hash, place) => { if (hash !== 0) rowOf.set(hash, vocabulary.rowAt[place] as number); });
  const starts = new Uint32Array(texts.length + 1);
  const features: number[] = [];
  const values: number[] = [];
  const add = (hashes: Uint32Array, weight: number): void => {
    const rows = [...hashes].flatMap((hash) => rowOf.get(hash) ?? []);
    const norm = weight / Math.sqrt(rows.reduce((sum, row) => sum + (vocabulary.values[row] as number) ** 2, 0) || 1);
    for (const row of rows) { features.push(row); values.push((vocabulary.values[row] as number) * norm); }
  };
  read.forEach(({ words, runs }, index) => {
    add(words, 1);
    add(runs, RUN_WEIGHT);
    starts[index + 1] = features.length;
  });
  return { count: texts.length, starts, features: Uint32Array.from(features), values: Float32Array.from(values), labels: Uint16Array.from(texts, (one) => column.get(one.label) ?? 0) };
}

/** Trains all labels and packs the weights into 8 bits a piece. */
function fit(data: Examples, chosen: Uint32Array, labels: number, vocabulary: Vocabulary): ModelArrays {
  const { rows } = vocabulary;
  const dense = new Float32Array(rows * labels);
  const bias = new Float32Array(labels);
  for (let label = 0; label < labels; label++) {
    const weights = trainLabel(data, chosen, label, rows, seeded(SEED + label));
    for (let row = 0; row < rows; row++) dense[row * labels + label] = weights[row] as number;
    bias[label] = weights[rows] as number;
  }
  const scales = new Float32Array(rows);
  const packed = new Int8Array(rows * labels);
  for (let row = 0; row < rows; row++) {
    let most = 0;
    for (let at = row * labels; at < (row + 1) * labels; at++) most = Math.max(most, Math.abs(dense[at] as number));
    const scale = most / 127;
    scales[row] = scale;
    if (scale > 0) for (let at = row * labels; at < (row + 1) * labels; at++) packed[at] = Math.round((dense[at] as number) / scale);
  }
  return { keys: vocabulary.keys, rowAt: vocabulary.rowAt, values: vocabulary.values, scales, bias, weights: packed };
}

interface HeldOut { readonly decision: Float64Array; readonly truth: number; readonly best: number; readonly acceptance: number }

/** Scores of texts by a model that has not seen them. Each label's texts are dealt to the folds in turn; a large set needs but one. */
function crossValidate(set: TrainingSet, data: Examples, labels: readonly (string | null)[], vocabulary: Vocabulary, reader: FeatureReader): HeldOut[] {
  const folds = Array.from({ length: labels.length * data.count > 300_000 ? 1 : FOLDS }, (_, fold) => fold);
  const foldOf = dealFolds(data, labels.length);
  const found: HeldOut[] = [];
  for (const fold of folds) {
    const inside = Uint32Array.from([...foldOf.keys()].filter((example) => foldOf[example] !== fold));
    const covered = new Set([...inside].map((example) => data.labels[example]));
    const head = { id: '', labels, rows: vocabulary.rows, tableBits: vocabulary.tableBits, temperature: 1, threshold: 0 };
    const model: Model = createModel(head, fit(data, inside, labels.length, vocabulary), reader);
    foldOf.forEach((its, example) => {
      const truth = data.labels[example] as number;
      const one = set.texts[example];
      if (its !== fold || one === undefined || !covered.has(truth)) return;
      const scores = model.score(one.text, one.entities);
      found.push({ decision: scores.decision.slice(), truth, best: scores.best, acceptance: acceptance(scores, labels.length) });
    });
  }
  return found;
}

function dealFolds(data: Examples, labels: number): Uint8Array {
  const foldOf = new Uint8Array(data.count);
  const next = new Uint32Array(labels);
  const order = Uint32Array.from({ length: data.count }, (_, index) => index);
  shuffle(order, seeded(SEED));
  for (const example of order) {
    const label = data.labels[example] as number;
    foldOf[example] = (next[label] as number) % FOLDS;
    next[label] = (next[label] as number) + 1;
  }
  return foldOf;
}

/** The temperature with the least surprise over the held-out texts. */
function fitTemperature(heldOut: readonly HeldOut[]): number {
  let best = 0.3;
  let least = Infinity;
  for (let step = 0; step <= 40; step++) {
    const temperature = 0.05 * 1.12 ** step;
    let loss = 0;
    for (const { decision, truth } of heldOut) {
      let sum = 0;
      for (const value of decision) sum += Math.exp((value - (decision[truth] as number)) / temperature);
      loss += Math.log(sum);
    }
    if (loss < least) { least = loss; best = temperature; }
  }
  return best;
}

/** The score that the wanted share of rightly classified held-out texts reaches. */
function fitThreshold(heldOut: readonly HeldOut[], labels: readonly (string | null)[], accept: number): number {
  const right = heldOut.filter((one) => one.best === one.truth && labels[one.truth] !== null).map((one) => one.acceptance).sort((a, b) => a - b);
  return right.length < 10 ? 0 : right[Math.floor((1 - accept) * right.length)] ?? 0;
}
