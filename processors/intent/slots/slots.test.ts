import assert from 'node:assert/strict';
import { test } from 'node:test';
import { botOf, head } from '../../bot/testing.js';
import { createExtractor } from '../../bot/index.js';
import { decodeSlots, prepareSlots, slotModelId, trainSlots, type SlotExample } from './index.js';
import { Lattice, OUTSIDE, begins, entityOf, goesOn } from './lattice.js';
import { slotTokens } from './tokens.js';

const CITIES = ['Rome', 'Leeds', 'Cardiff', 'New York', 'Oslo', 'Bad Tölz', 'Paris', 'Lyon'];
const DISHES = ['soup', 'rice pudding', 'noodles', 'fish and chips', 'bread', 'salad'];

/** `book a table in [Rome](city)` as the loader reads it. */
function marked(text: string, intent: string): SlotExample {
  const marks: { entity: string; start: number; end: number }[] = [];
  let plain = '';
  for (const part of text.split(/(\[[^\]]*\]\([a-z_]+\))/)) {
    const match = /^\[(.*)\]\((.*)\)$/.exec(part);
    if (match) marks.push({ entity: match[2] ?? '', start: plain.length, end: plain.length + (match[1] ?? '').length });
    plain += match ? match[1] ?? '' : part;
  }
  return { text: plain, intent, marks };
}

const EXAMPLES: SlotExample[] = [
  ...CITIES.flatMap((city) => [marked(`book a table in [${city}](city)`, 'book'), marked(`I need a table in [${city}](city) please`, 'book')]),
  ...DISHES.flatMap((dish) => [marked(`bring me some [${dish}](dish)`, 'order'), marked(`I would like [${dish}](dish) and tea`, 'order')]),
  ...['hello there', 'good morning', 'what time is it', 'thank you very much'].map((text) => marked(text, 'chat')),
];
const bytes = trainSlots(EXAMPLES);
const found = (text: string, intent: string | null): string[] => (decodeSlots(bytes)?.tag(text, intent) ?? []).map((one) => `${one.entity}=${text.slice(one.start, one.end)}`);

test('what stands where marks stood is found, also words that no example has', () => {
  assert.deepEqual(found('book a table in Kathmandu', 'book'), ['city=Kathmandu']);
  assert.deepEqual(found('I need a table in San Marino please', 'book'), ['city=San Marino']);
  assert.deepEqual(found('bring me some goulash', 'order'), ['dish=goulash']);
  assert.deepEqual(found('hello there', 'chat'), []);
});

test('the same examples give the same bytes, others another id', () => {
  assert.ok(trainSlots(EXAMPLES).equals(bytes));
  assert.equal(decodeSlots(bytes)?.model, slotModelId(EXAMPLES));
  assert.notEqual(slotModelId(EXAMPLES.slice(1)), slotModelId(EXAMPLES));
});

test('bytes that were cut or changed are not a model', () => {
  assert.equal(decodeSlots(bytes.subarray(0, bytes.length - 1)), undefined);
  assert.equal(decodeSlots(Buffer.alloc(0)), undefined);
  const changed = Buffer.from(bytes);
  changed[changed.length - 1] = (changed[changed.length - 1] ?? 0) ^ 1;
  assert.equal(decodeSlots(changed), undefined);
});

test('the best sequence is that of a search over all sequences, and its lead is exact', () => {
  const labels = 5;
  let state = 7;
  const random = (): number => { state = (Math.imul(state, 1103515245) + 12345) >>> 0; return state / 2 ** 32 - 0.5; };
  for (let run = 0; run < 50; run++) {
    const transitions = Float32Array.from({ length: (labels + 1) * labels }, random);
    const lattice = new Lattice(labels, transitions);
    lattice.reset(4);
    for (let at = 0; at < 4 * labels; at++) lattice.emissions[at] = random();
    const all = sequences(labels, 4).map((labelsOf) => ({ labelsOf, score: labelsOf.reduce((sum, label, at) => sum + (lattice.emissions[at * labels + label] ?? 0) + (transitions[label * (labels + 1) + (at === 0 ? labels : labelsOf[at - 1] ?? 0)] ?? 0), 0) }))
      .sort((a, b) => b.score - a.score);
    lattice.decode(4);
    const best = all[0]?.labelsOf ?? [];
    assert.deepEqual([...lattice.best.subarray(0, 4)], best);
    lattice.margins(4, (token, margin) => {
      const other = all.find((one) => one.labelsOf[token] !== best[token]);
      assert.ok(Math.abs(margin - ((all[0]?.score ?? 0) - (other?.score ?? 0))) < 1e-5);
    });
  }
});

/** All that the labels allow: what goes on follows its own only. */
function sequences(labels: number, length: number): number[][] {
  if (length === 0) return [[]];
  return sequences(labels, length - 1).flatMap((before) => Array.from({ length: labels }, (_, label) => [...before, label])).filter((one) => {
    const [previous, last = 0] = [one.at(-2), one.at(-1)];
    const inside = last !== OUTSIDE && last === goesOn(entityOf(last));
    return !inside || previous === last || previous === begins(entityOf(last));
  });
}

test('tokens lie in the text, whatever it is, and their number is bounded', () => {
  for (const text of ['', '😀', 'a\u0301b', '我想去北京', 'x'.repeat(5000), '. '.repeat(5000), '\ud800']) {
    const tokens = slotTokens(text);
    assert.ok(tokens.length <= 2048);
    for (const token of tokens) assert.ok(token.start < token.end && token.end <= text.length);
    assert.ok(Array.isArray(decodeSlots(bytes)?.tag(text, 'book')));
  }
});

const BOT = botOf({ 'bot.yaml': head(`
intents:
  book:
    reply: lost
    examples:
${CITIES.flatMap((city) => [`book a table in [${city}](city)`, `a table in [${city}](city) for tonight`]).map((text) => `      - '${text}'`).join('\n')}
      - 'book a table in [the eternal city](city=Rome)'
      - 'book a table'
entities:
  city: {values: {Leeds: [the north]}, learned: true}
  size: {learned: true}
`) });

test("a bot's learned slots: a value from the mark, from the list, or the words; from the cache the second time", () => {
  const cache = new Map<string, Buffer>();
  const slots = prepareSlots(BOT, cache);
  assert.equal(cache.size, 1);
  const values = (text: string): string[] => (slots?.find(text, 'book') ?? []).map((one) => `${one.name}=${one.value}:${one.source}`);
  assert.deepEqual(values('book a table in Vienna'), ['city=Vienna:learned']);
  assert.deepEqual(values('book a table in the eternal city'), ['city=Rome:learned']);
  assert.deepEqual(values('book a table in the north'), ['city=Leeds:learned']);
  const again = prepareSlots(BOT, { get: (hash) => cache.get(hash), set: () => assert.fail('it was trained again') });
  assert.deepEqual(again?.find('book a table in Vienna', 'book'), slots?.find('book a table in Vienna', 'book'));
});

test('what a list finds for sure stays where a guess overlaps it', () => {
  const extractor = createExtractor(BOT);
  const text = 'book a table in Leeds';
  const merged = extractor.merge(extractor.extract(text), prepareSlots(BOT, new Map())?.find(text, 'book') ?? []);
  assert.deepEqual(merged.map((one) => `${one.value}:${one.source}`), ['Leeds:list']);
});

test('a bot without marks has no learned slots', () => {
  assert.equal(prepareSlots(botOf({ 'bot.yaml': head('\nintents:\n  hi: {reply: lost, examples: [hi, a, b, c, d]}\n') }), new Map()), undefined);
});
