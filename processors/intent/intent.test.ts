import assert from 'node:assert/strict';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { scratchFolder } from '../../platform/testing.js';
import type { IntentDetected, Message } from '../../schemas/types.js';
import { createExtractor, fixedBots, loadBot } from '../bot/index.js';
import { fileModelCache } from '../model-cache.js';
import { noEffects } from '../runner/effects.js';
import type { StageContext } from '../stage.js';
import { prepareClassifier } from './classifier.js';
import { createFeatureReader } from './features.js';
import { createIntentStage, trainingSet } from './index.js';
import { decodeModel } from './artefact.js';
import { train, type TrainingSet } from './train.js';

const parcel = await loadBot(join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'bots', 'parcel'));
const cache = new Map<string, Buffer>();
const stage = createIntentStage({ bots: fixedBots([parcel]), cache });
const context: StageContext = { now: () => 1_700_000_000_123, epoch: '0a1b2c3d', signal: new AbortController().signal, effects: noEffects };
const plain: Message = {
  kind: 'text', messageId: 'M', botId: 'parcel', channel: 'web', accountId: null, userId: 'u', author: { type: 'person', name: null }, text: 'hi', payload: null,
  replyId: null, locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null,
};

function detect(change: Partial<Message>, its = stage): IntentDetected {
  assert.ok(its.scope === 'conversation');
  const result = its.process({ topic: 'messages.v1', partition: 0, offset: 42, key: 'default/c', value: { ...plain, ...change }, timestamp: 0 }, undefined, context);
  assert.ok(!(result instanceof Promise));
  assert.equal(result.outputs.length, 1);
  const output = result.outputs[0];
  assert.ok(output?.topic === 'intents.v1' && output.value);
  return output.value;
}

const intentOf = (text: string): string | null | undefined => detect({ text }).results[0]?.intent;

test('texts that are not among the examples are understood', () => {
  const cases: [string, string][] = [
    ['where has my package got to', 'track_parcel'], ['could you deliver it on another day please', 'change_delivery'], ['I want to speak with a human being', 'person'],
    ['at what time do you open on saturdays', 'opening_hours'], ['how much is it to send a medium sized parcel', 'prices'], ['THANK YOU!!', 'thanks'],
    ['my box arrived totally damaged', 'claim'], ['helo', 'greet'], ['do you know a good joke', 'joke'],
  ];
  for (const [text, intent] of cases) assert.equal(intentOf(text), intent, text);
});

test('texts about other things have no intent', () => {
  for (const text of ['I need a table for four at seven', 'find me a cheap flight to Berlin', 'what is the capital of France', 'xkcd qwop']) assert.equal(intentOf(text), null, text);
});

test('a result names bot, version, model, ranking and entities', () => {
  const { position, message, results, detectedAt } = detect({ text: 'track pp123456789' });
  assert.equal(detectedAt, context.now());
  assert.equal(position, '0a1b2c3d-000000000042-00');
  assert.equal(message.text, 'track pp123456789');
  const [result] = results;
  assert.ok(result);
  assert.deepEqual([result.bot, result.version, result.intent], ['parcel', parcel.version, 'track_parcel']);
  assert.equal(result.ranking.length, 5);
  assert.equal(result.ranking[0]?.confidence, result.confidence);
  assert.ok(result.confidence > 0.5 && result.confidence <= 1);
  assert.deepEqual(result.entities, [{ name: 'tracking_number', value: 'PP123456789', start: 6, end: 17, source: 'pattern', type: null, confidence: null }]);
});

test('every live version of the bot gives a result, another bot gives none', () => {
  const older = { ...parcel, version: 'older' };
  const both = createIntentStage({ bots: fixedBots([parcel, older]), cache });
  assert.deepEqual(detect({}, both).results.map((result) => result.version), [parcel.version, 'older']);
  assert.deepEqual(detect({ botId: 'unknown' }, both).results, []);
});

test('what is not a readable text passes through without results', () => {
  const sealed = { subject: 's', nonce: Buffer.alloc(12), bytes: Buffer.alloc(3) };
  for (const change of [{ kind: 'postback', text: null, payload: 'intent:greet' }, { text: null }, { text: sealed }, { kind: 'timer' }, { kind: 'edit' }, { kind: 'agent' }]) {
    const { results, message } = detect(change);
    assert.deepEqual(results, []);
    assert.equal(message.kind, change.kind ?? 'text');
  }
});

test('hostile texts are classified in time that is linear in their length', () => {
  for (const text of ['', ' ', '\0', '\ud800', 'x'.repeat(4096), 'a b '.repeat(1024), '\u0301'.repeat(4096), '\ufdfa'.repeat(4096), '\u{1f600}'.repeat(2048), 'PP12345678'.repeat(400)]) {
    const before = performance.now();
    const [result] = detect({ text }).results;
    assert.ok(result && result.confidence >= 0 && result.confidence <= 1);
    assert.ok(performance.now() - before < 500);
  }
});

test('an empty or wholly unknown text is no intent and has no ranking', () => {
  for (const text of ['', '\u4e2d\u6587']) assert.deepEqual([detect({ text }).results[0]?.intent, detect({ text }).results[0]?.ranking], [null, []]);
});

const small = (labels: Record<string, string[]>): TrainingSet => ({ accept: 0.95, texts: Object.entries(labels).flatMap(([label, texts]) => texts.map((text) => ({ text, label: label === 'none' ? null : label, entities: [] }))) });

test('the same training data give the same bytes', () => {
  const set = trainingSet(parcel, createExtractor(parcel));
  assert.ok(train(set).equals([...cache.values()][0] as Buffer));
});

test('a model from the cache scores exactly as the one that was trained; a spoiled one is trained anew', (t) => {
  const folder = scratchFolder(t);
  const set = small({ a: ['red apple', 'green apple', 'an apple'], b: ['fast car', 'red car', 'a car'] });
  const first = prepareClassifier(set, fileModelCache(folder));
  const files = fileModelCache(folder);
  const bytes = files.get(first.model);
  assert.ok(bytes);
  const text = 'my red apple car';
  assert.deepEqual(prepareClassifier(set, { get: () => bytes, set: () => assert.fail('trained again') }).classify(text, []), first.classify(text, []));
  for (const spoiled of [bytes.subarray(0, 50), Buffer.from('x'), Buffer.concat([bytes.subarray(0, -1), Buffer.of(1)]), Buffer.alloc(0)]) {
    let trained = 0;
    assert.deepEqual(prepareClassifier(set, { get: () => spoiled, set: () => { trained += 1; } }).classify(text, []), first.classify(text, []));
    assert.equal(trained, 1);
  }
});

test('one label, one example a label and no examples at all are trained', () => {
  const one = prepareClassifier(small({ only: ['hello', 'hello there', 'hi'] }), new Map());
  assert.equal(one.classify('hello', []).intent, 'only');
  assert.equal(one.classify('\u4e2d', []).intent, null);
  const pair = prepareClassifier(small({ a: ['apple'], b: ['car'] }), new Map());
  assert.deepEqual([pair.classify('apple', []).intent, pair.classify('car', []).intent], ['a', 'b']);
  assert.equal(prepareClassifier(small({}), new Map()).classify('x', []).intent, null);
});

test('a label of no intent draws texts away and is never ranked', () => {
  const classifier = prepareClassifier(small({ a: ['red apple', 'green apple'], none: ['fast car', 'slow car'] }), new Map());
  const { intent, ranking } = classifier.classify('a slow car', []);
  assert.equal(intent, null);
  assert.deepEqual(ranking.map((one) => one.intent), ['a']);
});

test('entities count as features', () => {
  const classifier = prepareClassifier({ accept: 1, texts: [{ text: 'it is PP1', label: 'track', entities: ['number'] }, { text: 'it is late', label: 'late', entities: [] }] }, new Map());
  assert.equal(classifier.classify('zz9 it is', ['number']).intent, 'track');
});

test('case, width, apostrophes and digits do not matter to features', () => {
  const reader = createFeatureReader();
  const hashes = (text: string): number[] => { reader.read(text, []); return [...reader.hashes.subarray(0, reader.words + reader.runs)]; };
  assert.deepEqual(hashes("DON’T call １２３"), hashes("don't call 456"));
  assert.notDeepEqual(hashes('ab'), hashes('ba'));
});

test('bytes of nothing are no model', () => {
  assert.equal(decodeModel(Buffer.alloc(100)), undefined);
});
