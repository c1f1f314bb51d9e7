/** Training and judging one model; all rows of a corpus come from the same model, with the options that ship. */
import { auroc, calibration, calibrationError, quantile, type Prediction } from '../../inspect/bot-evaluation/measures.js';
import { createClassifier, decodeModel, train, type Classifier, type TrainingText } from '../../processors/intent/index.js';
import { median } from '../lib/benchmark.js';
import type { Labelled } from './corpora.js';

export interface Trained { readonly classifier: Classifier; readonly millis: number; readonly bytes: number }

const ACCEPT = 0.95;
const plain = ({ text, label }: Labelled): TrainingText => ({ text, label, entities: [] });

export function learn(texts: readonly (Labelled & { readonly language?: string })[]): Trained {
  const set = { texts: texts.map((one) => ({ ...plain(one), ...(one.language !== undefined && { language: one.language }) })), accept: ACCEPT };
  const start = performance.now();
  const bytes = train(set);
  const millis = performance.now() - start;
  const model = decodeModel(bytes);
  if (model === undefined) throw new Error('a model that was just trained cannot be read');
  return { classifier: createClassifier(model), millis, bytes: bytes.length };
}

/** @param threshold of `outOfScope`, by texts that are not of the test */
export function predict(classifier: Classifier, texts: readonly Labelled[], threshold = 0): Prediction[] {
  return texts.map(({ text, label }) => {
    const { intent, ranking, confidence, outOfScope } = classifier.classify(text, []);
    return { text, label, top: ranking[0]?.intent ?? null, said: intent, confidence, outOfScope, threshold };
  });
}

const share = (hits: number, count: number): number => (count === 0 ? 0 : hits / count);

/** Share of texts in scope whose likeliest intent is theirs, refused or not. */
export const accuracy = (predictions: readonly Prediction[]): number => share(predictions.filter(({ label, top }) => label === top).length, predictions.length);
export const ece = (predictions: readonly Prediction[]): number => calibrationError(calibration(predictions));
export const thresholdOf = (classifier: Classifier, validation: readonly Labelled[]): number => quantile(predict(classifier, validation).map(({ outOfScope }) => outOfScope), ACCEPT);
export const scopeAuroc = (inside: readonly Prediction[], outside: readonly Prediction[]): number => auroc(inside.map((one) => one.outOfScope), outside.map((one) => one.outOfScope)) ?? 0;
export const refused = (outside: readonly Prediction[]): number => share(outside.filter((one) => one.outOfScope > one.threshold).length, outside.length);

export interface Times { readonly median: number; readonly p99: number }

/** Microseconds a text, each measured alone, in the last of three rounds. */
export function timesOf(texts: readonly string[], classify: (text: string) => unknown): Times {
  const times = new Float64Array(texts.length);
  for (let round = 0; round < 3; round++) {
    texts.forEach((text, index) => {
      const start = performance.now();
      classify(text);
      times[index] = (performance.now() - start) * 1000;
    });
  }
  return { median: median([...times]), p99: times.slice().sort()[Math.ceil(times.length * 0.99) - 1] ?? 0 };
}
