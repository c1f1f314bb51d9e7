import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../platform/clock.js';
import { ConfabError } from '../../platform/errors.js';
import { scratchFolder } from '../../platform/testing.js';
import { loadBot } from '../../processors/bot/index.js';
import { lamps } from '../bot-tests/testing.js';
import { evaluateBot, evaluateDataset, htmlReport, readDataset, trainBot } from './index.js';

function folderOf(t: TestContext, files: Readonly<Record<string, string | Buffer>>): string {
  const folder = join(scratchFolder(t), 'set');
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

async function faultsOf(folder: string): Promise<string[]> {
  try {
    await readDataset(folder);
  } catch (error) {
    assert.ok(error instanceof ConfabError && error.code === 'CONFAB_DATASET_INVALID');
    return (error.errors ?? []).map(({ detail }) => detail);
  }
  return [];
}

const WORDS: Record<string, string[]> = { weather: ['rain', 'sun', 'snow', 'wind'], music: ['song', 'tune', 'band', 'album'], food: ['bread', 'soup', 'cake', 'rice'] };
const lines = (label: string, before: string): string[] => (WORDS[label] ?? []).map((word) => `${before} ${word} ${label}\t${label}`);
const all = (before: string): string => Object.keys(WORDS).flatMap((label) => lines(label, before)).join('\n');
const SET = {
  'train.tsv': `${all('tell me about')}\n${all('what of')}\n${all('I like')}\n`, 'test.tsv': `${all('how about')}\nzzkw qpfh\tNone\n`, 'val.tsv': `${all('say')}\n`,
  'oos_train.tsv': 'file my tax\toos\n', 'oos_val.tsv': 'vvvb\toos\n', 'oos_test.tsv': 'qqqw xxzy\tanything\nhgfj\toos\n', 'notes.md': 'no part of it', 'domains.json': '{}',
};

test('a dataset is judged by its own split; what is out of scope is told by its file', async (t) => {
  const folder = folderOf(t, SET);
  const found = evaluateDataset(folder, await readDataset(folder), { clock: systemClock });
  assert.deepEqual([found.name, found.accuracy, found.macroF1, found.texts, found.outOfScopeAuroc], ['set', 1, 1, { train: 37, inScope: 12, outOfScope: 3 }, 1]);
  assert.deepEqual(found.outOfScope.map(({ from, texts }) => [from, texts]), [['test.tsv', 1], ['oos_test.tsv', 2]]);
  assert.ok(found.ece >= 0 && found.ece <= 1 && found.medianMicros > 0 && found.p99Micros >= found.medianMicros && found.trainMillis > 0 && found.modelBytes > 0);
  assert.equal(found.outOfScopeCurve.length, 101);
});

test('broken datasets are told file by file and line by line', async (t) => {
  assert.deepEqual(await faultsOf(folderOf(t, {})), ['train.tsv: the file is missing', 'test.tsv: the file is missing']);
  assert.deepEqual(await faultsOf(join(scratchFolder(t), 'none')), ['.: the folder cannot be read: ENOENT']);
  assert.deepEqual(await faultsOf(folderOf(t, { 'train.tsv': 'a\tb\n\nno tab\na\t\na\tb\tc\n', 'test.tsv': Buffer.from([0xff, 0x0a]) })), [
    'test.tsv: the file is not UTF-8', 'train.tsv:2: the line is empty', 'train.tsv:3: there is no tab between text and label', 'train.tsv:4: there is no label behind the tab', 'train.tsv:5: there is more than one tab',
  ]);
  assert.deepEqual(await faultsOf(folderOf(t, { 'train.tsv': `${'x'.repeat(9000)}\ta\n`, 'test.tsv': '' })), ['test.tsv: the file is empty', 'train.tsv:1: the text is longer than 8192 characters']);
  assert.deepEqual(await faultsOf(folderOf(t, { 'train.tsv': 'a\toos\n', 'test.tsv': 'a\tb\n' })), ['train.tsv: no text belongs to an intent']);
  assert.deepEqual(await faultsOf(folderOf(t, { 'train.tsv': 'a\tb\n', 'test.tsv': 'a\tNO_NODES_DETECTED\n' })), ['test.tsv: no text belongs to an intent']);
  assert.equal((await faultsOf(folderOf(t, { 'train.tsv': 'x\n'.repeat(500), 'test.tsv': 'a\tb\n' }))).length, 20, 'a file of another kind does not drown the reader');
  const linked = folderOf(t, { 'test.tsv': 'a\tb\n' });
  symlinkSync('/etc/hostname', join(linked, 'train.tsv'));
  assert.deepEqual(await faultsOf(linked), ['train.tsv: only plain files are read']);
});

test('line ends of other systems, a byte order mark and a text of nothing are no faults', async (t) => {
  const { train, test: judged } = await readDataset(folderOf(t, { 'train.tsv': '\ufeffhello\tgreet\r\n\tbye\r\n', 'test.tsv': '\tgreet\n' }));
  assert.deepEqual([train, judged], [[{ text: 'hello', label: 'greet' }], [{ text: '', label: 'greet' }]]);
});

test('a bot is judged by examples that the model has not seen; the same bot has the same figures', async (t) => {
  const bot = await loadBot(lamps(t));
  const [first, second] = [evaluateBot(bot, { clock: systemClock }), evaluateBot(bot, { clock: systemClock })];
  assert.deepEqual([first.accuracy, first.ece, first.intents], [second.accuracy, second.ece, second.intents]);
  assert.equal(first.texts.inScope, bot.intents.reduce((sum, { examples }) => sum + examples.length, 0));
  assert.ok(first.accuracy > 0.3 && first.accuracy < 1, 'it was judged by what it has learned');
  assert.deepEqual([first.outOfScopeAuroc, first.outOfScopeRecallAt95, first.outOfScopeCurve], [null, null, []]);
});

test('a model is trained once, and again only when that is asked for', async (t) => {
  const [bot, models] = [await loadBot(lamps(t)), scratchFolder(t)];
  const runs = [trainBot(bot, models, systemClock), trainBot(bot, models, systemClock), trainBot(bot, models, systemClock, true)];
  assert.deepEqual(runs.map((run) => run.models.every(({ cached }) => cached)), [false, true, false]);
  assert.deepEqual(runs[0]?.models.map(({ id, bytes }) => [id, bytes]), runs[2]?.models.map(({ id, bytes }) => [id, bytes]));
});

test('the page stands alone, and what strangers wrote is text in it', async (t) => {
  const evil = '<script>alert(1)</script>';
  const folder = folderOf(t, { 'train.tsv': `alpha beta\t${evil}\ngamma delta\tb\nalpha\t${evil}\ngamma\tb\n`, 'test.tsv': `gamma "${evil}\t${evil}\nalpha\t${evil}\n`, 'oos_x.tsv': 'qq\toos\n' });
  const page = htmlReport(evaluateDataset(folder, await readDataset(folder), { clock: systemClock }));
  assert.ok(!page.includes('<script') && page.includes('&lt;script&gt;'));
  assert.ok(!/(?:src|href)=|url\(|@import/.test(page), 'nothing is loaded');
  assert.match(page, /Content-Security-Policy" content="default-src 'none'/);
  assert.ok((page.match(/<svg/g) ?? []).length >= 2);
  assert.ok(!page.includes('NaN') && !page.includes('undefined'));
});
