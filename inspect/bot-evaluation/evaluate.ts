/** Evaluates a bot, by cross-validation of its own examples, or a dataset, by its own split. */
import { basename } from 'node:path';
import type { Clock } from '../../platform/clock.js';
import { createExtractor, type Bot } from '../../processors/bot/index.js';
import { trainingSet, type TrainingSet, type TrainingText } from '../../processors/intent/index.js';
import { crossValidate, FOLDS } from './cross-validation.js';
import type { Dataset, LabelledText } from './dataset.js';
import { learn, predict, timeOf, type Speed } from './learn.js';
import {
  auroc, calibration, calibrationError, confusions, intentMeasures, outOfScopeCurve, quantile, wilson,
  type CalibrationBin, type Confusion, type CurvePoint, type IntentMeasures, type Interval, type Prediction,
} from './measures.js';

/** Shares are 0 to 1. null: there is nothing to measure it with. */
export interface Evaluation {
  readonly name: string;
  /** How it was measured. */
  readonly method: string;
  /** Of texts in scope, by the likeliest intent, refused or not. */
  readonly accuracy: number;
  readonly macroF1: number;
  readonly ece: number;
  readonly outOfScopeAuroc: number | null;
  /** Share of texts out of scope that is refused where 95 % of those in scope are accepted by data outside the test. */
  readonly outOfScopeRecallAt95: number | null;
  readonly medianMicros: number;
  readonly p99Micros: number;
  readonly trainMillis: number;
  readonly modelBytes: number;
  readonly accuracyInterval: Interval;
  /** Texts of training, of intents that were judged, out of scope that were judged. */
  readonly texts: { readonly train: number; readonly inScope: number; readonly outOfScope: number };
  /** By what the classifier says: accepted and right, accepted and wrong, refused. Shares of texts in scope. */
  readonly inScope: { readonly right: number; readonly wrong: number; readonly refused: number };
  /** Share of texts in scope that the threshold of `outOfScopeRecallAt95` accepts. */
  readonly acceptedAt95: number;
  /** By file, where there are several. */
  readonly outOfScope: readonly { readonly from: string; readonly texts: number; readonly auroc: number | null; readonly recallAt95: number | null }[];
  readonly intents: readonly IntentMeasures[];
  readonly confusions: readonly Confusion[];
  readonly calibration: readonly CalibrationBin[];
  readonly outOfScopeCurve: readonly CurvePoint[];
}

const MOST_CONFUSIONS = 50;
const ACCEPTED = 0.95;

export interface Watch { readonly clock: Clock; progress?(what: string): void }

/** By five folds of the bot's examples; the figures of the model are those of one trained with all. */
export function evaluateBot(bot: Bot, watch: Watch): Evaluation {
  const set = trainingSet(bot, createExtractor(bot));
  watch.progress?.(`training with ${set.texts.length} examples`);
  const whole = learn(set, watch.clock);
  const predictions = crossValidate(set, watch.clock, (fold) => { watch.progress?.(`fold ${fold + 1} of ${FOLDS}`); });
  const outside = predictions.filter(({ label }) => label === null);
  return summary({
    name: bot.id, method: `${FOLDS}-fold cross-validation of ${set.texts.length} examples`, train: set.texts.length,
    inside: predictions.filter(({ label }) => label !== null), outside: new Map(outside.length > 0 ? [['outOfScope', outside]] : []),
    trainMillis: whole.millis, modelBytes: whole.bytes, ...timeOf(whole.classifier, set.texts, watch.clock),
  });
}

const plain = ({ text, label }: LabelledText): TrainingText => ({ text, label, entities: [] });

export function evaluateDataset(folder: string, dataset: Dataset, watch: Watch): Evaluation {
  const set: TrainingSet = { texts: dataset.train.map(plain), accept: ACCEPTED };
  watch.progress?.(`training with ${set.texts.length} texts`);
  const learned = learn(set, watch.clock);
  watch.progress?.('judging');
  const validation = dataset.validation.filter(({ label }) => label !== null).map((one) => predict(learned.classifier, plain(one)).outOfScope);
  // Without texts for validation the threshold is the one that training found with folds held out.
  const threshold = validation.length > 0 ? quantile(validation, ACCEPTED) : 0;
  const judged = (texts: readonly LabelledText[]): Prediction[] => texts.map((one) => predict(learned.classifier, plain(one), threshold));
  const everything = [...dataset.test, ...[...dataset.outOfScope.values()].flat().map((text) => ({ text, label: null }))];
  return summary({
    name: basename(folder), method: `trained with ${set.texts.length} texts, threshold from ${validation.length > 0 ? 'validation texts' : 'held-out folds of training'}, judged with the texts of test`,
    train: set.texts.length, inside: judged(dataset.test),
    outside: new Map([...dataset.outOfScope].map(([from, texts]) => [from, judged(texts.map((text) => ({ text, label: null })))])),
    trainMillis: learned.millis, modelBytes: learned.bytes, ...timeOf(learned.classifier, everything.map(plain), watch.clock),
  });
}

interface Judged extends Speed {
  readonly name: string;
  readonly method: string;
  readonly train: number;
  readonly inside: readonly Prediction[];
  readonly outside: ReadonlyMap<string, readonly Prediction[]>;
  readonly trainMillis: number;
  readonly modelBytes: number;
}

function summary(judged: Judged): Evaluation {
  const { inside, outside } = judged;
  const allOutside = [...outside.values()].flat();
  const scores = (predictions: readonly Prediction[]): number[] => predictions.map(({ outOfScope }) => outOfScope);
  const recall = (predictions: readonly Prediction[]): number | null => (predictions.length === 0 ? null : share(predictions, (one) => one.outOfScope > one.threshold));
  const right = inside.filter(({ label, top }) => label === top).length;
  const intents = intentMeasures(inside);
  const bins = calibration(inside);
  return {
    name: judged.name, method: judged.method,
    accuracy: right / inside.length, macroF1: intents.reduce((sum, { f1 }) => sum + f1, 0) / intents.length, ece: calibrationError(bins),
    outOfScopeAuroc: auroc(scores(inside), scores(allOutside)), outOfScopeRecallAt95: recall(allOutside),
    medianMicros: judged.medianMicros, p99Micros: judged.p99Micros, trainMillis: judged.trainMillis, modelBytes: judged.modelBytes,
    accuracyInterval: wilson(right, inside.length),
    texts: { train: judged.train, inScope: inside.length, outOfScope: allOutside.length },
    inScope: { right: share(inside, ({ label, said }) => label === said), wrong: share(inside, ({ label, said }) => said !== null && label !== said), refused: share(inside, ({ said }) => said === null) },
    acceptedAt95: share(inside, (one) => one.outOfScope <= one.threshold),
    outOfScope: [...outside].map(([from, predictions]) => ({ from, texts: predictions.length, auroc: auroc(scores(inside), scores(predictions)), recallAt95: recall(predictions) })),
    intents, confusions: confusions(inside, MOST_CONFUSIONS), calibration: bins, outOfScopeCurve: outOfScopeCurve(scores(inside), scores(allOutside)),
  };
}

const share = (predictions: readonly Prediction[], holds: (one: Prediction) => boolean): number => (predictions.length === 0 ? 0 : predictions.filter(holds).length / predictions.length);
