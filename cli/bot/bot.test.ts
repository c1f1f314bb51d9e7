import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { lamps } from '../../inspect/bot-tests/testing.js';
import { Chronicle, tellAll } from '../../inspect/testing.js';
import { systemClock } from '../../platform/clock.js';
import { seededRandom } from '../../platform/random.js';
import { scratchFolder } from '../../platform/testing.js';
import type { CliDependencies } from '../context.js';
import { runCli } from '../program.js';

interface Ran { code: number; out: string; err: string }

async function run(argv: string[], env: Record<string, string> = {}, more: Partial<CliDependencies> = {}): Promise<Ran> {
  const texts = { out: '', err: '' };
  const code = await runCli(['bot', ...argv], {
    env, clock: systemClock, random: seededRandom(1), interrupted: () => new AbortController().signal,
    stdout: { write: (text) => { texts.out += text; } }, stderr: { write: (text) => { texts.err += text; } }, ...more,
  });
  return { code, ...texts };
}

const PASSING = 'tests: [{name: hours, dialogue: [{user: opening hours, bot: [We are open., Come in!]}]}]\n';
const FAILING = 'tests:\n  - name: hours\n    tags: [small]\n    dialogue:\n      - user: opening hours\n        bot: [We are closed., Come in!]\n';

/** A folder of bots with the lamps in it, and one for data. */
function place(t: TestContext, more: Record<string, string> = {}): { bots: string; lamps: string; env: Record<string, string> } {
  const folder = lamps(t, more);
  const bots = join(folder, '..');
  return { bots, lamps: folder, env: { CONFAB_BOTS_DIR: bots, CONFAB_DATA_DIR: scratchFolder(t) } };
}

test('bot test ends with 0, and names the steps that no test has run', async (t) => {
  const { env, lamps: folder } = place(t, { 'tests/a.yml': PASSING });
  const ran = await run(['test'], env);
  assert.deepEqual([ran.code, ran.err], [0, '']);
  assert.match(ran.out, new RegExp(`${folder}/all\\.yaml:26  stock  act:count\n`));
  assert.match(ran.out, /\nlamps: 1 passed; 1 turn, 1 of 11 steps \(9\.1 %\), \d+\.\d s\n$/);
  assert.equal((await run(['test', 'lamps', '--coverage', '9%'], env)).code, 0);
  assert.equal((await run(['test', 'lamps', '--coverage', '10'], env)).code, 1);
  assert.equal((await run(['test', 'lamps', '--coverage', '101'], env)).code, 64);
});

test('bot test shows a failure as a difference, with the place of the turn', async (t) => {
  const { env, lamps: folder } = place(t, { 'tests/a.yml': FAILING });
  const ran = await run(['test'], env);
  assert.equal(ran.code, 1);
  assert.ok(ran.out.startsWith(`FAIL  hours  [small]\n  ${folder}/tests/a.yml:5  turn 1, user: opening hours\n    bot  (line 6)\n      - We are closed.\n        Come in!\n      + We are open.\n        Come in!\n    what was said\n      > user: opening hours\n      < We are open.\n      < Come in!\n\n`), ran.out);
  const json = JSON.parse((await run(['test', '--json'], env)).out) as { passed: boolean; bots: { tests: { status: string; failures: { line: number; differences: object[] }[] }[]; coverage: { steps: number; run: number } }[] };
  assert.deepEqual([json.passed, json.bots[0]?.tests[0]?.status, json.bots[0]?.tests[0]?.failures[0]?.line, json.bots[0]?.coverage.steps], [false, 'failed', 5, 11]);
  assert.deepEqual(json.bots[0]?.tests[0]?.failures[0]?.differences, [{ what: 'bot', line: 6, expected: ['We are closed.', 'Come in!'], actual: ['We are open.', 'Come in!'] }]);
});

test('bot test fails where a file is wrong, and where there is nothing to run', async (t) => {
  const wrong = place(t, { 'tests/a.yml': 'tests: [{name: x, dialogue: [{usr: hi}]}]\n' });
  const ran = await run(['test'], wrong.env);
  assert.deepEqual([ran.code, ran.out], [1, `${wrong.lamps}/tests/a.yml:1:31: error: unknown input of a turn "usr"; did you mean "user"?\nlamps: 1 fault, nothing was run\n`]);
  assert.deepEqual(await run(['test'], place(t).env), { code: 1, out: 'lamps: no tests\n', err: '' });
  assert.match((await run(['test', 'lamp'], wrong.env)).err, /^CONFAB_BOT_UNKNOWN: .*Did you mean lamps\?/);
});

test('bot train puts the model where every process looks, once', async (t) => {
  const { env } = place(t);
  assert.match((await run(['train'], env)).out, /^lamps: 21 examples of 4 intents trained in \d+\.\d\d s, \d+\.\d\d MB, model [0-9a-f]{12}/);
  assert.ok(readdirSync(join(env.CONFAB_DATA_DIR ?? '', 'models')).some((name) => name.endsWith('.model')));
  assert.match((await run(['train', 'lamps'], env)).out, /were trained already/);
  const json = JSON.parse((await run(['train', '--anew', '--json'], env)).out) as { bots: { trained: boolean; intents: number }[] };
  assert.deepEqual(json.bots.map(({ trained, intents }) => [trained, intents]), [[true, 4]]);
});

test('bot evaluate gives the figures under their names, of a bot and of a dataset, and a page', async (t) => {
  const { env } = place(t);
  const page = join(scratchFolder(t), 'page.html');
  const ran = await run(['evaluate', 'lamps', '--json', '--html', page], env);
  const figures = JSON.parse(ran.out) as Record<string, number | null>;
  for (const key of ['accuracy', 'macroF1', 'ece', 'medianMicros', 'p99Micros', 'trainMillis', 'modelBytes']) assert.ok(Number.isFinite(figures[key]), key);
  assert.deepEqual([figures.outOfScopeAuroc, figures.outOfScopeRecallAt95, ran.code], [null, null, 0]);
  assert.match(readFileSync(page, 'utf8'), /<title>lamps: evaluation of intents<\/title>/);
  assert.match((await run(['evaluate', 'lamps'], env)).out, /^lamps {2}21 texts of 4 intents, 0 out of scope\n5-fold cross-validation/);
  const set = join(scratchFolder(t), 'set');
  mkdirSync(set);
  assert.match((await run(['evaluate', set], env)).err, /^CONFAB_DATASET_INVALID: .*\n {2}train\.tsv: the file is missing\n {2}test\.tsv: the file is missing\n/);
  writeFileSync(join(set, 'train.tsv'), 'red sky\tcolour\nblue sea\tcolour\ntwo\tcount\nthree apples\tcount\n');
  writeFileSync(join(set, 'test.tsv'), 'red\tcolour\napples\tcount\nzzz\toos\n');
  const judged = await run(['evaluate', set, '--json'], env);
  assert.deepEqual([judged.code, (JSON.parse(judged.out) as { accuracy: number }).accuracy], [0, 1]);
  assert.equal((await run(['evaluate', set, '--html', join(set, 'none', 'x.html')], env)).code, 1);
});

test('bot lint names the lines, and with --strict a warning fails', async (t) => {
  const { env, lamps: folder } = place(t);
  const ran = await run(['lint'], env);
  assert.match(ran.out, new RegExp(`${folder}/all\\.yaml:2: warning: small: buy has 6 examples`));
  assert.match(ran.out, /\nlamps: 0 errors, \d+ warnings \(.*small 4\)\n$/);
  assert.deepEqual([ran.code, (await run(['lint', '--strict'], env)).code], [0, 1]);
  const json = JSON.parse((await run(['lint', '--json'], env)).out) as { bots: { findings: { kind: string; place: object }[] }[] };
  assert.deepEqual(json.bots[0]?.findings.find(({ kind }) => kind === 'small')?.place, { file: 'all.yaml', line: 2, column: 3 });
});

test('bot record writes a test into a file that is not there yet', async (t) => {
  const { env } = place(t);
  const chronicle = await Chronicle.memory();
  await tellAll(chronicle);
  const more: Partial<CliDependencies> = { clock: chronicle.clock, openLog: () => Promise.resolve(Object.assign(Object.create(chronicle.log) as typeof chronicle.log, { close: () => Promise.resolve() })) };
  const shown = await run(['record', 'c1'], env, more);
  assert.equal(shown.code, 0, shown.err);
  assert.match(shown.out, /^tests:\n {2}- name: conversation c1\n[\s\S]*- user: hello\n {8}intent: greet\n {8}bot: \[Hi there!\]\n {8}outcome: answered\n/);
  assert.match(shown.out, /outcome: dead_lettered\n/);
  const file = join(scratchFolder(t), 'c1.yml');
  assert.deepEqual(await run(['record', 'c1', '-o', file], env, more), { code: 0, out: `${file}: 5 messages\n`, err: '' });
  assert.ok(existsSync(file));
  assert.match((await run(['record', 'c1', '-o', file], env, more)).err, /is there already/);
  assert.match((await run(['record', 'nobody'], env, more)).err, /^CONFAB_CONVERSATION_UNKNOWN/);
});
