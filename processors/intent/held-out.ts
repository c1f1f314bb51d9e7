/**
 * What the model says of texts that it has not seen: folds of the examples are taken out of the trained machines, which then
 * go through the others again until they have settled.
 */
import type { HeldOutDecision } from './calibration.js';
import { createLinearModel, type ModelHead } from './model.js';
import { addOdds } from './odds.js';
import { pack } from './pack.js';
import { seeded, shuffle } from './random.js';
import { newSignals, signalsOf, type HeldOutSignals } from './rejection.js';
import type { Machines, Truth } from './svm.js';
import { placeOf, type Examples, type ReadableText, type Vocabulary } from './vocabulary.js';

const FOLDS = 4;
/** Above this many examples times labels one fold tells enough. */
const MANY = 300_000;
const ROUNDS = 1;

export interface Trained {
  readonly machines: Machines;
  readonly data: Examples;
  readonly vocabulary: Vocabulary;
  readonly head: ModelHead;
  readonly truth: Truth;
  /** The texts that are no copies stand first; copy i belongs to text i modulo their count. */
  readonly texts: readonly ReadableText[];
  readonly seed: number;
}

export interface HeldOut { readonly decisions: readonly HeldOutDecision[]; readonly signals: readonly HeldOutSignals[] }

export function holdOut(trained: Trained): HeldOut {
  const { texts, truth, head, data } = trained;
  const foldOf = dealFolds(truth.columns.subarray(0, texts.length), head.labels.length, trained.seed);
  const found = { decisions: [] as HeldOutDecision[], signals: [] as HeldOutSignals[] };
  const folds = texts.length * head.labels.length > MANY ? 1 : FOLDS;
  for (let fold = 0; fold < folds; fold++) {
    const isOut = (example: number): boolean => foldOf[example % texts.length] === fold;
    const all = Uint32Array.from({ length: data.count }, (_, example) => example);
    scoreFold(trained, all.filter((example) => !isOut(example)), all.filter(isOut), found);
  }
  return found;
}

function scoreFold(trained: Trained, inside: Uint32Array, out: Uint32Array, found: { decisions: HeldOutDecision[]; signals: HeldOutSignals[] }): void {
  const { texts, head, vocabulary, data, truth: { columns } } = trained;
  const machines = trained.machines.copy();
  machines.forget(out);
  machines.train(inside, ROUNDS, trained.seed);
  addOdds(machines.weights, head.labels.length, data, trained.truth, inside);
  const arrays = pack(machines, only(vocabulary, seenRows(data, inside, vocabulary.rows)), head.labels.length);
  const model = createLinearModel(head, arrays);
  const outside = head.labels.indexOf(null);
  const covered = new Set(Array.from(inside, (example) => columns[example]));
  for (const example of out) {
    const text = texts[example];
    const truth = columns[example] as number;
    if (text === undefined || !covered.has(truth)) continue;
    const scores = model.score(text.text, text.entities);
    if (scores.best < 0) continue;
    found.decisions.push({ decision: scores.decision.slice(), truth });
    if (truth === outside) continue;
    const signals = newSignals();
    signalsOf(scores, outside, signals);
    found.signals.push({ signals, right: scores.best === truth });
  }
}

/** Each label's texts are dealt to the folds in turn. */
function dealFolds(columns: Uint16Array, labels: number, seed: number): Uint8Array {
  const foldOf = new Uint8Array(columns.length);
  const next = new Uint32Array(labels);
  const order = Uint32Array.from(columns.keys());
  shuffle(order, seeded(seed));
  for (const example of order) {
    const label = columns[example] as number;
    foldOf[example] = (next[label] as number) % FOLDS;
    next[label] = (next[label] as number) + 1;
  }
  return foldOf;
}

function seenRows({ starts, features }: Examples, examples: Uint32Array, rows: number): Uint8Array {
  const seen = new Uint8Array(rows);
  for (const example of examples) for (let at = starts[example] as number; at < (starts[example + 1] as number); at++) seen[features[at] as number] = 1;
  return seen;
}

/** The vocabulary as if the other features had never been seen. */
function only(vocabulary: Vocabulary, seen: Uint8Array): Vocabulary {
  const keys = new Uint32Array(vocabulary.keys.length);
  const rowAt = new Uint32Array(keys.length);
  const mask = keys.length - 1;
  vocabulary.keys.forEach((hash, from) => {
    const row = vocabulary.rowAt[from] as number;
    if (hash === 0 || seen[row] === 0) return;
    let place = placeOf(hash, mask);
    while (keys[place] !== 0) place = (place + 1) & mask;
    keys[place] = hash;
    rowAt[place] = row;
  });
  return { ...vocabulary, keys, rowAt };
}
