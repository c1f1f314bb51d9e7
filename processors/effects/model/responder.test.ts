import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settle } from '../../../platform/clock-manual.js';
import { ConfabError } from '../../../platform/errors.js';
import type { KnowledgeStore } from '../../../platform/knowledge-index/knowledge-index.js';
import type { ModelQuestion } from '../../../platform/language-model/language-model.js';
import { MemoryTokenBudget } from '../../../platform/token-budget/memory.js';
import { readModelAnswer, readModelFill } from '../../bot/model-result.js';
import { modelBot, POSITION, scene, scripted } from './testing.js';

const NORWAY = ['Parcels to Nor', 'way take five working days [1]. ', 'You need a ', 'customs form [1]. Within the country it is two days [', '2].'];
const userOf = ({ messages }: ModelQuestion): string => messages.find(({ role }) => role === 'user')?.content ?? '';

test('a question is answered from the knowledge, with the passages that it was taken from', async () => {
  const { ask, model } = scripted(() => NORWAY);
  const result = await ask();
  assert.equal(result.status, 'ok');
  assert.deepEqual(readModelAnswer(result), {
    text: 'Parcels to Norway take five working days [1]. You need a customs form [1]. Within the country it is two days [2].',
    citations: [{ title: 'Delivery › Abroad', source: 'delivery.md', url: 'https://help.example.com/delivery' }, { title: 'Delivery', source: 'delivery.md', url: 'https://help.example.com/delivery' }],
  });
  const [question] = model.questions;
  assert.ok(question);
  assert.match(userOf(question), /Passage \[1\]:\nBEGIN \w+\nDelivery › Abroad\nParcels to Norway take five/);
  assert.match(question.messages[0]?.content ?? '', /Parcel Pal[^]*called Parcel Pal[^]*never an instruction/);
  assert.equal(question.maxTokens, 500);
});

test('citations are numbered as they come, and are the passages that were meant', async () => {
  const { ask, shown } = scripted(() => ['It takes two days [2]. ', 'Abroad five [1, 2]. ']);
  const answer = readModelAnswer(await ask());
  assert.equal(answer?.text, 'It takes two days [1]. Abroad five [2][1].');
  assert.deepEqual(answer.citations.map(({ title }) => title), ['Delivery', 'Delivery › Abroad']);
  assert.equal(shown(), answer.text);
});

test('pieces are shown at the ends of sentences, before the answer is whole, under the id of the reply', async () => {
  const { ask, frames, clock, shown } = scripted(() => [NORWAY[0] ?? '', NORWAY[1] ?? '', { wait: 1000 }, ...NORWAY.slice(2)]);
  const asked = ask();
  await settle();
  assert.deepEqual(frames.map(({ key, before, index }) => [key, before, index]), [['default/c1', POSITION, null], ['default/c1', POSITION, 0]]);
  assert.deepEqual(JSON.parse(frames[0]?.frame ?? ''), { type: 'typing', conversationId: 'c1', author: { type: 'bot', name: 'Parcel Pal' } });
  assert.deepEqual(JSON.parse(frames[1]?.frame ?? ''), { type: 'delta', conversationId: 'c1', replyId: 'M1-01', index: 0, text: 'Parcels to Norway take five working days [1].' });
  await clock.advance(1000);
  const answer = readModelAnswer(await asked);
  assert.ok(answer && answer.text.startsWith(shown()));
  assert.deepEqual(frames.slice(1).map(({ index }) => index), [0, 1]);
});

test('the bot is typing until there is something to show, and no longer than the question lasts', async () => {
  const { ask, frames, clock } = scripted(() => [{ wait: 60_000 }], { bot: modelBot({ latency: '7s' }) });
  const asked = ask();
  await clock.advance(10_000);
  assert.equal((await asked).status, 'CONFAB_MODEL_TIMEOUT');
  assert.equal(frames.length, 3, 'at 0, 3 and 6 s');
  await clock.advance(60_000);
  assert.deepEqual([frames.length, clock.waiting], [3, 0]);
});

test('a question ends within the latency of the bot, or of the stage where that is shorter', async () => {
  for (const [latency, left, expected] of [['4s', 29_000, 4000], ['20s', 2500, 2500]] as const) {
    const { ask, clock, model, failures } = scripted(() => [NORWAY[1] ?? '', { wait: 60_000 }], { bot: modelBot({ latency }) });
    let status = '';
    void ask({}, { deadline: clock.monotonic() + left }).then((result) => { status = result.status; });
    await clock.advance(expected - 1);
    assert.equal(status, '');
    await clock.advance(1);
    assert.deepEqual([status, model.aborted, await failures()], ['CONFAB_MODEL_TIMEOUT', 1, { CONFAB_MODEL_TIMEOUT: 1 }]);
  }
});

test('a model that does not listen to the signal does not hold anybody up', async () => {
  const deaf = { name: 'deaf', close: () => Promise.resolve(), stream: () => ({ next: () => new Promise<never>(() => { /* never */ }), return: () => Promise.resolve({ done: true, value: undefined }) }) as never };
  const { ask, clock } = scene({ model: deaf });
  const asked = ask();
  await clock.advance(4000);
  assert.equal((await asked).status, 'CONFAB_MODEL_TIMEOUT');
});

test('an abort of the stage rejects with its reason, and counts as no failure', async () => {
  const { ask, failures, model } = scripted(() => [{ wait: 60_000 }]);
  const controller = new AbortController();
  const asked = ask({}, { signal: controller.signal });
  await settle();
  controller.abort(new ConfabError('CONFAB_FENCED'));
  await assert.rejects(asked, /CONFAB_FENCED/);
  await assert.rejects(ask({}, { signal: controller.signal }), /CONFAB_FENCED/);
  assert.deepEqual([await failures(), model.questions.length], [{}, 1]);
});

test('what the bot or the operator does not allow is never asked', async () => {
  const { ask, model, failures } = scripted(() => NORWAY, { bot: modelBot({ tasks: '[answer]' }) });
  assert.deepEqual([(await ask({ task: 'rephrase' })).status, (await ask({ task: 'fill', slot: 'city' })).status], ['CONFAB_MODEL_OFF', 'CONFAB_MODEL_OFF']);
  assert.equal((await scene().ask()).status, 'CONFAB_MODEL_OFF');
  assert.deepEqual([model.questions.length, await failures()], [0, { CONFAB_MODEL_OFF: 2 }]);
});

test('what the knowledge does not hold is not asked, and what the model does not find is no answer', async () => {
  const { ask, model, frames } = scripted(() => ['NO_ANSWER. I ', 'do not know. ']);
  assert.deepEqual([(await ask({ text: 'quantum chromodynamics' })).status, model.questions.length], ['CONFAB_MODEL_NO_ANSWER', 0]);
  assert.deepEqual([(await ask()).status, model.questions.length], ['CONFAB_MODEL_NO_ANSWER', 1]);
  assert.ok(frames.every(({ index }) => index === null), 'nothing of it was shown');
});

test('an answer without a source, or with one that it was not given, is not said and not shown', async () => {
  for (const said of [['It takes five days. ', 'Sure.'], ['It takes five days [7]. ', 'Sure.'], ['It takes five days [0].']]) {
    const { ask, shown } = scripted(() => said);
    assert.deepEqual([(await ask()).status, shown()], ['CONFAB_MODEL_UNGROUNDED', ''], said[0]);
  }
  const { ask } = scripted(() => ['It takes five days.'], { bot: modelBot({ citations: 'optional' }) });
  assert.equal(readModelAnswer(await ask())?.text, 'It takes five days.');
});

test('without the knowledge a number in brackets names nothing, and goes', async () => {
  const { ask, model } = scripted(() => ['We like parcels [1]. Really.']);
  assert.deepEqual(readModelAnswer(await ask({ knowledge: false })), { text: 'We like parcels. Really.', citations: [] });
  assert.doesNotMatch(userOf(model.questions[0] as ModelQuestion), /Passage/);
});

test('a question that leans on the one before is searched by both', async () => {
  const { ask, model } = scripted(() => ['Nine pounds [1].']);
  const history = [{ by: 'person', text: 'What does a small parcel cost?' }, { by: 'bot', text: 'Four pounds.' }] as const;
  assert.equal((await ask({ text: 'And large?', history })).status, 'ok');
  assert.match(userOf(model.questions[0] as ModelQuestion), /large one nine pounds[^]*person: What does a small parcel cost\?\nbot: Four pounds\./);
});

test('an answer that the model ended is said whole, whatever it ends with', async () => {
  const { ask } = scripted(() => ['Five days [1]. That is:\n- 2 for customs\n- 3 on the way']);
  assert.equal(readModelAnswer(await ask())?.text, 'Five days [1]. That is:\n- 2 for customs\n- 3 on the way');
});

test('an answer at the limit of tokens ends with its last sentence', async () => {
  const { ask } = scripted(() => ({ steps: ['It takes five days [1]. You need a cust'], end: { reason: 'length', tokens: 9 } }));
  assert.equal(readModelAnswer(await ask())?.text, 'It takes five days [1].');
  const without = scripted(() => ({ steps: ['It takes five days and you need'], end: { reason: 'length', tokens: 9 } }));
  assert.equal((await without.ask()).status, 'CONFAB_MODEL_NONSENSE');
});

test('a reply has at most 4,096 characters, whole sentences, also from a model that never ends', async () => {
  const words = ['red', 'blue', 'green', 'small', 'large', 'heavy', 'light', 'round'];
  const endless = Array.from({ length: 2000 }, (_, at) => `Parcel number ${at} is ${words[at % 8] ?? ''} and ${words[(at * 5 + 3) % 8] ?? ''} and weighs ${at * 7} pounds [1]. `);
  const { ask, model, shown } = scripted(() => [...endless, { wait: 60_000 }]);
  const answer = readModelAnswer(await ask());
  assert.ok(answer && answer.text.length <= 4096 && answer.text.length > 3900 && answer.text.endsWith('[1].'), String(answer?.text.length));
  assert.ok(answer.text.startsWith(shown()) && shown().length > 3000);
  assert.equal(model.questions.length, 1);
});

test('a tenant uses no more tokens than the operator and the bot allow, in a window', async () => {
  const budget = { budget: '{tokens: 2000, per: 1h}' };
  const { ask, model, clock } = scripted(() => ({ steps: ['Five days [1].'], end: { reason: 'stop', tokens: 1500 } }), { bot: modelBot(budget) });
  assert.deepEqual([(await ask()).status, (await ask()).status, (await ask()).status], ['ok', 'CONFAB_MODEL_BUDGET', 'CONFAB_MODEL_BUDGET']);
  assert.equal((await ask({ tenant: 'other' })).status, 'ok');
  assert.equal(model.questions.length, 2);
  await clock.advance(3_600_000);
  assert.equal((await ask()).status, 'ok');
  const limited = scripted(() => ['Five days [1].'], { tenantTokens: { limit: 100, perMillis: 1000 } });
  assert.equal((await limited.ask()).status, 'CONFAB_MODEL_BUDGET');
});

test('what a failed question had reserved is given back', async () => {
  const clock = scripted(() => []).clock;
  const taken = new MemoryTokenBudget(clock);
  const failing = scripted(() => [{ fail: new ConfabError('CONFAB_MODEL_UNAVAILABLE') }], { budget: taken, tenantTokens: { limit: 1500, perMillis: 60_000 } });
  for (let i = 0; i < 4; i += 1) assert.equal((await failing.ask()).status, 'CONFAB_MODEL_UNAVAILABLE');
  assert.equal(await taken.take({ name: 'tenant/default', limit: 1500, perMillis: 60_000 }, 1500), true);
});

test('a long conversation and many passages are cut to the tokens of a question; a text that is longer is not sent', async () => {
  const { ask, model } = scripted(() => ['Five days [1].'], { bot: modelBot({ tokens: '1400', answerTokens: '300', history: '20' }) });
  const history = Array.from({ length: 20 }, (_, at) => ({ by: 'person', text: `line ${at} ${'word '.repeat(40)}` }) as const);
  assert.equal((await ask({ history })).status, 'ok');
  assert.ok(userOf(model.questions[0] as ModelQuestion).includes('line 19') && !userOf(model.questions[0] as ModelQuestion).includes('line 2 '));
  assert.equal((await ask({ text: `parcel Norway ${'long '.repeat(800)}` })).status, 'CONFAB_MODEL_BUDGET');
  assert.equal(model.questions.length, 1);
});

test('so many questions at once and no more; after failures in a row it rests, then one tries for all', async () => {
  const busy = scripted(() => [{ wait: 1000 }, 'Five days [1].'], { concurrency: 2 });
  const asked = [busy.ask(), busy.ask(), busy.ask()];
  await busy.clock.advance(1000);
  assert.deepEqual((await Promise.all(asked)).map(({ status }) => status), ['ok', 'ok', 'CONFAB_MODEL_BUSY']);
  let down = true;
  const { ask, model, clock } = scripted(() => (down ? [{ fail: new ConfabError('CONFAB_MODEL_UNAVAILABLE') }] : ['Five days [1].']));
  for (let i = 0; i < 5; i += 1) await ask();
  assert.deepEqual([(await ask()).status, model.questions.length], ['CONFAB_MODEL_UNAVAILABLE', 5]);
  await clock.advance(10_000);
  await ask();
  assert.deepEqual([(await ask()).status, model.questions.length], ['CONFAB_MODEL_UNAVAILABLE', 6]);
  down = false;
  await clock.advance(10_000);
  assert.deepEqual([(await ask()).status, (await ask()).status, model.questions.length], ['ok', 'ok', 8]);
});

test('while the search does not answer the process searches by itself, in time', async () => {
  const failure: { error?: Error } = {};
  const store: KnowledgeStore = {
    kind: 'elasticsearch', close: () => Promise.resolve(),
    open: () => ({ search: (_words, _most, signal) => new Promise((_resolve, reject) => { if (failure.error) reject(failure.error); signal.addEventListener('abort', () => { reject(signal.reason as Error); }); }) }),
  };
  const { ask, clock, failures } = scripted(() => ['Five days [1].'], { knowledge: store });
  const asked = ask();
  await clock.advance(1200);
  assert.equal((await asked).status, 'ok');
  failure.error = new ConfabError('CONFAB_KNOWLEDGE_UNAVAILABLE');
  assert.equal((await ask()).status, 'ok');
  assert.deepEqual(await failures(), { CONFAB_KNOWLEDGE_UNAVAILABLE: 2 });
});

test('other words say the same or are not said', async () => {
  const say = async (text: string, said: string): Promise<string> => {
    const { ask, shown } = scripted(() => [said]);
    const result = await ask({ task: 'rephrase', text, knowledge: false });
    assert.equal(shown(), '', 'they are compared as a whole');
    return readModelAnswer(result)?.text ?? result.status;
  };
  assert.equal(await say('Your parcel PP123456789 comes on 5 May.', 'On 5 May you will get your parcel PP123456789.'), 'On 5 May you will get your parcel PP123456789.');
  for (const said of ['Your parcel comes soon.', 'On 6 May you will get PP123456789.', 'On 5 May you get PP123456789 and 100 pounds.']) assert.equal(await say('Your parcel PP123456789 comes on 5 May.', said), 'CONFAB_MODEL_UNSAFE', said);
});

test('a value for a slot is one that the slot may have and the person wrote', async () => {
  const fill = async (slot: string, text: string, said: string): Promise<string | null> => {
    const { ask } = scripted(() => [said]);
    const result = await ask({ task: 'fill', slot, text, knowledge: false });
    const found = readModelFill(result);
    return found === undefined ? result.status : found.value;
  };
  assert.equal(await fill('city', 'I moved to New  York last week', '{"value": "New York"}'), 'New York');
  assert.equal(await fill('city', 'no idea', '```json\n{"value": null}\n```'), null);
  assert.equal(await fill('size', 'the biggest you have', '{"value":"LARGE"}'), 'large');
  assert.equal(await fill('weight', 'two and a half', '{"value": 2.5}'), '2.5');
  for (const said of ['{"value":"Paris"}', '{"value":"york new"}']) assert.equal(await fill('city', 'I moved to New York', said), 'CONFAB_MODEL_UNSAFE');
  assert.equal(await fill('size', 'huge', '{"value":"huge"}'), 'CONFAB_MODEL_UNSAFE');
  for (const said of ['New York', '{"value":"New York","act":"refund"}', '{"value":{"a":1}}', '[]', '']) assert.equal(await fill('city', 'I moved to New York', said), 'CONFAB_MODEL_NONSENSE', said);
});
