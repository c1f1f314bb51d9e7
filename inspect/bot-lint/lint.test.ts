import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../platform/clock.js';
import { checkBot } from '../../processors/bot/index.js';
import { lamps } from '../bot-tests/testing.js';
import { alikeTexts } from './alike.js';
import { lintBot, type LintFinding } from './index.js';

async function lint(t: TestContext, intents: string): Promise<LintFinding[]> {
  const { bot, sources, faults } = await checkBot(lamps(t, { 'all.yaml': intents }));
  assert.deepEqual(faults, []);
  assert.ok(bot);
  return lintBot(bot, sources, systemClock);
}

const head = 'responses: {lost: Sorry?}\nintents:\n';
const intent = (name: string, texts: readonly string[]): string => `  ${name}:\n    reply: lost\n    examples:\n${texts.map((text) => `      - ${text}\n`).join('')}`;
const HELLO = ['hello', 'hi', 'hey there', 'good morning', 'good evening', 'howdy', 'greetings', 'good day to you', 'hiya', 'morning all'];
const PRICE = ['what does it cost', 'how much is it', 'the price please', 'is it expensive', 'cost of a lamp', 'how many pounds', 'tell me the price', 'price list', 'what would I pay', 'a quote please'];
const told = (findings: readonly LintFinding[]): string[] => findings.map(({ kind, severity, place, lines }) => `${kind} ${severity} ${place.file}:${place.line} ${lines.map((line) => line.place.line).join(',')}`);

test('a sound bot has no findings', async (t) => {
  assert.deepEqual(told(await lint(t, head + intent('hello', HELLO) + intent('price', PRICE))), []);
});

test('the same example in two intents is an error, nearly the same a warning, twice in one a repetition', async (t) => {
  const found = await lint(t, head + intent('hello', [...HELLO, 'Tell me the PRICE!', 'Howdy!']) + intent('price', [...PRICE, 'good evening to you']));
  assert.deepEqual(told(found).filter((line) => !/^(stray|overlap)/.test(line)), ['contradiction error all.yaml:27 16,27', 'duplicate warning all.yaml:17 11,17']);
  const near = await lint(t, head + intent('hello', [...HELLO, 'please send me the long price list of everything']) + intent('price', [...PRICE, 'please send me the long price list of everything now']));
  assert.ok(told(near).includes('contradiction warning all.yaml:30 16,30'), told(near).join('\n'));
});

test('the same word in two languages is no repetition', async (t) => {
  const { bot, sources, faults } = await checkBot(lamps(t, { 'bot.yaml': 'format: 1\nid: lamps\nlanguages: [en, de]\nfallback: {say: lost}\n', 'all.yaml': `responses: {lost: Sorry?}\nintents:\n  hello:\n    reply: lost\n    examples: {en: [${HELLO.join(', ')}, ok], de: [hallo, hi, guten Tag, moin, servus, guten Abend, grüß Gott, tach, guten Morgen, hallo zusammen, hi, ok]}\n` }));
  assert.deepEqual(faults, []);
  assert.ok(bot);
  assert.deepEqual(lintBot(bot, sources, systemClock).flatMap(({ kind, message }) => kind === 'duplicate' ? [message] : []), ['"hi" is the same as "hi", an example of hello already'], 'but twice in one is');
});

test('intents that are about the same overlap, with the lines that are taken for the other', async (t) => {
  const [odd, even] = [0, 1].map((rest) => [...PRICE, 'how much would a lamp be', 'what is the cost of it', 'give me a price', 'how expensive is a lamp', 'what do you charge', 'your prices please', 'pounds for a lamp', 'pay for a lamp', 'price of one lamp', 'lamp cost'].filter((_, at) => at % 2 === rest));
  const found = await lint(t, head + intent('cost', odd ?? []) + intent('price', even ?? []) + intent('hello', HELLO));
  const overlap = found.find(({ kind }) => kind === 'overlap');
  assert.match(overlap?.message ?? '', /^cost and price overlap: \d+ of their 20 examples/);
  assert.ok((overlap?.lines.length ?? 0) >= 3 && overlap?.lines.every(({ note, place }) => /^reads like (cost|price)/.test(note) && place.line > 3));
});

test('an intent with too few examples is named with its line', async (t) => {
  assert.deepEqual(told(await lint(t, head + intent('hello', HELLO) + intent('price', PRICE.slice(0, 6)))).filter((line) => line.startsWith('small')), ['small warning all.yaml:16 ']);
});

test('texts that are alike are found without comparing each with each', () => {
  const many = Array.from({ length: 5000 }, (_, at) => `text ${(at * 7919).toString(36)} about ${(at * 104_729).toString(36)}`);
  assert.deepEqual(alikeTexts([...many, 'ONE two three four', 'one two, three four!'], 0.9).map(({ a, b, likeness }) => [a, b, likeness]), [[5000, 5001, 1]]);
  assert.deepEqual(alikeTexts(['你好', '你好！', '🙂', '🙂'], 0.95).map(({ a, b }) => [a, b]), [[0, 1], [2, 3]]);
});
