import assert from 'node:assert/strict';
import { appendFileSync, cpSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../platform/clock.js';
import { createLogger } from '../../platform/observability/logger.js';
import { packageRoot } from '../../platform/package-root.js';
import { eventually, scratchFolder } from '../../platform/testing.js';
import { loadBots, type Bot } from '../../processors/bot/index.js';
import { FolderWatch } from './folder-watch.js';
import { HotBots, type HotBotsOptions } from './hot-bots.js';
import { readBots } from './read-bots.js';

const SIMPLE = 'format: 1\nid: simple\nresponses: {lost: What?}\nfallback: {say: lost}\nintents:\n  hi: {reply: lost, examples: [hi, hello, hey, good day, howdy]}\n';

async function watching(t: TestContext, folder: string, lookMillis = 60_000): Promise<() => number> {
  let changes = 0;
  const watch = new FolderWatch({ folder, clock: systemClock, onChange: () => { changes += 1; }, settleMillis: 20, lookMillis });
  await watch.prime();
  watch.start();
  t.after(() => watch.close());
  return () => changes;
}

const ways: readonly [string, (folder: string) => void][] = [
  ['written in place', (folder) => { appendFileSync(join(folder, 'a', 'bot.yaml'), '# more\n'); }],
  ['written beside and renamed', (folder) => { writeFileSync(join(folder, 'a', '.bot.swp'), 'x'); renameSync(join(folder, 'a', '.bot.swp'), join(folder, 'a', 'bot.yaml')); }],
  ['moved away and written anew', (folder) => { renameSync(join(folder, 'a', 'bot.yaml'), join(folder, 'a', 'bot.yaml~')); writeFileSync(join(folder, 'a', 'bot.yaml'), 'x'); }],
  ['removed', (folder) => { unlinkSync(join(folder, 'a', 'bot.yaml')); }],
  ['a new folder, deep', (folder) => { mkdirSync(join(folder, 'b', 'c', 'd'), { recursive: true }); writeFileSync(join(folder, 'b', 'c', 'd', 'x.yaml'), ''); }],
  ['a folder that is gone', (folder) => { rmSync(join(folder, 'a'), { recursive: true }); }],
  ['a link that leads elsewhere now', (folder) => { unlinkSync(join(folder, 'link.yaml')); symlinkSync('two', join(folder, 'link.yaml')); }],
];

for (const [what, change] of ways) {
  test(`a change is told: ${what}`, async (t) => {
    const folder = scratchFolder(t);
    mkdirSync(join(folder, 'a'));
    writeFileSync(join(folder, 'a', 'bot.yaml'), SIMPLE);
    for (const name of ['one', 'two']) writeFileSync(join(folder, name), name);
    symlinkSync('one', join(folder, 'link.yaml'));
    const changes = await watching(t, folder);
    change(folder);
    await eventually('told', () => changes() >= 1);
  });
}

test('what comes after a folder was made is told too, and the root may go and come back', async (t) => {
  const root = join(scratchFolder(t), 'bots');
  mkdirSync(root);
  const changes = await watching(t, root, 50);
  mkdirSync(join(root, 'new'));
  await eventually('the folder', () => changes() === 1);
  writeFileSync(join(root, 'new', 'bot.yaml'), SIMPLE);
  await eventually('the file in it', () => changes() === 2);
  rmSync(root, { recursive: true });
  await eventually('all gone', () => changes() === 3);
  cpSync(join(packageRoot(), 'bots'), root, { recursive: true });
  await eventually('back again', () => changes() >= 4);
});

test('what is no YAML and what is only touched by a reader is no change', async (t) => {
  const folder = scratchFolder(t);
  const changes = await watching(t, folder);
  writeFileSync(join(folder, 'notes.txt'), 'x');
  writeFileSync(join(folder, '.hidden.yaml'), 'x');
  writeFileSync(join(folder, 'last.yaml'), 'x');
  await eventually('the one that counts', () => changes() >= 1);
  assert.equal(changes(), 1);
});

async function hot(t: TestContext, root: string, options: Partial<HotBotsOptions> = {}): Promise<{ hot: HotBots; lines: () => string[] }> {
  let text = '';
  const logger = createLogger({ level: 'info' }, { write: (line: string) => { text += line; } });
  const opened = await HotBots.open({ root, models: join(root, '.models'), load: loadBots, clock: systemClock, logger, settleMillis: 20, read: (request) => readBots(request, new Map()), ...options });
  opened.start();
  t.after(() => opened.stop());
  return { hot: opened, lines: () => text.split('\n').filter((line) => line !== '').map((line) => (JSON.parse(line) as { msg: string }).msg) };
}

function botFolder(t: TestContext): string {
  const root = scratchFolder(t);
  mkdirSync(join(root, 'simple'));
  writeFileSync(join(root, 'simple', 'bot.yaml'), SIMPLE);
  return root;
}

test('a new version is prepared before anybody gets it, and is the only one afterwards', async (t) => {
  const root = botFolder(t);
  const { hot: { bots }, lines } = await hot(t, root);
  const [before] = bots.versions('simple');
  assert.equal(bots.versions('simple'), bots.versions('simple'), 'the same array until it changes');
  const seen: { prepared: Bot; current: Bot | undefined }[] = [];
  bots.beforeUse?.((bot) => { seen.push({ prepared: bot, current: bots.versions('simple')[0] }); });
  appendFileSync(join(root, 'simple', 'bot.yaml'), '# another version\n');
  await eventually('exchanged', () => bots.versions('simple')[0] !== before);
  assert.deepEqual([seen.length, seen[0]?.current === before, bots.versions('simple').length, bots.all().length], [1, true, 1, 1]);
  assert.deepEqual(lines(), ['the bot "simple" has changed and is used from now on']);
});

test('faults are told one a line, with file and line; an id that another folder has is one', async (t) => {
  const root = botFolder(t);
  const { hot: { bots }, lines } = await hot(t, root);
  const before = bots.versions('simple');
  mkdirSync(join(root, 'twin'));
  writeFileSync(join(root, 'twin', 'bot.yaml'), SIMPLE);
  await eventually('the twin', () => lines().length >= 2);
  writeFileSync(join(root, 'twin', 'bot.yaml'), `${SIMPLE.replace('id: simple', 'id: twin')}wrong: 1\nworse: 2\n`);
  await eventually('the faults', () => lines().length >= 5);
  assert.match(lines().join('\n'), /^twin\/bot\.yaml:1:1: simple has the id "simple" too\nthe folder "twin" is not used as it is now; .*\ntwin\/bot\.yaml:7:1: unknown key.*\ntwin\/bot\.yaml:8:1: unknown key.*\nthe folder "twin" is not used/);
  assert.equal(bots.versions('simple'), before);
});

test('a change while bots are read is read too; a reading that fails changes nothing', async (t) => {
  const root = botFolder(t);
  let reads = 0;
  const gate: { open: () => void } = { open: () => undefined };
  const { hot: { bots }, lines } = await hot(t, root, {
    read: async (request) => {
      reads += 1;
      if (reads === 1) { await new Promise<void>((resolve) => { gate.open = resolve; }); throw new Error('no memory'); }
      return readBots(request, new Map());
    },
  });
  const [before] = bots.versions('simple');
  appendFileSync(join(root, 'simple', 'bot.yaml'), '# one\n');
  await eventually('reading', () => reads === 1);
  appendFileSync(join(root, 'simple', 'bot.yaml'), '# two\n');
  gate.open();
  await eventually('exchanged all the same', () => bots.versions('simple')[0] !== before);
  assert.deepEqual(lines(), ['bots that changed could not be read; those before go on', 'the bot "simple" has changed and is used from now on']);
});
