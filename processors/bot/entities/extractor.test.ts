import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createExtractor } from './extractor.js';
import { botOf, head } from '../testing.js';

const bot = botOf({ 'bot.yaml': head(`
intents:
  hi: {reply: lost, examples: [hi, a, b, c, d]}
entities:
  code: {patterns: ['\\b[a-z]{2}[0-9]{3}\\b'], normalise: upper}
  day: {values: {Monday: [mon], next week: [the week after], week: []}}
  amount: {system: number}
  mail: {system: email}
`) });
const extractor = createExtractor(bot);
const found = (text: string): string[] => extractor.extract(text).map((one) => `${one.name}=${one.value}@${text.slice(one.start, one.end)}`);

test('patterns, lists and system entities are found with their place in the text', () => {
  assert.deepEqual(found('Send ab123 on MON please, 2 of them'), ['code=AB123@ab123', 'day=Monday@MON', 'amount=2@2']);
  assert.deepEqual(found('mail me at Ann.B@Example.org'), ['mail=ann.b@example.org@Ann.B@Example.org']);
});

test('of overlapping finds of one entity the longest stays', () => {
  assert.deepEqual(found('in the week after, or next week'), ['day=next week@the week after', 'day=next week@next week']);
});

test('places are units of the original text, also where folding changes lengths', () => {
  assert.deepEqual(found('\ufdfa ｍｏｎ'), ['day=Monday@ｍｏｎ']);
});

test('nothing is found in nothing, and at most twenty in much', () => {
  assert.deepEqual(found(''), []);
  assert.equal(extractor.extract('mon '.repeat(1000)).length, 20);
});
