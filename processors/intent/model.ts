/**
 * A trained classifier: scoring and its byte form. Only features that were seen in training have a row of weights (8-bit,
 * one scale a row), found by an open-addressed table of their hashes. Always loaded from bytes, also right after training,
 * so that a model from the cache scores exactly as the one that was stored.
 */
import { createHash } from 'node:crypto';
import { createFeatureReader, type FeatureReader } from './features.js';

/** Character runs weigh more than words. */
export const RUN_WEIGHT = 1.5;

export interface ModelHead {
  /** Changes with the training data, its settings and the code of features and training. */
  readonly id: string;
  /** In the order of columns; null is the column of texts that belong to no intent. */
  readonly labels: readonly (string | null)[];
  readonly rows: number;
  readonly tableBits: number;
  /** Softmax temperature. */
  readonly temperature: number;
  /** Least score of a text that counts as understood. */
  readonly threshold: number;
}

export interface ModelArrays {
  /** Hash by place in the table, 0 where empty, and the row that belongs to it. */
  readonly keys: Uint32Array;
  readonly rowAt: Uint32Array;
  /** Weight of a feature in a text, before the text is normalised. */
  readonly values: Float32Array;
  readonly scales: Float32Array;
  readonly bias: Float32Array;
  /** Row-major: all labels of a feature side by side. */
  readonly weights: Int8Array;
}

/** What one text got; the arrays belong to the model and change with the next text. */
export interface Scores {
  readonly decision: Float64Array;
  /** Share of the text's features that training has seen, 0 to 1. */
  known: number;
  best: number;
  second: number;
}

export interface Model {
  readonly head: ModelHead;
  score(text: string, entities: readonly string[]): Scores;
}

/** Higher is more like the training data: the best decision value, its lead, and how much of the text is known. */
export function acceptance(scores: Scores, labels: number): number {
  const best = scores.decision[scores.best] ?? 0;
  const lead = labels > 1 ? best - (scores.decision[scores.second] ?? 0) : 0;
  return best + 0.5 * lead + scores.known;
}

export const keyAt = (hash: number, mask: number): number => (hash ^ (hash >>> 16)) & mask;

const MAGIC = 0x31464d43;
const HEAD = 8;
const SUM = 32;

export function encodeModel(head: ModelHead, arrays: ModelArrays): Buffer {
  const json = Buffer.from(JSON.stringify(head));
  const padded = Buffer.concat([json, Buffer.alloc((4 - (json.length % 4)) % 4, 0x20)]);
  const start = Buffer.alloc(HEAD);
  start.writeUInt32LE(MAGIC, 0);
  start.writeUInt32LE(padded.length, 4);
  const parts = [arrays.keys, arrays.rowAt, arrays.values, arrays.scales, arrays.bias, arrays.weights];
  const body = Buffer.concat([start, padded, ...parts.map((part) => Buffer.from(part.buffer, part.byteOffset, part.byteLength))]);
  return Buffer.concat([createHash('sha256').update(body).digest(), body]);
}

/** The model of the bytes, or undefined when they are not one (cut, changed, of another program). */
export function decodeModel(bytes: Buffer, reader: FeatureReader = createFeatureReader()): Model | undefined {
  if (bytes.length < SUM + HEAD || !createHash('sha256').update(bytes.subarray(SUM)).digest().equals(bytes.subarray(0, SUM))) return undefined;
  if (bytes.readUInt32LE(SUM) !== MAGIC) return undefined;
  const size = bytes.readUInt32LE(SUM + 4);
  const head = JSON.parse(bytes.toString('utf8', SUM + HEAD, SUM + HEAD + size)) as ModelHead;
  // A copy that begins at 0: typed arrays need aligned places.
  const body = bytes.buffer.slice(bytes.byteOffset + SUM + HEAD + size, bytes.byteOffset + bytes.length) as ArrayBuffer;
  const places = 2 ** head.tableBits;
  let at = 0;
  const next = (count: number): [ArrayBuffer, number, number] => { const from = at; at += count * 4; return [body, from, count]; };
  const arrays: ModelArrays = {
    keys: new Uint32Array(...next(places)),
    rowAt: new Uint32Array(...next(places)),
    values: new Float32Array(...next(head.rows)),
    scales: new Float32Array(...next(head.rows)),
    bias: new Float32Array(...next(head.labels.length)),
    weights: new Int8Array(body, at, head.rows * head.labels.length),
  };
  return createModel(head, arrays, reader);
}

// eslint-disable-next-line max-lines-per-function -- its parts are closures over the arrays: no field is looked up for a feature
export function createModel(head: ModelHead, arrays: ModelArrays, reader: FeatureReader): Model {
  const { keys, rowAt, values, scales, bias, weights } = arrays;
  const labels = head.labels.length;
  const mask = keys.length - 1;
  const decision = new Float64Array(labels);
  const scores: Scores = { decision, known: 0, best: 0, second: 0 };
  const found = new Uint32Array(reader.hashes.length);
  const seen = new Uint32Array(head.rows);
  let stamp = 0;

  /** Rows of hashes `from` to `to` into `found` at `count`, each once; returns the new count. */
  function look(from: number, to: number, start: number): number {
    let count = start;
    const { hashes } = reader;
    for (let at = from; at < to; at++) {
      const hash = hashes[at] as number;
      let place = keyAt(hash, mask);
      let key = keys[place] as number;
      while (key !== hash && key !== 0) { place = (place + 1) & mask; key = keys[place] as number; }
      if (key === 0) continue;
      hits += 1;
      const row = rowAt[place] as number;
      if (seen[row] === stamp) continue;
      seen[row] = stamp;
      found[count++] = row;
    }
    return count;
  }
  let hits = 0;

  function add(from: number, to: number, weight: number): void {
    let square = 0;
    for (let at = from; at < to; at++) { const value = values[found[at] as number] as number; square += value * value; }
    if (square === 0) return;
    const norm = weight / Math.sqrt(square);
    for (let at = from; at < to; at++) {
      const row = found[at] as number;
      const factor = (values[row] as number) * norm * (scales[row] as number);
      const base = row * labels;
      for (let label = 0; label < labels; label++) decision[label] = (decision[label] as number) + factor * (weights[base + label] as number);
    }
  }

  return {
    head,
    score(text, entities) {
      reader.read(text, entities);
      stamp += 1;
      if (stamp === 0xffffffff) { seen.fill(0); stamp = 1; }
      hits = 0;
      const words = look(0, reader.words, 0);
      const all = look(reader.words, reader.words + reader.runs, words);
      for (let label = 0; label < labels; label++) decision[label] = bias[label] as number;
      add(0, words, 1);
      add(words, all, RUN_WEIGHT);
      const total = reader.words + reader.runs;
      scores.known = total === 0 ? 0 : hits / total;
      rank(scores);
      return scores;
    },
  };
}

function rank(scores: Scores): void {
  const { decision } = scores;
  let best = 0;
  let second = -1;
  for (let label = 1; label < decision.length; label++) {
    const value = decision[label] as number;
    if (value > (decision[best] as number)) { second = best; best = label; } else if (second < 0 || value > (decision[second] as number)) second = label;
  }
  scores.best = best;
  scores.second = second < 0 ? best : second;
}
