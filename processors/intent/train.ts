/**
 * Examples to the bytes of a model. Held-out folds of the examples give the temperature of the confidence and the rule by
 * which a text is out of scope; the model itself is trained on all of them, and on mistyped copies where there are many.
 */
import { createHash } from 'node:crypto';
import { encodeModel } from './artefact.js';
import { fitTemperature } from './calibration.js';
import { createFeatureReader } from './features.js';
import { isUnspaced } from './fold.js';
import { holdOut } from './held-out.js';
import { createMistyping } from './mistype.js';
import type { ModelHead } from './model.js';
import { pack } from './pack.js';
import { seeded } from './random.js';
import { fitRejection } from './rejection.js';
import { Machines } from './svm.js';
import { buildVocabulary, readTexts, toExamples } from './vocabulary.js';

/** Part of the model's id: raise it whenever features, training or the byte form change. */
const CODE = 2;
const SEED = 20260822;
const ROUNDS = 5;
/** From so many examples a label on a mistyped copy of each helps; with fewer it only hides the words. */
const EXAMPLES_FOR_COPIES = 20;
/** What an error in a mistyped copy costs against one in an example. */
const COPY_COST = 0.3;

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

/** The same set gives the same bytes. */
export function train(set: TrainingSet): Buffer {
  const { texts } = set;
  const labels = sorted(texts.map((one) => one.label));
  const languages = sorted(texts.flatMap(({ language }) => language ?? []));
  const known = languages.length > 1 ? languages : [];
  const all = [...texts, ...mistypedCopies(texts, labels.length)];
  const columns = labels.length + known.length;
  const read = readTexts(all, createFeatureReader());
  const vocabulary = buildVocabulary(read, texts.length, columns);
  const data = toExamples(read, vocabulary);
  const labelColumns = columnsOf(all, labels, ({ label }) => label, 0);
  const truth = {
    columns: labelColumns,
    ...(known.length > 0 && { others: columnsOf(all, known, ({ language }) => language ?? '', labels.length) }),
    weights: Float32Array.from(all, (_, index) => (index < texts.length ? 1 : COPY_COST)),
  };
  const machines = new Machines(data, truth, vocabulary.rows, columns);
  machines.train(Uint32Array.from({ length: data.count }, (_, index) => index), ROUNDS, SEED);
  const head: ModelHead = { id: modelId(set), labels, languages: known, rows: vocabulary.rows, tableBits: vocabulary.tableBits, temperature: 1, rejection: { means: [], factors: [], threshold: 0 } };
  const { decisions, signals } = holdOut({ machines, data, vocabulary, head, columns: labelColumns, texts, seed: SEED });
  return encodeModel({ ...head, temperature: fitTemperature(decisions), rejection: fitRejection(signals, set.accept) }, pack(machines, vocabulary, columns));
}

/** Without doubles; null last. */
function sorted<T extends string | null>(names: readonly T[]): T[] {
  return [...new Set(names)].sort((a, b) => (a ?? '\uffff') < (b ?? '\uffff') ? -1 : 1);
}

/** An example that has none of the names belongs to none of the columns. */
function columnsOf<T extends string | null>(texts: readonly TrainingText[], names: readonly T[], nameOf: (text: TrainingText) => string | null, first: number): Uint16Array {
  const column = new Map<string | null, number>(names.map((name, index) => [name, first + index]));
  return Uint16Array.from(texts, (one) => column.get(nameOf(one)) ?? 0xffff);
}

function mistypedCopies(texts: readonly TrainingText[], labels: number): TrainingText[] {
  if (texts.length < EXAMPLES_FOR_COPIES * labels) return [];
  const draw = seeded(SEED);
  const typing = createMistyping(texts.map(({ text }) => text));
  return texts.map((one) => ({ ...one, text: typing.mistype(one.text, draw) }));
}
