/** A classifier of a set of texts, as the intent stage has it, with what it cost. */
import type { Clock } from '../../platform/clock.js';
import { createClassifier, decodeModel, train, type Classifier, type TrainingSet, type TrainingText } from '../../processors/intent/index.js';
import type { Prediction } from './measures.js';

export interface Learned { readonly classifier: Classifier; readonly bytes: number; readonly millis: number }

export function learn(set: TrainingSet, clock: Clock): Learned {
  const start = clock.monotonic();
  const bytes = train(set);
  const millis = clock.monotonic() - start;
  const model = decodeModel(bytes);
  if (!model) throw new Error('a model that was just trained cannot be read');
  return { classifier: createClassifier(model), bytes: bytes.length, millis };
}

export function predict(classifier: Classifier, { text, label, entities }: TrainingText, threshold = 0): Prediction {
  const { intent, confidence, ranking, outOfScope } = classifier.classify(text, entities);
  return { text, label, top: ranking[0]?.intent ?? null, confidence, outOfScope, said: intent, threshold };
}

export interface Speed { readonly medianMicros: number; readonly p99Micros: number }

const LEAST_TIMED = 3000;
const MOST_TIMED = 20_000;

/** One text at a time, as messages come; the first round warms the code up and does not count. */
export function timeOf(classifier: Classifier, texts: readonly TrainingText[], clock: Clock): Speed {
  const some = texts.slice(0, MOST_TIMED);
  const rounds = Math.max(1, Math.ceil(LEAST_TIMED / Math.max(1, some.length)));
  for (let round = 0; round < Math.min(rounds, 3); round++) for (const { text, entities } of some) classifier.classify(text, entities);
  const micros = new Float64Array(rounds * some.length);
  for (let at = 0; at < micros.length; at++) {
    const one = some[at % some.length];
    if (!one) continue;
    const start = clock.monotonic();
    classifier.classify(one.text, one.entities);
    micros[at] = (clock.monotonic() - start) * 1000;
  }
  micros.sort();
  return { medianMicros: micros[Math.floor(micros.length / 2)] ?? 0, p99Micros: micros[Math.floor(micros.length * 0.99)] ?? 0 };
}
