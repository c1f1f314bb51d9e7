/** A model with its calibration: a text to an intent, a confidence, a ranking, and how far it is out of scope. */
import type { RankedIntent } from '../../schemas/types.js';
import { decodeModel } from './artefact.js';
import type { LinearModel, Model } from './model.js';
import { newSignals, outOfScope, signalsOf } from './rejection.js';
import { modelId, train, type TrainingSet } from './train.js';

/** Keeps trained models by content; a file cache in production, a Map in tests. */
export interface ModelCache {
  get(hash: string): Buffer | undefined;
  set(hash: string, bytes: Buffer): unknown;
}

export interface Classification {
  /** Null when the text is out of scope. */
  readonly intent: string | null;
  /** Of the best intent, whether it was accepted or not. */
  readonly confidence: number;
  /** The best intents, also of a text that is out of scope; empty when nothing of it is known. */
  readonly ranking: readonly RankedIntent[];
  /** How far the text is from what the intents are about; above 0 it is refused. */
  readonly outOfScope: number;
  /** The most likely of the bot's languages; null when it has but one, or nothing of the text is known. */
  readonly language: string | null;
}

export interface Classifier {
  /** Id of the model. */
  readonly model: string;
  /** @param entities names for what was found in the text, as in training */
  classify(text: string, entities: readonly string[]): Classification;
}

const RANKED = 5;
const top = new Uint16Array(RANKED);
/** Of a text without anything that is known. */
const FAR_OUT = 99;
/** Of a text that is more like the examples of no intent than like any intent, at least. */
const OUT = 1e-6;
const NO_ENTITIES: readonly string[] = [];
const NOTHING: Classification = { intent: null, confidence: 0, ranking: [], outOfScope: FAR_OUT, language: null };

/** Classifiers that are in use, by model: versions of a bot that differ in other things than their examples share one. */
export type SharedClassifiers = Map<string, WeakRef<Classifier>>;

/** One that is in use, else from the cache where it has the model whole, else trained and stored. */
export function prepareClassifier(set: TrainingSet, cache: ModelCache, shared: SharedClassifiers = new Map()): Classifier {
  const id = modelId(set);
  const classifier = shared.get(id)?.deref() ?? loadOrTrain(id, set, cache);
  shared.set(id, new WeakRef(classifier));
  return classifier;
}

function loadOrTrain(id: string, set: TrainingSet, cache: ModelCache): Classifier {
  if (set.texts.length === 0) return { model: id, classify: () => NOTHING };
  const cached = cache.get(id);
  const model = cached && decodeModel(cached);
  if (model?.id === id) return createClassifier(model);
  const bytes = train(set);
  cache.set(id, bytes);
  const trained = decodeModel(bytes);
  if (!trained) throw new Error('a model that was just trained cannot be read');
  return createClassifier(trained);
}

type Judge = Classifier['classify'];

export function createClassifier({ id, parts, chooser }: Model): Classifier {
  const judges = parts.map(({ model, language }) => createJudge(model, language));
  const [only] = judges;
  if (only === undefined) return { model: id, classify: () => NOTHING };
  return { model: id, classify: chooser === undefined ? only : judgeByLanguage(judges, chooser) };
}

/** By the model of the text's language; what that one refuses the next likely one may accept, for texts that two languages share. */
function judgeByLanguage(judges: readonly Judge[], chooser: LinearModel): Judge {
  return (text, entities) => {
    const { best, second } = chooser.score(text, NO_ENTITIES);
    if (best < 0) return NOTHING;
    const first = (judges[best] as Judge)(text, entities);
    if (first.intent !== null || second < 0) return first;
    const other = (judges[second] as Judge)(text, entities);
    return other.intent === null ? first : other;
  };
}

/** The confidences of all intents and of "none of them" add up to 1. */
function createJudge(model: LinearModel, language: string | null): Judge {
  const { labels, temperature, rejection } = model.head;
  const outside = labels.indexOf(null);
  const odds = new Float64Array(labels.length);
  const signals = newSignals();
  return (text, entities) => {
    const scores = model.score(text, entities);
    const { best, decision } = scores;
    if (best < 0) return NOTHING;
    const sum = softmax(decision, odds, temperature);
    signalsOf(scores, outside, signals);
    const likeNone = outside >= 0 && (decision[outside] as number) > (decision[best] as number);
    const out = outOfScope(rejection, signals);
    const ranking = rank(odds, labels, outside, sum);
    return {
      intent: likeNone || out > 0 ? null : labels[best] as string, confidence: ranking[0]?.confidence ?? 0, ranking,
      outOfScope: likeNone ? Math.max(out, OUT) : out, language,
    };
  };
}

/** Odds of the labels; returns their sum. */
function softmax(decision: Float64Array, odds: Float64Array, temperature: number): number {
  let top = -Infinity;
  for (let label = 0; label < odds.length; label++) if ((decision[label] as number) > top) top = decision[label] as number;
  let sum = 0;
  for (let label = 0; label < odds.length; label++) sum += odds[label] = Math.exp(((decision[label] as number) - top) / temperature);
  return sum;
}

/** The labels with the highest odds, in one walk; of equal ones the first in the order of columns. */
function rank(odds: Float64Array, labels: readonly (string | null)[], outside: number, sum: number): RankedIntent[] {
  let count = 0;
  for (let label = 0; label < odds.length; label++) {
    const value = odds[label] as number;
    if (label === outside || value === 0 || (count === RANKED && value <= (odds[top[RANKED - 1] as number] as number))) continue;
    let place = count < RANKED ? count++ : RANKED - 1;
    for (; place > 0 && value > (odds[top[place - 1] as number] as number); place--) top[place] = top[place - 1] as number;
    top[place] = label;
  }
  const ranking: RankedIntent[] = [];
  for (let place = 0; place < count; place++) { const label = top[place] as number; ranking.push({ intent: labels[label] as string, confidence: (odds[label] as number) / sum }); }
  return ranking;
}
