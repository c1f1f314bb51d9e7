/** `rephrase: true` and `fill: model` in the interpreter: what a model says is used where it fits, and where it does not the conversation goes on as if there were none. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EffectResult } from '../../schemas/types.js';
import { botOf, head } from '../bot/testing.js';
import type { EffectRequest } from '../stage.js';
import { interpret, MOST_EFFECTS } from './interpreter.js';
import { createProgram } from './program.js';
import { Talk } from './testing.js';

const texts = (tasks: string): string => `${head(`  hello: {bubbles: ['Hello {name|friend}!', 'You have 3 parcels.'], quickReplies: [Track], rephrase: true}
  ask_place: Where to?
  bad_place: Home or shop?
  ask_date: When?
  ask_name: Your name?
  done: 'To {place} on {date}, {name}.'
  gone: Given up.
`)}model: {tasks: ${tasks}}\n`;
const FLOWS = `
intents:
  greet: {reply: hello, examples: [hello, hi, hey, good day, good morning]}
  twice: {examples: [twice, two times, double, both, again]}
  many: {examples: [many, lots, plenty, masses, heaps]}
  move: {examples: [move it, bring it, elsewhere, another place, redirect]}
  later: {examples: [another day, later, postpone, not then, delay]}
entities:
  place: {values: {home: [my flat], shop: [store]}}
  date: {system: date}
slots:
  place: {entity: place, ask: ask_place, invalid: bad_place, retries: 1, fail: lost, fill: model}
  date: {entity: date, type: date, ask: ask_date, fill: model}
  name: {ask: ask_name, fill: model}
flows:
  twice: {on: twice, do: [{say: hello}, {say: hello}]}
  many: {on: many, do: [${Array.from({ length: MOST_EFFECTS + 2 }, () => '{say: hello}').join(', ')}]}
  move: {on: move, do: [{ask: place}, {ask: date}, {ask: name}, {say: done}]}
  lost: {do: [{say: gone}]}
`;
const bot = botOf({ 'bot.yaml': texts('[rephrase, fill]'), 'f.yaml': FLOWS });
const without = botOf({ 'bot.yaml': texts('[answer]'), 'f.yaml': FLOWS });

type Answer = Pick<EffectResult, 'status' | 'result'>;
const ok = (result: unknown): Answer => ({ status: 'ok', result: typeof result === 'string' ? result : JSON.stringify(result) });
const failed = (status: string): Answer => ({ status, result: null });
/** A conversation whose model gives these answers in turn. */
function talking(...answers: readonly Answer[]): Talk {
  let at = 0;
  return new Talk(bot, () => answers[at++] ?? failed('CONFAB_MODEL_OFF'));
}
const asked = ({ asked: list }: Talk): unknown[] => list.map((one) => one.kind === 'model' ? [one.task, one.slot, one.text] : one.kind);

/** All that a model may do instead of answering; the codes are those of responder.ts. */
const CODES = ['CONFAB_MODEL_REFUSED', 'CONFAB_MODEL_TIMEOUT', 'CONFAB_MODEL_UNAVAILABLE', 'CONFAB_MODEL_BUSY', 'CONFAB_MODEL_CUT', 'CONFAB_MODEL_NONSENSE', 'CONFAB_MODEL_UNSAFE', 'CONFAB_MODEL_BUDGET', 'CONFAB_MODEL_OFF', 'CONFAB_EFFECT_FAILED'];
/** Results that no responder writes: of another version of the program, or of whoever could write into the log. */
const HOSTILE = ['', '{', 'null', '[]', '7', '"text"', '{"text":7,"value":7}', '{"text":"","value":{"a":1}}', '{"value":["home"],"text":{"toString":"x"}}', '{"__proto__":{"text":"x"}}'];

test('a response is said in other words, as one bubble with its quick replies', () => {
  const talk = talking(ok({ text: 'Good to see you, there are 3 parcels.', citations: [] }));
  const reply = talk.send('hello', { intent: 'greet' });
  assert.deepEqual(reply.parts.map((part) => [part.text, part.quickReplies.map(({ title }) => title)]), [['Good to see you, there are 3 parcels.', ['Track']]]);
  assert.deepEqual(asked(talk), [['rephrase', null, 'Hello friend!\nYou have 3 parcels.']]);
  assert.deepEqual([reply.outcome, reply.effects.map(({ key, status }) => [key, status])], ['answered', [['00000001-000000000000-00#say.hello.0', 'ok']]]);
});

test('whatever keeps the model from other words, the response is said as it stands', () => {
  for (const answer of [...CODES.map(failed), ...HOSTILE.map(ok)]) {
    const talk = talking(answer);
    const reply = talk.send('hello', { intent: 'greet' });
    assert.deepEqual([reply.outcome, reply.parts.map(({ text }) => text)], ['answered', ['Hello friend!', 'You have 3 parcels.']], JSON.stringify(answer));
    assert.equal(reply.effects[0]?.status, answer.status);
  }
});

test('other words are text: no place in them is filled, and nothing begins', () => {
  const talk = talking(ok({ text: 'Say {name} {{x}} intent:move', citations: [] }));
  assert.deepEqual(talk.say('hello', { intent: 'greet' }), ['Say {name} {{x}} intent:move']);
  assert.deepEqual([talk.stored.f, talk.timers.size, talk.last?.wants], [undefined, 0, []]);
});

test('a response that is said twice is asked for twice, and past the effects of a turn as it stands', () => {
  const two = talking(ok({ text: 'one', citations: [] }), failed('CONFAB_MODEL_TIMEOUT'));
  assert.deepEqual(two.say('twice', { intent: 'twice' }), ['one', 'Hello friend!', 'You have 3 parcels.']);
  assert.equal(new Set(two.asked.map(({ key }) => key)).size, 2);
  const many = talking(...Array.from({ length: MOST_EFFECTS + 2 }, () => ok({ text: 'other', citations: [] })));
  assert.deepEqual(many.say('many', { intent: 'many' }), [...Array.from({ length: MOST_EFFECTS }, () => 'other'), ...Array.from({ length: 2 }, () => ['Hello friend!', 'You have 3 parcels.']).flat()]);
  assert.equal(many.asked.length, MOST_EFFECTS);
});

test('the same results give the same turn again, and nothing is asked for once more', () => {
  const program = createProgram(bot);
  const talk = talking(ok({ text: 'once', citations: [] }));
  const reply = talk.send('hello', { intent: 'greet' });
  const settled = new Map(reply.effects.map((effect) => [effect.key, effect]));
  const input = {
    message: { kind: 'text', messageId: 'm0', botId: bot.id, channel: 'web', accountId: null, userId: 'u', author: { type: 'person', name: null }, text: 'hello', payload: null, replyId: null, locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null },
    position: reply.position, key: 'default/c', at: Date.parse('2026-11-23T10:00:00Z'), results: [{ bot: bot.id, version: bot.version, model: 'm', intent: 'greet', confidence: 0.99, ranking: [], entities: [] }],
  };
  for (let time = 0; time < 3; time++) {
    const again = interpret(program, undefined, input, settled);
    assert.deepEqual([again.reply, again.wants], [reply, []]);
  }
});

/** A conversation that asks for the place. */
function askedForPlace(...answers: readonly Answer[]): Talk {
  const talk = talking(...answers);
  assert.deepEqual(talk.say('bring it', { intent: 'move' }), ['Where to?']);
  return talk;
}

test('a value that the model finds fills the slot as an answer does, and the model is asked only where nothing else gave one', () => {
  const talk = askedForPlace(ok({ value: 'shop' }), ok({ value: '2026-12-03' }));
  assert.deepEqual(talk.say('where one buys things'), ['When?']);
  assert.deepEqual(talk.say('the third day of the last month'), ['Your name?']);
  assert.deepEqual([talk.slot('place'), talk.slot('date')], ['shop', '2026-12-03']);
  assert.deepEqual(asked(talk), [['fill', 'place', 'where one buys things'], ['fill', 'date', 'the third day of the last month']]);
  assert.deepEqual(talk.say('whoever I may be'), ['To shop on 2026-12-03, whoever I may be.'], 'a free text takes any answer: nobody is asked');
  const plain = askedForPlace();
  assert.deepEqual([plain.say('to my flat'), plain.asked.length], [['When?'], 0]);
});

test('a word for a value is that value; what is none of them is nothing', () => {
  assert.equal((() => { const talk = askedForPlace(ok({ value: 'my flat' })); talk.say('where I live'); return talk.slot('place'); })(), 'home');
  for (const value of ['the moon', 'intent:later', '{name}', '<script>', ' ', '2026-12-03', 'constructor']) {
    const talk = askedForPlace(ok({ value }));
    assert.deepEqual([talk.say('somewhere'), talk.outcome, talk.slot('place')], [['Home or shop?'], 'fallback', undefined], value);
  }
});

test('whatever keeps the model from a value, the question is asked again, and given up when its time has come', () => {
  for (const answer of [...CODES.map(failed), ...HOSTILE.map(ok), ok({ value: null })]) {
    const talk = askedForPlace(answer, answer);
    assert.deepEqual([talk.say('somewhere'), talk.outcome], [['Home or shop?'], 'fallback'], JSON.stringify(answer));
    assert.equal(talk.last?.reply.effects.length, 1);
    assert.deepEqual(talk.say('somewhere else'), ['Given up.'], JSON.stringify(answer));
    assert.deepEqual(talk.asked.length, 2);
  }
});

test('a sure change of the subject is none, and a task that the bot does not have is never asked for', () => {
  const talk = askedForPlace();
  talk.say('hello', { intent: 'greet' });
  assert.deepEqual(asked(talk).map((one) => (one as unknown[])[0]), ['rephrase']);
  const never = new Talk(without, (request: EffectRequest) => { throw new Error(request.key); });
  assert.deepEqual(never.say('hello', { intent: 'greet' }), ['Hello friend!', 'You have 3 parcels.']);
  assert.deepEqual(never.say('bring it', { intent: 'move' }), ['Where to?']);
  assert.deepEqual(never.say('somewhere'), ['Home or shop?']);
});
