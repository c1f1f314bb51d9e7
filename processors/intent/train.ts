/**
 * Examples to the bytes of a model. Held-out folds of the examples give the temperature of the confidence and the rule by
 * which a text is out of scope; the model itself is trained on all of them, and on mistyped copies where there are many.
 */
import { createHash } from 'node:crypto';
import { encodeLanguages, encodeLinear } from './artefact.js';
import { fitTemperature } from './calibration.js';
import { createFeatureReader } from './features.js';
import { isUnspaced } from './fold.js';
import { holdOut } from './held-out.js';
import { createMistyping } from './mistype.js';
import type { ModelHead } from './model.js';
import { addOdds } from './odds.js';
import { pack } from './pack.js';
import { seeded } from './random.js';
import { fitRejection } from './rejection.js';
import { Machines, type Truth } from './svm.js';
import { buildVocabulary, readTexts, toExamples } from './vocabulary.js';

/** Part of the model's id: raise it whenever features, training or the byte form change. */
const CODE = 6;
const SEED = 20260822;
const ROUNDS = 5;
/** From so many examples a label on a mistyped copy of each helps; with fewer it only hides the words. */
const EXAMPLES_FOR_COPIES = 30;
/** What an error in a mistyped copy costs against one in an example. */
const COPY_COST = 0.1;

export interface TrainingText {
  readonly text: string;
  /** null: belongs to no intent. */
  readonly label: string | null;
  /** Names for the entities that were found in it. */
  readonly entities: readonly string[];
  /** Of a bot with several languages. */
  readonly language?: string;
}

export interface TrainingSet {
  readonly texts: readonly TrainingText[];
  /** Share of the rightly classified texts that is to be accepted. */
  readonly accept: number;
}

/** Content hash of a training set and of this code: the key of the cache and the model's version. */
export function modelId(set: TrainingSet): string {
  const hash = createHash('sha256').update(JSON.stringify([CODE, SEED, set.accept, set.texts.map(({ label, text, entities, language }) => [label, text, entities, language])]));
  // Where words are found by a dictionary, another edition of it is another model.
  if (set.texts.some(({ text }) => isUnspaced(text))) hash.update(process.versions['icu'] ?? '');
  return hash.digest('hex').slice(0, 32);
}

/** The same set gives the same bytes. With texts of several languages each language gets a model of its own. */
export function train(set: TrainingSet): Buffer {
  const id = modelId(set);
  const languages = sorted(set.texts.flatMap(({ language }) => language ?? []));
  if (languages.length < 2) return trainLinear(id, set.texts, set.accept);
  // A text without a language belongs to all of them.
  const parts = languages.map((language) => ({ language, bytes: trainLinear(id, set.texts.filter((one) => (one.language ?? language) === language), set.accept) }));
  const named = set.texts.flatMap(({ text, language }) => (language === undefined ? [] : { text, label: language, entities: [] }));
  return encodeLanguages(id, parts, trainLinear(id, named, set.accept));
}

function trainLinear(id: string, texts: readonly TrainingText[], accept: number): Buffer {
  const labels = sorted(texts.map((one) => one.label));
  const all = [...texts, ...mistypedCopies(texts, labels.length)];
  const read = readTexts(all, createFeatureReader());
  const vocabulary = buildVocabulary(read, texts.length, labels.length);
  const data = toExamples(read, vocabulary);
  const column = new Map(labels.map((label, index) => [label, index]));
  const truth: Truth = { columns: Uint16Array.from(all, ({ label }) => column.get(label) as number), weights: Float32Array.from(all, (_, index) => (index < texts.length ? 1 : COPY_COST)) };
  const machines = new Machines(data, truth, vocabulary.rows, labels.length);
  const examples = Uint32Array.from({ length: data.count }, (_, index) => index);
  machines.train(examples, ROUNDS, SEED);
  const head: ModelHead = { id, labels, rows: vocabulary.rows, tableBits: vocabulary.tableBits, temperature: 1, rejection: { means: [], factors: [], threshold: 0 } };
  const { decisions, signals } = holdOut({ machines, data, vocabulary, head, truth, texts, seed: SEED });
  addOdds(machines.weights, labels.length, data, truth, examples);
  return encodeLinear({ ...head, temperature: fitTemperature(decisions), rejection: fitRejection(signals, accept) }, pack(machines, vocabulary, labels.length));
}

/** Without doubles; null last. */
function sorted<T extends string | null>(names: readonly T[]): T[] {
  return [...new Set(names)].sort((a, b) => (a ?? '\uffff') < (b ?? '\uffff') ? -1 : 1);
}

function mistypedCopies(texts: readonly TrainingText[], labels: number): TrainingText[] {
  if (texts.length < EXAMPLES_FOR_COPIES * labels) return [];
  const draw = seeded(SEED);
  const typing = createMistyping(texts.map(({ text }) => text));
  return texts.map((one) => ({ ...one, text: typing.mistype(one.text, draw) }));
}
