/**
 * The parts of `bench -- intent`. Every part trains with the options that ship; nothing is chosen with test data: the
 * temperature comes from held-out training texts, the threshold of CLINC150 from its validation texts.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../platform/package-root.js';
import { BenchmarkError, median, progress } from '../lib/benchmark.js';
import type { Corpora, Labelled } from './corpora.js';
import { accuracy, ece, learn, predict, refused, scopeAuroc, thresholdOf, timesOf } from './judge.js';
import { runPeer } from './peer.js';
import { percent, type Row } from './rows.js';
import { generator, twoErrors } from './typing-errors.js';

export interface Parts {
  readonly corpora: Corpora;
  readonly seed: number;
  readonly folder: string;
}

const megabytes = (bytes: number): number => bytes / 1e6;
const noisy = (texts: readonly Labelled[], seed: number): Labelled[] => { const random = generator(seed); return texts.map(({ text, label }) => ({ text: twoErrors(text, random), label })); };

function clinc({ corpora, seed }: Parts): Row[] {
  const test = corpora.inScope('clinc150/test');
  const { classifier, millis, bytes } = learn([...corpora.read('clinc150/train'), ...corpora.read('clinc150/oos_train')]);
  const threshold = thresholdOf(classifier, corpora.inScope('clinc150/val'));
  const inside = predict(classifier, test, threshold);
  const outside = predict(classifier, corpora.read('clinc150/oos_test'), threshold);
  const times = timesOf(test.map(({ text }) => text), (text) => classifier.classify(text, []));
  return [
    percent('CLINC150 in scope', accuracy(inside), 93.5),
    { name: 'CLINC150 out of scope, AUROC', value: scopeAuroc(inside, outside), least: 0.966, unit: '' },
    percent('CLINC150 out of scope, recall at 95 %', refused(outside), 83, `threshold from validation accepts ${(100 - refused(inside) * 100).toFixed(1)} % of the test in scope`),
    percent('CLINC150 with two typing errors', accuracy(predict(classifier, noisy(test, seed))), 89),
    { name: 'CLINC150 calibration error', value: ece(inside), most: 0.025, unit: '' },
    { name: 'CLINC150 classify, median', value: times.median, most: 25, unit: 'us' },
    { name: 'CLINC150 classify, p99', value: times.p99, most: 100, unit: 'us' },
    { name: 'CLINC150 model', value: megabytes(bytes), most: 8, unit: 'MB' },
    { name: 'CLINC150 training', value: millis, most: 10_000, unit: 'ms' },
  ];
}

function banking({ corpora, seed }: Parts): Row[] {
  const test = corpora.read('banking77/test');
  const { classifier, millis } = learn(corpora.read('banking77/train'));
  const inside = predict(classifier, test);
  return [
    percent('BANKING77', accuracy(inside), 92),
    percent('BANKING77 with two typing errors', accuracy(predict(classifier, noisy(test, seed))), 88),
    { name: 'BANKING77 calibration error', value: ece(inside), most: 0.025, unit: '' },
    { name: 'BANKING77 training', value: millis, unit: 'ms' },
  ];
}

function few({ corpora }: Parts): Row[] {
  const one = (name: string, train: string, test: string, least: number): Row => percent(name, accuracy(predict(learn(corpora.read(train)).classifier, corpora.inScope(test))), least);
  return [
    one('BANKING77, 10 a label', 'banking77/train_10', 'banking77/test', 76.5),
    one('BANKING77, 5 a label', 'banking77/train_5', 'banking77/test', 64),
    one('CLINC150, 10 a label', 'clinc150/train_10', 'clinc150/test', 83),
    one('CLINC150, 5 a label', 'clinc150/train_5', 'clinc150/test', 74),
  ];
}

function snips({ corpora }: Parts): Row[] {
  return [percent('SNIPS', accuracy(predict(learn(corpora.read('snips/train')).classifier, corpora.read('snips/test'))), 98.5)];
}

/** The three together: right ones of all that are in scope. */
function nlu({ corpora }: Parts): Row[] {
  const each = ['chatbot', 'askubuntu', 'webapplications'].map((name) => ({ name, predictions: predict(learn(corpora.read(`${name}/train`)).classifier, corpora.inScope(`${name}/test`)) }));
  const together = each.flatMap(({ predictions }) => predictions);
  return [
    percent('NLU-Evaluation, three together', accuracy(together), 95, each.map(({ name, predictions }) => `${name} ${(accuracy(predictions) * 100).toFixed(1)}`).join(', ')),
  ];
}

const LANGUAGES = ['en', 'it', 'id', 'nl'] as const;

/** A model of one language alone, and the models of all four behind the one that tells their languages apart. */
function xsid({ corpora }: Parts): Row[] {
  const train = LANGUAGES.map((language) => corpora.read(`xsid/${language}/train`).map((one) => ({ ...one, language })));
  const test = LANGUAGES.map((language) => corpora.inScope(`xsid/${language}/test`));
  const alone = LANGUAGES.map((language, at) => accuracy(predict(learn(corpora.read(`xsid/${language}/train`)).classifier, test[at] ?? [])));
  const { classifier } = learn(train.flat());
  const together = test.map((texts) => accuracy(predict(classifier, texts)));
  const named = test.map((texts, at) => texts.filter(({ text }) => classifier.classify(text, []).language === LANGUAGES[at]).length / texts.length);
  return [
    ...LANGUAGES.map((language, at) => percent(`xSID ${language}`, alone[at] ?? 0, 91)),
    ...LANGUAGES.map((language, at) => percent(`xSID ${language}, language found from the text`, together[at] ?? 0, 91)),
    percent('xSID, language of the text named', named.reduce((sum, one) => sum + one, 0) / named.length),
  ];
}

const BOT_INTENTS = 28;
const BOT_TEXTS = 600;

/** As when an author saves a bot: the process has trained before. */
function bot({ corpora }: Parts): Row[] {
  const labels = [...new Set(corpora.read('clinc150/train').map(({ label }) => label))].slice(0, BOT_INTENTS);
  const count = new Map<string | null, number>();
  const texts = corpora.read('clinc150/train').filter(({ label }) => {
    if (!labels.includes(label)) return false;
    count.set(label, (count.get(label) ?? 0) + 1);
    return (count.get(label) ?? 0) <= Math.ceil(BOT_TEXTS / BOT_INTENTS);
  }).slice(0, BOT_TEXTS);
  const first = learn(texts).millis;
  const again = Array.from({ length: 7 }, () => learn(texts).millis);
  return [{ name: `retraining ${texts.length} texts, ${BOT_INTENTS} intents`, value: median(again), most: 150, unit: 'ms', note: `the first in this process ${first.toFixed(0)} ms` }];
}

/** A process of its own, from what is built, that trains CLINC150 and tells the most memory that it had. */
function memory({ folder }: Parts): Row[] {
  const intent = join(packageRoot(), 'dist', 'processors', 'intent', 'index.js');
  const program = `
    import { readFileSync } from 'node:fs';
    import { train } from ${JSON.stringify(intent)};
    const texts = ['train', 'oos_train'].flatMap((name) => readFileSync(${JSON.stringify(folder)} + '/clinc150/' + name + '.tsv', 'utf8').split('\\n').filter(Boolean)
      .map((line) => { const tab = line.lastIndexOf('\\t'); const label = line.slice(tab + 1); return { text: line.slice(0, tab), label: label === 'oos' ? null : label, entities: [] }; }));
    train({ texts, accept: 0.95 });
    console.log(process.resourceUsage().maxRSS / 1024);`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  if (status !== 0) throw new BenchmarkError(`training in a process of its own failed: ${stderr.slice(-500)}`);
  return [{ name: 'CLINC150 training, most memory', value: Number(stdout.trim()), most: 300, unit: 'MB', note: 'resident, of a process that does nothing else' }];
}

async function peer(parts: Parts): Promise<Row[]> {
  const { corpora } = parts;
  const training = corpora.read('clinc150/train');
  const test = corpora.inScope('clinc150/test');
  const { classifier } = learn(training);
  progress('nlp.js trains CLINC150, for a minute or two');
  const found = await runPeer(training, test);
  const ours = timesOf(test.map(({ text }) => text), (text) => classifier.classify(text, []));
  return [
    { name: 'CLINC150 median, nlp.js to ours', value: found.median / ours.median, least: 4, unit: 'x', note: `${found.median.toFixed(1)} and ${ours.median.toFixed(1)} us` },
    percent('nlp.js CLINC150 in scope', found.accuracy),
    { name: 'nlp.js CLINC150 training', value: found.trainMillis, unit: 'ms' },
  ];
}

export const PARTS: Readonly<Record<string, (parts: Parts) => Row[] | Promise<Row[]>>> = { clinc150: clinc, banking77: banking, few, snips, nlu, xsid, bot, memory, peer };
