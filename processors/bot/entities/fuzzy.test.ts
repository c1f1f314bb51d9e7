import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { allowedErrors, DeletionIndex } from './deletion-index.js';
import { editDistance } from './edit-distance.js';
import { createExtractor, type ExtractorBot } from './extractor.js';

// The same cases in every run: a commit is judged by what it changed.
fc.configureGlobal({ seed: 20_261_123 });

const list = (name: string, values: readonly string[], more: { fuzzy?: boolean } = {}) => ({ name, patterns: [], system: null, normalise: 'none' as const, values: values.map((value) => ({ value, synonyms: [value] })), ...more });
const intents = (examples: readonly string[]): ExtractorBot['intents'] => [{ name: 'all', examples, samples: [], titles: [], role: null }];
const found = (bot: ExtractorBot, text: string): string[] => createExtractor(bot).extract(text).map((one) => `${one.value}@${text.slice(one.start, one.end)}:${one.source}`);

const cities = { entities: [list('city', ['Manchester', 'Leeds', 'Edinburgh', 'New York', 'York', 'Rome', 'Ely', 'Zürich', '北京'])] };

test('a letter too many, too few, another, or two swapped: the value is found, with its place and a confidence below 1', () => {
  assert.deepEqual(found(cities, 'to Mancester'), ['Manchester@Mancester:fuzzy']);
  assert.deepEqual(found(cities, 'to Leedds'), ['Leeds@Leedds:fuzzy']);
  assert.deepEqual(found(cities, 'to Edimburhg'), ['Edinburgh@Edimburhg:fuzzy']);
  assert.deepEqual(found(cities, 'to Roem'), ['Rome@Roem:fuzzy']);
  const [one] = createExtractor(cities).extract('to Mancester');
  assert.ok(one && one.confidence !== null && one.confidence > 0.8 && one.confidence < 1);
  assert.equal(createExtractor(cities).extract('to Manchester')[0]?.confidence, null);
});

test('short words have no errors, four letters only swapped ones', () => {
  for (const text of ['to Elt', 'to Rume', 'to Romee', 'to Lemons', 'to Leads of']) assert.deepEqual(found({ entities: [list('city', ['Ely', 'Rome'])] }, text), [], text);
});

test('accents and blanks that are missing are errors too', () => {
  assert.deepEqual(found(cities, 'to Zurich'), ['Zürich@Zurich:fuzzy']);
  assert.deepEqual(found(cities, 'to newyork'), ['New York@newyork:fuzzy']);
});

test('a longer phrase with an error counts before a part of it without', () => {
  assert.deepEqual(found(cities, 'to Nwe York'), ['York@York:list']);
  assert.deepEqual(found({ entities: [list('city', ['Greater York', 'York'])] }, 'to Graeter York'), ['Greater York@Graeter York:fuzzy']);
});

test('values are found inside runs of scripts without blanks', () => {
  assert.deepEqual(found(cities, '我想去北京吃饭'), ['北京@北京:list']);
});

test('a word that is as near to one value as to another is neither', () => {
  assert.deepEqual(found({ entities: [list('name', ['Marina', 'Marine'])] }, 'for Marinx'), []);
});

test("a word of the bot's own examples is no mistyped other one", () => {
  const plants = { entities: [list('goods', ['plant'])] };
  assert.deepEqual(found(plants, 'by plane'), ['plant@plane:fuzzy']);
  assert.deepEqual(found({ ...plants, intents: intents(['send it by plane']) }, 'by plane'), []);
});

test('a word of every day is no mistyped value', () => {
  assert.deepEqual(found({ entities: [list('goods', ['form', 'threes', 'Meer'])], languages: ['en', 'de'] }, 'from there mehr'), []);
  assert.deepEqual(found({ entities: [list('goods', ['form'])], languages: ['en'] }, 'a fomr'), ['form@fomr:fuzzy']);
});

test('a list may ask to be found only as it is written', () => {
  assert.deepEqual(found({ entities: [list('city', ['Manchester'], { fuzzy: false })] }, 'to Mancester'), []);
});

test('the distance is that of the definition, for any two words', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 10 });
  fc.assert(fc.property(word, word, fc.nat(4), (a, b, most) => { assert.equal(editDistance(a, b, most), Math.min(slowDistance(a, b), most + 1)); }));
});

/** Optimal string alignment, by the book. */
function slowDistance(a: string, b: string): number {
  const table = Array.from({ length: a.length + 1 }, (_, i) => Array.from({ length: b.length + 1 }, (__, j) => i === 0 ? j : j === 0 ? i : 0));
  const at = (i: number, j: number): number => table[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    for (let j = 1; j <= b.length; j++) {
      let cost = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, at(i - 2, j - 2) + 1);
      (table[i] as number[])[j] = cost;
    }
  }
  return at(a.length, b.length);
}

test('the index finds every near word that a walk over all of them finds', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd'), minLength: 5, maxLength: 12 });
  fc.assert(fc.property(fc.uniqueArray(letters, { minLength: 1, maxLength: 30 }), letters, (words, query) => {
    const near = new DeletionIndex(words).nearest(`x${query}`.slice(0, 12));
    const typed = `x${query}`.slice(0, 12);
    const all = words.map((word, index) => ({ index, distance: slowDistance(typed, word), most: Math.min(allowedErrors(typed.length), allowedErrors(word.length)), short: Math.min(typed.length, word.length) < 7 && typed[1] !== word[0] }))
      .filter((one) => one.distance <= one.most && !one.short);
    const least = Math.min(...all.map((one) => one.distance));
    for (const one of near) assert.ok(all.some((other) => other.index === one.word && other.distance === one.distance));
    if (all.length > 0) assert.ok(near.length > 0 && near.every((one) => one.distance === least));
  }));
});

test('what a search costs does not grow with the list', () => {
  const words = (count: number): string[] => Array.from({ length: count }, (_, index) => `w${(index * 7919).toString(36)}ord${(index * 104729).toString(36)}`);
  const cost = (count: number): number => { const index = new DeletionIndex(words(count)); for (const typed of ['misspelled', 'wxxordyyy', 'anotherone']) index.nearest(typed); return index.work; };
  assert.ok(cost(20_000) < cost(200) * 4, `${cost(20_000)} steps against ${cost(200)}`);
});
