/** An evaluation for people. */
import type { Evaluation } from '../../inspect/bot-evaluation/index.js';
import { harmless, type Paint } from '../terminal.js';
import { fitTo, padTo } from '../text-width.js';

/** The weakest intents and the most frequent confusions are shown; JSON and HTML have all. */
const MOST_INTENTS = 15;
const MOST_CONFUSIONS = 10;
const NAME = 32;

const percent = (share: number | null): string => (share === null ? '–' : `${(share * 100).toFixed(1)} %`);
const name = (text: string, width = NAME): string => padTo(fitTo(harmless(text), width), width);

export function evaluationText(one: Evaluation, paint: Paint): string {
  const { low, high } = one.accuracyInterval;
  const figures: [string, string][] = [
    ['accuracy in scope', `${percent(one.accuracy)}  (95 %: ${percent(low)} to ${percent(high)})`],
    ['macro F1', one.macroF1.toFixed(3)],
    ['calibration error', `${one.ece.toFixed(4)} (ECE, 15 bins)`],
    ['out of scope', one.outOfScopeAuroc === null ? 'no texts to judge with' : `AUROC ${one.outOfScopeAuroc.toFixed(4)}, ${percent(one.outOfScopeRecallAt95)} refused at ${percent(one.acceptedAt95)} accepted`],
    ['in scope', `${percent(one.inScope.right)} right, ${percent(one.inScope.wrong)} wrong, ${percent(one.inScope.refused)} refused`],
    ['a text', `${one.medianMicros.toFixed(1)} µs median, ${one.p99Micros.toFixed(1)} µs 99 %`],
    ['training', `${(one.trainMillis / 1000).toFixed(2)} s, model ${(one.modelBytes / 1e6).toFixed(2)} MB`],
  ];
  return [
    `${paint('bold', harmless(one.name))}  ${one.texts.inScope} texts of ${one.intents.length} intents, ${one.texts.outOfScope} out of scope`,
    paint('dim', harmless(one.method)), '', ...figures.map(([what, value]) => `${what.padEnd(18)}  ${value}`),
    ...several(one), ...confusionLines(one, paint), ...intentLines(one, paint), '',
  ].join('\n');
}

function several({ outOfScope }: Evaluation): string[] {
  return outOfScope.length < 2 ? [] : outOfScope.map(({ from, texts, auroc, recallAt95 }) => `  ${name(from, 16)}  ${String(texts).padStart(6)} texts, AUROC ${auroc?.toFixed(4) ?? '–'}, ${percent(recallAt95)} refused`);
}

function confusionLines({ confusions }: Evaluation, paint: Paint): string[] {
  if (confusions.length === 0) return [];
  const lines = confusions.slice(0, MOST_CONFUSIONS).map(({ intent, takenFor, texts, examples }) => `${name(intent)}  ${name(takenFor)}  ${String(texts).padStart(5)}  ${paint('dim', fitTo(harmless(examples[0] ?? ''), 60))}`);
  return ['', paint('dim', `${name('intent')}  ${name('taken for')}  texts  such as`), ...lines, ...rest(confusions.length - MOST_CONFUSIONS, paint)];
}

function intentLines({ intents }: Evaluation, paint: Paint): string[] {
  const weakest = [...intents].sort((a, b) => a.f1 - b.f1 || (a.intent < b.intent ? -1 : 1));
  const lines = weakest.slice(0, MOST_INTENTS).map(({ intent, texts, recall, recallInterval: { low, high }, precision, f1 }) =>
    `${name(intent)}  ${String(texts).padStart(5)}  ${percent(recall).padStart(7)}  ${`${(low * 100).toFixed(0)}–${(high * 100).toFixed(0)}`.padStart(7)}  ${percent(precision).padStart(9)}  ${f1.toFixed(3)}`);
  return ['', paint('dim', `${name('intent, weakest first')}  texts   recall     95 %  precision     F1`), ...lines, ...rest(intents.length - MOST_INTENTS, paint)];
}

const rest = (count: number, paint: Paint): string[] => (count > 0 ? [paint('dim', `and ${count} more: --json or --html`)] : []);
