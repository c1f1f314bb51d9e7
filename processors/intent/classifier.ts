/** A model with its calibration: a text to an intent, a confidence and a ranking. */
import type { RankedIntent } from '../../schemas/types.js';
import { decodeModel, acceptance, type Model } from './model.js';
import { modelId, train, type TrainingSet } from './train.js';

/** Keeps trained models by content; a file cache in production, a Map in tests. */
export interface ModelCache {
  get(hash: string): Buffer | undefined;
  set(hash: string, bytes: Buffer): unknown;
}

export interface Classification {
  readonly intent: string | null;
  readonly confidence: number;
  readonly ranking: readonly RankedIntent[];
  /** How far the text is from what the intents are about; above 0 it is refused, whatever the ranking says. */
  readonly outOfScope: number;
}

export interface Classifier {
  /** Id of the model. */
  readonly model: string;
  classify(text: string, entities: readonly string[]): Classification;
}

const RANKED = 5;
/** What the softmax may not fall below to be called understood, whatever the training data say. */
const LEAST_CONFIDENCE = 0.2;
/** Of a text without anything that is known. */
const FAR_OUT = 99;
const NOTHING: Classification = { intent: null, confidence: 0, ranking: [], outOfScope: FAR_OUT };

/** From the cache where it has the model whole, else trained and stored. */
export function prepareClassifier(set: TrainingSet, cache: ModelCache): Classifier {
  if (set.texts.length === 0) return { model: modelId(set), classify: () => NOTHING };
  const id = modelId(set);
  const cached = cache.get(id);
  const model = cached && decodeModel(cached);
  if (model?.head.id === id) return createClassifier(model);
  const bytes = train(set);
  cache.set(id, bytes);
  const trained = decodeModel(bytes);
  if (!trained) throw new Error('a model that was just trained cannot be read');
  return createClassifier(trained);
}

export function createClassifier(model: Model): Classifier {
  const { labels, temperature, threshold, id } = model.head;
  const odds = new Float64Array(labels.length);
  return {
    model: id,
    classify(text, entities) {
      const scores = model.score(text, entities);
      if (scores.known === 0) return NOTHING;
      const top = scores.decision[scores.best] as number;
      let sum = 0;
      for (let label = 0; label < odds.length; label++) sum += odds[label] = Math.exp(((scores.decision[label] as number) - top) / temperature);
      const ranking: RankedIntent[] = [];
      while (ranking.length < RANKED) {
        let best = -1;
        for (let label = 0; label < odds.length; label++) if (labels[label] !== null && (odds[label] as number) > (best < 0 ? 0 : odds[best] as number)) best = label;
        if (best < 0) break;
        ranking.push({ intent: labels[best] as string, confidence: (odds[best] as number) / sum });
        odds[best] = 0;
      }
      const intent = labels[scores.best] ?? null;
      const confidence = ranking[0]?.confidence ?? 0;
      const outOfScope = threshold - acceptance(scores, labels.length);
      const understood = intent !== null && confidence >= LEAST_CONFIDENCE && outOfScope <= 0;
      return { intent: understood ? intent : null, confidence, ranking, outOfScope };
    },
  };
}
