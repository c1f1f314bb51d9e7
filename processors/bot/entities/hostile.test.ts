/** What people may write to cost much: the steps that it takes are counted, so no speed of a machine matters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SYSTEM_ENTITIES, type EntityDefinition } from '../types.js';
import { createExtractor } from './extractor.js';

// The same cases in every run: a commit is judged by what it changed.
fc.configureGlobal({ seed: 20_261_123 });

const values = ['new york', 'new york city', 'new york city hall', 'aaaaaaaaaaaa', 'a a a a a a a b', ...Array.from({ length: 500 }, (_, index) => `new ${index.toString(36)}word`)];
const entities: EntityDefinition[] = [
  { name: 'place', patterns: ['(a+)+b', '([a-z]+ )+x'], values: values.map((value) => ({ value, synonyms: [value] })), system: null, normalise: 'none' },
  ...SYSTEM_ENTITIES.map((system): EntityDefinition => ({ name: system, patterns: [], values: [], system, normalise: 'none' })),
];
const extractor = createExtractor({ entities, languages: ['en', 'de'] });
const NOW = { locale: null, timeZone: null, at: Date.parse('2026-11-25T10:00:00Z') };

const PIECES = ['a', 'a ', 'new ', 'aaaaaaaaaaab ', '1', '1 ', '1/', '1:', '1.', '1,', '-', '(', '@a.', 'a@', 'a.', 'http://', '+1 (', 'mon ', 'tomorrow at ', 'two hundred and ', 'one ', '2 years 3 months ',
  '$1 ', '20 dollars and ', 'from 1 to ', 'half an ', '3rd of ', '\u00a0', '\t\n', '明天', 'zweihundertzwei', '😀', '٣', '\u0301', '￼'];

function steps(text: string): number {
  const before = extractor.work();
  extractor.extract(text, NOW);
  return extractor.work() - before;
}

const filled = (piece: string, length: number): string => piece.repeat(Math.ceil(length / piece.length)).slice(0, length);

for (const piece of PIECES) {
  test(`work grows no faster than the text: ${JSON.stringify(piece)}`, () => {
    const short = steps(filled(piece, 1024));
    const long = steps(filled(piece, 4096));
    assert.ok(long <= short * 4.5 + 200, `${long} steps for 4,096 characters, ${short} for 1,024`);
    // Absolute: a dozen kinds read each character, and each word is looked up with its neighbours.
    assert.ok(long < 4096 * 80, `${long} steps`);
  });
}

test('libraries are given a bounded part of a text, however much of it looks like dates', () => {
  const dates = createExtractor({ entities: entities.filter((one) => one.system === 'date'), languages: ['en'] });
  dates.extract(filled('2 years and 3 months after monday ', 8192), NOW);
  const given = dates.work();
  assert.ok(given > 0 && given <= 8 * 256, `${given} characters`);
});

test('any text in any language: nothing throws, and all that is found lies in the text, twice the same', () => {
  const extractors = ['en-GB', 'de', 'fr', 'es', 'it', 'nl', 'pt', 'ja', 'zh', 'ru', 'pl'].map((language) => createExtractor({ entities, languages: [language] }));
  const piece = fc.oneof(fc.constantFrom(...PIECES, 'tomorrow', 'demain', 'morgen', 'mañana', '5 pm', '€', 'EUR', 'half past', 'hundert', 'cent', 'mille', 'second', ' ', ', '), fc.string({ unit: 'binary', maxLength: 12 }), fc.nat(999_999).map(String));
  fc.assert(fc.property(fc.array(piece, { maxLength: 20 }), fc.nat(10), fc.integer({ min: 0, max: 4e12 }), (parts, which, at) => {
    const text = parts.join('');
    const one = extractors[which];
    const found = one?.extract(text, { locale: null, timeZone: 'America/New_York', at }) ?? [];
    for (const { start, end, value } of found) assert.ok(start >= 0 && start < end && end <= text.length && value !== '', text);
    assert.deepEqual(one?.extract(text, { locale: null, timeZone: 'America/New_York', at }), found);
  }), { numRuns: 400 });
});

test('what is found is bounded, in order, and lies in the text', () => {
  for (const piece of PIECES) {
    const text = filled(piece, 4096);
    const found = extractor.extract(text, NOW);
    assert.ok(found.length <= 20);
    found.forEach((one, index) => { assert.ok(one.start >= (found[index - 1]?.start ?? 0) && one.start < one.end && one.end <= text.length, JSON.stringify(one)); });
  }
});
