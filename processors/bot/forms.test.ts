import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSlotCheck } from './slot-values.js';
import { botOf, check, head } from './testing.js';
import { formOf } from './response-form.js';

const INTENT = 'intents:\n  hi: {reply: lost, examples: [hi, hello, hey, good day, howdy]}\n';

test('a slot takes what its type, bounds and list allow, and stores one form of it', () => {
  const cases: readonly [string, string, string | null][] = [
    ['type: number', '2,50', '2.5'], ['type: number', 'two', null], ['type: integer', '3.0', '3'], ['type: integer', '3.5', null],
    ['type: integer, min: 1, max: 9', '10', null], ['type: integer, min: 1, max: 9', '9', '9'], ['type: boolean', 'true', 'true'], ['type: boolean', 'yes', null],
    ['type: date', '2026-02-29', null], ['type: date', '2028-02-29', '2028-02-29'], ["type: date, min: '2026-01-01'", '2025-12-31', null],
    ['type: time', '24:00', null], ['type: time', '09:30', '09:30'], ['type: datetime', '2026-01-31T09:30:00Z', '2026-01-31T09:30:00Z'], ['type: datetime', '2026-01-31', null],
    ['type: email', 'Ada@Example.COM', 'ada@example.com'], ['type: email', 'ada@', null], ['type: url', 'https://example.com/a', 'https://example.com/a'], ['type: url', 'javascript:alert(1)', null],
    ['type: phone', '+44 (20) 7946-0000', '+442079460000'], ['type: phone', '12', null], ['oneOf: [small, Large]', 'LARGE', 'Large'], ['oneOf: [small, Large]', 'big', null],
    ["matches: '[a-z]+'", 'abc', 'abc'], ["matches: '[a-z]+'", 'abc1', null], ['minLength: 3', 'ab', null], ['maxLength: 3', ' abc ', 'abc'],
  ];
  for (const [declared, value, stored] of cases) {
    const [slot] = botOf({ 'bot.yaml': head(`${INTENT}slots: {a: {${declared}}}\n`) }).slots;
    assert.ok(slot);
    assert.equal(createSlotCheck(slot)(value), stored, `${declared}: ${value}`);
  }
});

test('a slot that contradicts itself is a fault', () => {
  for (const [declared, reason] of [
    ['min: 1', /needs a type that has an order/], ['type: date, min: 3', /"min" is no date/], ['type: integer, min: 9, max: 1', /min is above max/], ['type: integer, oneOf: [a]', /is no integer/],
    ['entity: e, map: [{text: true}]', /exclude each other/], ['map: [{intent: hi}]', /needs the "value"/], ['map: [{entity: e, text: true}]', /one of "entity", "intent" and "text"/], ['remember: true, memory: flow', /exclude each other/],
  ] as const) assert.match(check({ 'bot.yaml': head(`${INTENT}entities: {e: {values: [x]}}\nslots: {a: {${declared}}}\n`) }).faults[0]?.reason ?? '', reason, declared);
});

test('a response is said in the form that names most of language and channel', () => {
  const bot = botOf({ 'bot.yaml': head(`  x:\n    text: en\n    quickReplies: [Yes]\n    channels: {sms: {text: en sms}}\n    locales: {de: {text: de, quickReplies: [Ja], channels: {sms: {quickReplies: []}}}, fr: fr}\n${INTENT}`).replace('id: test', 'id: test\nlanguages: [en, de, fr, de-AT]') });
  const response = bot.responses[1];
  assert.ok(response);
  const said = (language: string, channel: string): unknown[] => { const form = formOf(response, language, channel); return [form.variants[0]?.[0]?.[0], form.quickReplies.map((one) => one.payload)]; };
  assert.deepEqual([said('en', 'web'), said('en', 'sms'), said('de', 'web'), said('de', 'sms'), said('fr', 'sms'), said('it', 'web'), said('de-AT', 'sms')],
    [['en', ['Yes']], ['en sms', ['Yes']], ['de', ['Ja']], ['de', []], ['fr', ['Yes']], ['en', ['Yes']], ['de', []]]);
});

test('after and then are a ladder, and a ladder takes rungs of every kind', () => {
  const ladder = (more: string) => { const { bot, faults } = check({ 'bot.yaml': head(`  more: More?\n${INTENT}flows: {help: {do: [{say: more}]}}\n`).replace('{say: lost}', `{say: lost, again: more, ${more}}`) }); return bot?.fallback.ladder ?? faults[0]?.reason; };
  const [say, again, flow] = [{ do: 'say', response: 0 }, { do: 'say', response: 1 }, { do: 'flow', flow: 0 }];
  assert.deepEqual(ladder('after: 3, then: help'), [say, again, flow]);
  assert.deepEqual(ladder('offer: more, ladder: [say, offer, {flow: help}, {handoff: tired}, handoff]'), [say, { do: 'offer', response: 1, most: 3 }, flow, { do: 'handoff', reason: 'tired' }, { do: 'handoff', reason: 'not understood' }]);
  assert.match(JSON.stringify(ladder('ladder: [offer]')), /needs \\"offer/);
  assert.match(JSON.stringify(ladder('after: 3')), /go together/);
});

test('each instruction has a name of its own that stays when steps come and go around it', () => {
  const labels = (steps: string): readonly string[] => botOf({ 'bot.yaml': head(`${INTENT}slots: {a: {ask: lost}, b: {ask: lost}}\nflows:\n  main: {do: [${steps}]}\n`) }).flows[0]?.labels ?? [];
  assert.deepEqual(labels('{ask: a}, {if: slots.a, then: [{say: lost}], else: [{say: lost}]}, {ask: b, id: other}'), ['ask:a', 'if', 'say:lost', 'jump', 'say:lost~2', 'other']);
  assert.deepEqual(labels('{say: lost}, {ask: b, id: other}, {ask: a}'), ['say:lost', 'other', 'ask:a']);
});

test('marks in examples are taken out and kept as spans; what marks nothing known is a fault', () => {
  const bot = botOf({ 'bot.yaml': head("intents:\n  go: {reply: lost, examples: ['to [Rome](city) or [the big one](city=Paris)', 'a \\[b](c)', c, d, e]}\nentities: {city: {values: [Rome]}}\n") });
  assert.deepEqual(bot.intents[0]?.samples.slice(0, 2), [
    { text: 'to Rome or the big one', language: 'en', spans: [{ start: 3, end: 7, entity: 0, value: null }, { start: 11, end: 22, entity: 0, value: 'Paris' }] },
    { text: 'a [b](c)', language: 'en', spans: [] },
  ]);
  assert.match(check({ 'bot.yaml': head("intents:\n  go: {reply: lost, examples: ['to [Rome](ctiy)']}\nentities: {city: {values: [Rome]}}\n") }).faults[0]?.reason ?? '', /unknown entity "ctiy"/);
});

test('what is never reached, and what goes in a circle without asking, is a warning', () => {
  const warnings = (flows: string): string[] => check({ 'bot.yaml': head(`${INTENT.replace('reply: lost, ', '')}slots: {a: {ask: lost}}\nflows:\n${flows}`) }).warnings.map((one) => `${one.line} ${one.reason}`);
  assert.deepEqual(warnings('  a: {on: hi, do: [{go: b}, {say: lost}]}\n  b: {do: [end]}\n'), ['10 this step is never reached: the one before does not come back']);
  assert.deepEqual(warnings('  a: {on: hi, do: [{call: b}]}\n  b: {do: [{go: a}]}\n'), ['10 the flow "a" goes in a circle without asking anything']);
  assert.deepEqual(warnings('  a: {on: hi, do: [{call: b}, {go: a}]}\n  b: {do: [{ask: a}]}\n'), [], 'it asks');
  assert.deepEqual(warnings('  a: {on: hi, do: [end]}\n  b: {do: [{call: c}]}\n  c: {do: [{call: b}, {ask: a}]}\n').map((one) => one.slice(0, 18)), ['11 nothing leads to', '12 nothing leads to'].map((one) => one.slice(0, 18)), 'flows that only lead to each other');
});
