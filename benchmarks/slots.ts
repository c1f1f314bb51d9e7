/**
 * `slots`: learned slots on a corpus of marked texts (F1 of exact spans and labels; the intent is that of a classifier trained
 * on the same part), and values of lists in texts with a typing error. Training sees the texts of split "train" only.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { packageRoot } from '../platform/package-root.js';
import { createExtractor } from '../processors/bot/entities/index.js';
import { fold, tokens } from '../processors/bot/text.js';
import { createClassifier, decodeModel, train } from '../processors/intent/index.js';
import { decodeSlots, trainSlots, type SlotMark } from '../processors/intent/slots/index.js';
import { BenchmarkError, median, progress, rounded, type Benchmark, type BenchmarkOptions } from './lib/benchmark.js';
import { generator, mistype } from './intent/typing-errors.js';

interface Marked { readonly split: string; readonly text: string; readonly intent: string | null; readonly entities: readonly (SlotMark & { readonly value: string })[] }

const HOW_TO_GET = `The corpora lie outside of the project. Make a folder with snips/slots.jsonl (github.com/sonos/nlu-benchmark, 2017-06,
train_*_full and validate_*, CC0) and name it with --corpora. One object a line: split ("train" or another), text, intent,
entities: [{entity, start, end, value}], in characters, end exclusive.`;

function read(folder: string, corpus: string): Marked[] {
  const path = join(folder, corpus, 'slots.jsonl');
  if (!existsSync(path)) throw new BenchmarkError(`${path} cannot be read.\n${HOW_TO_GET}`);
  return readFileSync(path, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line) as Marked);
}

interface Score { right: number; found: number; wanted: number }
const f1 = ({ right, found, wanted }: Score): number => right === 0 ? 0 : 2 * right / (found + wanted);
const keyOf = (mark: SlotMark): string => `${mark.start}:${mark.end}:${mark.entity}`;

function learned(training: readonly Marked[], test: readonly Marked[]): Record<string, unknown> {
  progress('intents');
  const model = decodeModel(train({ texts: training.map(({ text, intent }) => ({ text, label: intent, entities: [] })), accept: 0.95 }));
  if (!model) throw new BenchmarkError('the intent model cannot be read');
  const classifier = createClassifier(model);
  progress('slots');
  const before = process.cpuUsage();
  const bytes = trainSlots(training.map(({ text, intent, entities }) => ({ text, intent, marks: entities })));
  const { user, system } = process.cpuUsage(before);
  const tagger = decodeSlots(bytes);
  if (!tagger) throw new BenchmarkError('the slot model cannot be read');
  const whole: Score = { right: 0, found: 0, wanted: 0 };
  const byEntity = new Map<string, Score>();
  const micros: number[] = [];
  for (const { text, entities } of test) {
    const intent = classifier.classify(text, []).ranking[0]?.intent ?? null;
    const start = process.hrtime.bigint();
    const found = tagger.tag(text, intent);
    micros.push(Number(process.hrtime.bigint() - start) / 1000);
    const right = new Set(entities.map(keyOf));
    const add = (entity: string, part: keyof Score): void => {
      whole[part] += 1;
      const score = byEntity.get(entity) ?? { right: 0, found: 0, wanted: 0 };
      score[part] += 1;
      byEntity.set(entity, score);
    };
    for (const one of entities) add(one.entity, 'wanted');
    for (const one of found) { add(one.entity, 'found'); if (right.has(keyOf(one))) add(one.entity, 'right'); }
  }
  const hardest = [...byEntity].filter(([, score]) => score.wanted >= 10).map(([entity, score]) => ({ entity, f1: rounded(f1(score), 3), wanted: score.wanted })).sort((a, b) => a.f1 - b.f1).slice(0, 5);
  return {
    slotF1: rounded(f1(whole), 4), slotPrecision: rounded(whole.right / Math.max(1, whole.found), 4), slotRecall: rounded(whole.right / Math.max(1, whole.wanted), 4),
    entities: byEntity.size, hardest, medianMicros: rounded(median(micros), 1), trainCpuMillis: Math.round((user + system) / 1000), modelBytes: bytes.length,
  };
}

const LEAST_VALUES = 10;
const MOST_VALUES = 500;
const LEAST_LETTERS = 5;

/** Lists of all values of the training texts; in each test text one error in the longest word of each such value. */
function mistyped(training: readonly Marked[], test: readonly Marked[], seed: number): Record<string, unknown> {
  const values = new Map<string, Set<string>>();
  for (const { entities } of training) for (const { entity, value } of entities) { const set = values.get(entity) ?? new Set<string>(); values.set(entity, set.add(fold(value))); }
  const lists = [...values].filter(([, set]) => set.size >= LEAST_VALUES && set.size <= MOST_VALUES);
  const names = new Set(lists.map(([name]) => name));
  const extractor = createExtractor({
    entities: lists.map(([name, set]) => ({ name, patterns: [], system: null, normalise: 'none', values: [...set].map((value) => ({ value, synonyms: [value] })) })),
    intents: [{ name: 'all', examples: training.map(({ text }) => text), samples: [], titles: [], role: null }],
  });
  const random = generator(seed);
  const count = { mistyped: 0, right: 0, wrong: 0, texts: 0, falseFinds: 0 };
  for (const { text, entities } of test) {
    count.texts += 1;
    count.falseFinds += extractor.extract(text).filter((one) => one.source === 'fuzzy' && !entities.some((mark) => mark.start < one.end && one.start < mark.end)).length;
    for (const mark of entities) {
      const value = fold(text.slice(mark.start, mark.end));
      const word = tokens(text.slice(mark.start, mark.end)).sort((a, b) => b.word.length - a.word.length)[0];
      if (!names.has(mark.entity) || values.get(mark.entity)?.has(value) !== true || !word || word.word.length < LEAST_LETTERS) continue;
      const [from, to] = [mark.start + word.start, mark.start + word.end];
      const typed = `${text.slice(0, from)}${mistype(text.slice(from, to), random)}${text.slice(to)}`;
      if (typed === text) continue;
      count.mistyped += 1;
      const found = extractor.extract(typed).filter((one) => one.name === mark.entity && one.start < mark.end && mark.start <= one.start);
      if (found.some((one) => one.value === value)) count.right += 1; else if (found.length > 0) count.wrong += 1;
    }
  }
  return { lists: lists.length, mistyped: count.mistyped, foundOfMistyped: rounded(count.right / Math.max(1, count.mistyped), 3), wrongOfMistyped: rounded(count.wrong / Math.max(1, count.mistyped), 3), falseFindsPerText: rounded(count.falseFinds / Math.max(1, count.texts), 4) };
}

function run(options: BenchmarkOptions): Promise<Record<string, unknown>> {
  const folder = options.text('corpora') === '' ? join(packageRoot(), '..', 'shared', 'corpora') : resolve(options.text('corpora'));
  const all = read(folder, options.text('corpus'));
  const training = all.filter((one) => one.split === 'train');
  const test = all.filter((one) => one.split !== 'train');
  if (training.length === 0 || test.length === 0) throw new BenchmarkError(`${options.text('corpus')} has no texts of split "train", or none of another.\n${HOW_TO_GET}`);
  return Promise.resolve({ corpus: options.text('corpus'), train: training.length, test: test.length, ...learned(training, test), ...mistyped(training, test, options.number('seed')) });
}

export const slots: Benchmark = {
  purpose: 'learned slots (F1 of exact spans and labels), and values of lists with a typing error, on a corpus of marked texts',
  options: {
    corpora: { default: '', about: 'folder of the corpora (../shared/corpora)' },
    corpus: { default: 'snips', about: 'folder in it that has a slots.jsonl' },
    seed: { default: '1', about: 'of the typing errors' },
  },
  run,
};
