/**
 * Marked examples to the bytes of a tagger: an averaged structured perceptron. Each text is decoded with the weights so far,
 * and where the result differs from the marks, weights of the right sequence go up and those of the wrong one down; the
 * average over all steps is the model. A part of the examples, held out first, says how many rounds are best and what a
 * margin is worth as a confidence. Without randomness: the same examples give the same bytes.
 */
import { createHash } from 'node:crypto';
import { eachFeature } from './features.js';
import { begins, goesOn, Lattice, OUTSIDE, transitionAt } from './lattice.js';
import { encodeSlots, hashTable, spansOf, type SlotArrays } from './model.js';
import { slotTokens, type SlotToken } from './tokens.js';

export interface SlotMark { readonly entity: string; readonly start: number; readonly end: number }

export interface SlotExample {
  readonly text: string;
  /** null: of none. */
  readonly intent: string | null;
  readonly marks: readonly SlotMark[];
}

/** Part of the model's id: raise it whenever tokens, features, training or the byte form change. */
const CODE = 1;
const SEED = 20261123;
const MOST_ROUNDS = 5;
/** Every so manieth example is held out. */
const HELD_OUT = 6;
const LEAST_TO_HOLD_OUT = 30;
const ROUNDS_WITHOUT = 5;
/** Above this many weights features of a single place are left out: memory, not accuracy. */
const MANY_WEIGHTS = 1_000_000;
const TEMPERATURES = [0.25, 0.5, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128];
const DEFAULT_TEMPERATURE = 8;

/** Content hash of the examples and of this code. */
export function slotModelId(examples: readonly SlotExample[]): string {
  return createHash('sha256').update(JSON.stringify(['slots', CODE, examples.map((one) => [one.text, one.intent, one.marks.map((mark) => [mark.entity, mark.start, mark.end])])])).digest('hex').slice(0, 32);
}

interface ReadExample { readonly tokens: readonly SlotToken[]; /** Rows of features by token. */ readonly rows: readonly Int32Array[]; readonly labels: Int32Array }
interface Weights { readonly values: Float32Array; readonly sums: Float32Array; readonly transitions: Float32Array; readonly transitionSums: Float32Array; step: number }
interface Frame { readonly entities: readonly string[]; readonly labels: number; readonly features: number }

export function trainSlots(examples: readonly SlotExample[]): Buffer {
  const entities = [...new Set(examples.flatMap((one) => one.marks.map((mark) => mark.entity)))].sort();
  const tokens = examples.map((one) => slotTokens(one.text));
  const index = buildIndex(examples, tokens, entities.length * 2 + 1);
  const frame: Frame = { entities, labels: entities.length * 2 + 1, features: index.size };
  const read = examples.map((one, at) => readExample(one, tokens[at] ?? [], index, entities)).filter((one) => one.tokens.length > 0);
  const { rounds, temperature } = chooseBy(read, frame);
  const weights = fit(read, frame, rounds);
  return encode(slotModelId(examples), index, weights, { frame, temperature });
}

function buildIndex(examples: readonly SlotExample[], tokens: readonly (readonly SlotToken[])[], labels: number): Map<number, number> {
  const counts = new Map<number, number>();
  examples.forEach((one, at) => { eachFeature(tokens[at] ?? [], one.intent ?? '', (_token, hash) => counts.set(hash, (counts.get(hash) ?? 0) + 1)); });
  const least = counts.size * labels > MANY_WEIGHTS ? 2 : 1;
  const index = new Map<number, number>();
  for (const [hash, count] of counts) if (count >= least) index.set(hash, index.size);
  return index;
}

function readExample(example: SlotExample, tokens: readonly SlotToken[], index: ReadonlyMap<number, number>, entities: readonly string[]): ReadExample {
  const lists: number[][] = tokens.map(() => []);
  eachFeature(tokens, example.intent ?? '', (token, hash) => { const row = index.get(hash); if (row !== undefined) lists[token]?.push(row); });
  const labels = new Int32Array(tokens.length);
  for (const mark of example.marks) {
    const entity = entities.indexOf(mark.entity);
    let first = true;
    tokens.forEach((token, at) => {
      if (token.end <= mark.start || token.start >= mark.end || labels[at] !== OUTSIDE) return;
      labels[at] = first ? begins(entity) : goesOn(entity);
      first = false;
    });
  }
  return { tokens, rows: lists.map((list) => Int32Array.from(list)), labels };
}

/** Rounds and temperature that are best for examples which training has not seen; few examples are too few to tell. */
function chooseBy(read: readonly ReadExample[], frame: Frame): { rounds: number; temperature: number } {
  const marked = read.filter((one) => one.labels.some((label) => label !== OUTSIDE)).length;
  if (marked < LEAST_TO_HOLD_OUT) return { rounds: ROUNDS_WITHOUT, temperature: DEFAULT_TEMPERATURE };
  const rest = read.filter((_, at) => at % HELD_OUT !== 0);
  const held = read.filter((_, at) => at % HELD_OUT === 0);
  let best = { rounds: ROUNDS_WITHOUT, temperature: DEFAULT_TEMPERATURE, score: -1 };
  fit(rest, frame, MOST_ROUNDS, (round, weights) => {
    const { score, guesses } = judge(held, frame, weights);
    if (score > best.score) best = { rounds: round, temperature: temperatureOf(guesses), score };
  });
  return best;
}

interface Guess { readonly margin: number; readonly right: boolean }

/** F1 of whole spans, and what each guess was worth. */
function judge(held: readonly ReadExample[], frame: Frame, weights: Weights): { score: number; guesses: Guess[] } {
  const average = averageOf(weights);
  const lattice = new Lattice(frame.labels, average.transitions);
  const guesses: Guess[] = [];
  let wanted = 0;
  for (const one of held) {
    decode(lattice, one, average.values);
    const right = new Set(spansOf(one.labels, one.tokens, frame.entities).map((span) => `${span.first}:${span.last}:${span.entity}`));
    wanted += right.size;
    const margins: number[] = [];
    lattice.margins(one.tokens.length, (_token, margin) => { margins.push(margin); });
    for (const span of spansOf(lattice.best, one.tokens, frame.entities)) guesses.push({ margin: Math.min(...margins.slice(span.first, span.last + 1)), right: right.has(`${span.first}:${span.last}:${span.entity}`) });
  }
  const hits = guesses.filter((one) => one.right).length;
  return { score: hits === 0 ? 0 : 2 * hits / (guesses.length + wanted), guesses };
}

/** The temperature under which the guesses are likeliest. */
function temperatureOf(guesses: readonly Guess[]): number {
  let best = { temperature: DEFAULT_TEMPERATURE, loss: Infinity };
  for (const temperature of TEMPERATURES) {
    let loss = 0;
    for (const { margin, right } of guesses) loss -= Math.log(Math.max(1e-6, right ? 1 / (1 + Math.exp(-margin / temperature)) : 1 - 1 / (1 + Math.exp(-margin / temperature))));
    if (loss < best.loss) best = { temperature, loss };
  }
  return best.temperature;
}

function fit(read: readonly ReadExample[], { labels, features }: Frame, rounds: number, after?: (round: number, weights: Weights) => void): Weights {
  const weights: Weights = {
    values: new Float32Array(features * labels), sums: new Float32Array(features * labels),
    transitions: new Float32Array((labels + 1) * labels), transitionSums: new Float32Array((labels + 1) * labels), step: 1,
  };
  const lattice = new Lattice(labels, weights.transitions);
  const order = Uint32Array.from({ length: read.length }, (_, at) => at);
  for (let round = 1; round <= rounds; round++) {
    shuffle(order, SEED + round);
    for (const at of order) { const one = read[at] as ReadExample; decode(lattice, one, weights.values); learn(weights, one, lattice.best, labels); weights.step += 1; }
    after?.(round, weights);
  }
  return weights;
}

function decode(lattice: Lattice, { tokens, rows }: ReadExample, values: Float32Array): void {
  const { labels } = lattice;
  lattice.reset(tokens.length);
  const { emissions } = lattice;
  for (let token = 0; token < rows.length; token++) {
    const base = token * labels;
    for (const row of rows[token] as Int32Array) { const from = row * labels; for (let label = 0; label < labels; label++) emissions[base + label] = (emissions[base + label] as number) + (values[from + label] as number); }
  }
  lattice.decode(tokens.length);
}

function learn(weights: Weights, { rows, labels: right }: ReadExample, guess: Int32Array, labels: number): void {
  const { values, sums, transitions, transitionSums, step } = weights;
  const add = (to: Float32Array, sum: Float32Array, place: number, by: number): void => { to[place] = (to[place] as number) + by; sum[place] = (sum[place] as number) + by * step; };
  for (let token = 0; token < right.length; token++) {
    const [wanted, given] = [right[token] as number, guess[token] as number];
    if (wanted !== given) for (const row of rows[token] as Int32Array) { add(values, sums, row * labels + wanted, 1); add(values, sums, row * labels + given, -1); }
    const [before, guessed] = token === 0 ? [labels, labels] : [right[token - 1] as number, guess[token - 1] as number];
    if (wanted !== given || before !== guessed) { add(transitions, transitionSums, transitionAt(before, wanted, labels), 1); add(transitions, transitionSums, transitionAt(guessed, given, labels), -1); }
  }
}

/** The average over all steps so far. */
function averageOf({ values, sums, transitions, transitionSums, step }: Weights): { values: Float32Array; transitions: Float32Array } {
  const average = (now: Float32Array, sum: Float32Array): Float32Array => now.map((value, at) => value - (sum[at] as number) / step);
  return { values: average(values, sums), transitions: average(transitions, transitionSums) };
}

function shuffle(order: Uint32Array, seed: number): void {
  let state = seed >>> 0;
  for (let at = order.length - 1; at > 0; at--) {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (at + 1));
    [order[at], order[other]] = [order[other] as number, order[at] as number];
  }
}

/** What weighs nothing is left out; the rest has 8 bits a weight and one scale a feature. */
function encode(id: string, index: ReadonlyMap<number, number>, weights: Weights, { frame, temperature }: { frame: Frame; temperature: number }): Buffer {
  const { labels, entities } = frame;
  const average = averageOf(weights);
  const hashes: number[] = [];
  const scales: number[] = [];
  const starts: number[] = [];
  const places: number[] = [];
  const values: number[] = [];
  for (const [hash, row] of index) {
    const line = average.values.subarray(row * labels, (row + 1) * labels);
    const scale = line.reduce((most, value) => Math.max(most, Math.abs(value)), 0) / 127;
    if (scale === 0) continue;
    hashes.push(hash);
    scales.push(scale);
    starts.push(places.length);
    line.forEach((value, label) => { const weight = Math.round(value / scale); if (weight !== 0) { places.push(label); values.push(weight); } });
  }
  starts.push(places.length);
  const table = hashTable(hashes);
  const arrays: SlotArrays = {
    keys: table.keys, rowAt: table.rowAt, scales: Float32Array.from(scales), starts: Uint32Array.from(starts), transitions: average.transitions, places: Uint16Array.from(places), weights: Int8Array.from(values),
  };
  return encodeSlots({ id, entities, rows: hashes.length, weights: places.length, tableBits: table.tableBits, temperature }, arrays);
}
