/** Each example of a bot judged by a classifier that was trained without it. */
import type { Clock } from '../../platform/clock.js';
import type { TrainingSet } from '../../processors/intent/index.js';
import { learn, predict } from './learn.js';
import type { Prediction } from './measures.js';

export const FOLDS = 5;

/**
 * Examples of an intent are dealt to the folds in turn, in an order that depends on their texts alone: moving an example in
 * its file changes nothing. The threshold of refusal is the classifier's own, from the examples that it was trained with.
 */
export function crossValidate(set: TrainingSet, clock: Clock, onFold: (fold: number) => void = () => undefined): Prediction[] {
  const foldOf = dealt(set);
  const found: Prediction[] = [];
  for (let fold = 0; fold < FOLDS; fold++) {
    onFold(fold);
    const inside = set.texts.filter((_, index) => foldOf[index] !== fold);
    if (!inside.some(({ label }) => label !== null)) continue;
    const { classifier } = learn({ ...set, texts: inside }, clock);
    set.texts.forEach((one, index) => { if (foldOf[index] === fold) found.push(predict(classifier, one)); });
  }
  return found;
}

function dealt({ texts }: TrainingSet): number[] {
  const byLabel = new Map<string | null, number[]>();
  texts.forEach(({ label }, index) => { byLabel.set(label, [...byLabel.get(label) ?? [], index]); });
  const foldOf = new Array<number>(texts.length).fill(0);
  let offset = 0;
  for (const indexes of byLabel.values()) {
    indexes.sort((a, b) => scatter(texts[a]?.text ?? '') - scatter(texts[b]?.text ?? '') || a - b);
    indexes.forEach((index, at) => { foldOf[index] = (at + offset) % FOLDS; });
    // So that small intents do not all miss the same fold.
    offset += indexes.length;
  }
  return foldOf;
}

/** A hash: examples that are written one after the other are often alike. */
function scatter(text: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value >>> 0;
}
