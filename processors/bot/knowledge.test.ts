import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { scratchFolder } from '../../platform/testing.js';
import { checkBot } from './loader.js';
import { readModelAnswer, readModelFill } from './model-result.js';
import { botOf, check, head } from './testing.js';

const BOT = { 'bot.yaml': head(), 'i.yaml': 'intents: {hi: {reply: lost, examples: [hi, hello, hey, good day, howdy]}}\n' };

test('texts of the folder knowledge are the bot\'s, with title and link, and count into its version', () => {
  const bot = botOf({
    ...BOT, 'knowledge/delivery.md': 'words before\n\n## Delivery times ##\n\nTwo days.', 'knowledge/a/opening-hours.txt': '# no heading here\nNine to five.\r\n',
    'knowledge/prices.md': '---\ntitle: "What it costs"\nurl: https://example.com/prices\n---\n# Prices\nFive euro.',
  });
  assert.deepEqual(bot.knowledge, [
    { file: 'a/opening-hours.txt', title: 'a opening hours', url: null, text: '# no heading here\nNine to five.\n' },
    { file: 'delivery.md', title: 'Delivery times ##', url: null, text: 'words before\n\n## Delivery times ##\n\nTwo days.' },
    { file: 'prices.md', title: 'What it costs', url: 'https://example.com/prices', text: '# Prices\nFive euro.' },
  ]);
  const versions = [botOf(BOT), bot, botOf({ ...BOT, 'knowledge/delivery.md': 'Two days.' }), botOf({ ...BOT, 'knowledge/delivery.md': 'Three days.' })].map(({ version }) => version);
  assert.equal(new Set(versions).size, 4);
});

test('what is wrong in a text of the knowledge is told with its file', () => {
  const bad = check({ ...BOT, 'knowledge/x.md': '---\nurl: javascript:alert(1)\ntitel: X\n---\nText', 'knowledge/empty.txt': '  \n' });
  assert.deepEqual(bad.faults.map(({ file, reason }) => `${file}: ${reason}`), [
    'knowledge/x.md: unknown key of the head "titel"; did you mean "title"?', 'knowledge/x.md: the url of the head must be a link that begins with https:// or http://',
  ]);
  assert.deepEqual(bad.warnings.filter(({ file }) => file.startsWith('knowledge')).map(({ file, reason }) => `${file}: ${reason}`), ['knowledge/empty.txt: the file is empty']);
});

test('only Markdown and text is read there, nothing outside, and nothing of it as YAML', async (t) => {
  const folder = scratchFolder(t);
  mkdirSync(join(folder, 'bot', 'knowledge', 'deep'), { recursive: true });
  for (const [file, text] of Object.entries(BOT)) writeFileSync(join(folder, 'bot', file), text);
  for (const file of ['knowledge/a.md', 'knowledge/deep/b.txt', 'README.md']) writeFileSync(join(folder, 'bot', file), 'intents: {{');
  writeFileSync(join(folder, 'bot', 'knowledge', 'c.yaml'), 'nonsense: [');
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  assert.deepEqual((await checkBot(join(folder, 'bot'))).bot?.knowledge.map(({ file }) => file), ['a.md', 'deep/b.txt']);
  symlinkSync(join(folder, 'secret.txt'), join(folder, 'bot', 'knowledge', 'd.txt'));
  assert.match((await checkBot(join(folder, 'bot'))).faults[0]?.reason ?? '', /leads out of the folder/);
});

test('results of the language model are read back, and what is none is undefined', () => {
  const result = (value: unknown, status = 'ok') => ({ key: 'k', kind: 'model', status, result: value === null ? null : JSON.stringify(value) });
  assert.deepEqual(readModelAnswer(result({ text: 'Hi [1]', citations: [{ title: 'T', source: 's.md', url: null }] })), { text: 'Hi [1]', citations: [{ title: 'T', source: 's.md', url: null }] });
  assert.deepEqual([readModelAnswer(result(null, 'CONFAB_MODEL_TIMEOUT')), readModelAnswer(result({ text: '' })), readModelAnswer({ ...result({ text: 'x' }), kind: 'http' })], [undefined, undefined, undefined]);
  assert.deepEqual([readModelFill(result({ value: 'Leeds' })), readModelFill(result({ value: null })), readModelFill(result(null, 'CONFAB_MODEL_OFF'))], [{ value: 'Leeds' }, { value: null }, undefined]);
});
