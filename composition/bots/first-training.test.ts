import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createLogger, silentLogger } from '../../platform/observability/logger.js';
import { scratchFolder } from '../../platform/testing.js';
import { loadBots, type Bot } from '../../processors/bot/index.js';
import { createIntentStage } from '../../processors/intent/index.js';
import { fileModelCache } from '../../processors/model-cache.js';
import { fixedBots } from '../../processors/bot/index.js';
import { FirstTraining, isTrained, trainAll } from './first-training.js';

const simple = (greeting: string): string => `format: 1\nid: simple\nresponses: {lost: What?}\nfallback: {say: lost}\nintents:\n  hi: {reply: lost, examples: [hi, hello, hey, good day, ${greeting}]}\n`;
const LIMIT = { timeout: 120_000 };

function folders(t: { after(run: () => void): void }, text = simple('howdy')): { root: string; models: string; write: (text: string) => void } {
  const folder = scratchFolder(t);
  const [root, models] = [join(folder, 'bots'), join(folder, 'data', 'models')];
  mkdirSync(join(root, 'simple'), { recursive: true });
  const write = (content: string): void => { writeFileSync(join(root, 'simple', 'bot.yaml'), content); };
  write(text);
  return { root, models, write };
}

/** Models that a stage of these bots has to train by itself. */
function trainedHere(bots: readonly Bot[], models: string): number {
  const cache = fileModelCache(models);
  let trained = 0;
  createIntentStage({ bots: fixedBots(bots), cache: { get: (id) => cache.get(id), set: () => { trained += 1; } } });
  return trained;
}

test('what was never trained is trained in a process of its own, and the stage finds it; a later start begins none', LIMIT, async (t) => {
  const { root, models } = folders(t);
  const bots = await loadBots(root);
  await new FirstTraining({ root, models }, silentLogger).ensure(bots);
  assert.deepEqual([bots.every(({ version }) => isTrained(models, version)), trainedHere(bots, models)], [true, 0]);
  const before = readdirSync(models).length;
  // A folder that is not there would fail, were it read.
  await new FirstTraining({ root: '/nowhere', models }, createLogger({ level: 'warn' }, { write: (line: string) => assert.fail(line) })).ensure(bots);
  assert.equal(readdirSync(models).length, before);
});

test('an edited bot, a model that is gone and a damaged note are trained again', LIMIT, async (t) => {
  const { root, models, write } = folders(t);
  trainAll(await loadBots(root), models, fileModelCache(models));
  write(simple('good morning'));
  const bots = await loadBots(root);
  const [version] = bots.map((bot) => bot.version);
  assert.ok(version);
  const again = async (): Promise<void> => { await new FirstTraining({ root, models }, silentLogger).ensure(bots); };
  assert.equal(isTrained(models, version), false);
  await again();
  assert.deepEqual([isTrained(models, version), trainedHere(bots, models)], [true, 0]);
  for (const name of readdirSync(models).filter((one) => one.endsWith('.model'))) rmSync(join(models, name));
  assert.equal(isTrained(models, version), false);
  await again();
  assert.equal(trainedHere(bots, models), 0);
  writeFileSync(join(models, `${version}.trained`), '{');
  assert.equal(isTrained(models, version), false);
});

test('where it cannot be done elsewhere it is told once, and nothing fails', LIMIT, async (t) => {
  const { root, models, write } = folders(t);
  const bots = await loadBots(root);
  write('format: 1\nid: simple\nwrong: 1\n');
  const told: string[] = [];
  await new FirstTraining({ root, models }, createLogger({ level: 'warn' }, { write: (line: string) => { told.push(line); } })).ensure(bots);
  assert.equal(told.length, 1);
  assert.match(told[0] ?? '', /trained here/);
  assert.equal(trainedHere(bots, models), 1);
});

test('a start that failed leaves no process behind', LIMIT, async (t) => {
  const { root, models } = folders(t);
  const training = new FirstTraining({ root, models }, silentLogger);
  training.stop();
  await training.ensure([]);
});
