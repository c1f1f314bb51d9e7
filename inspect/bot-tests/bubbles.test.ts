import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { botOf, head } from '../../processors/bot/testing.js';
import { Known } from './known.js';
import { bubblesMatch, responsesOf } from './bubbles.js';
import { readBubbles } from './read-expectations.js';
import { Faults } from '../../processors/bot/index.js';
import { parseTree } from '../../processors/bot/yaml-tree.js';
import { readFileOf } from './read-tests.js';

// The same cases in every run: a commit is judged by what it changed.
fc.configureGlobal({ seed: 20_261_123 });

const bot = botOf({
  'bot.yaml': head(),
  'more.yaml': `intents: {a: {examples: [x, y], reply: two}}
slots: {name: {}}
responses:
  two: {variants: [[One., Two.], 'Only one, {name}.']}
  dots: 'a.b {name|you}'
`,
});
const known = new Known(new Map([['current', bot]]));

function matches(expected: string, said: readonly string[]): boolean {
  const faults = new Faults();
  const tree = parseTree('a.yml', expected, faults);
  const bubbles = tree && readBubbles(tree, { faults, known });
  assert.deepEqual(faults.errors, []);
  return bubblesMatch(bubbles ?? [], said, responsesOf([bot]));
}

test('bubbles are matched one by one and whole', () => {
  assert.ok(matches('Hello', ['Hello']) && matches('Hello', ['Hello ']) && !matches('Hello', ['hello']) && !matches('Hello', ['Hello', 'there']) && !matches('[Hello, there]', ['Hello']) && matches('[]', []) && !matches('[]', ['x']));
  assert.ok(matches('/^H.*o$/', ['Hallo']) && !matches('/^H$/', ['Hi']) && matches('{pattern: e}', ['Hello']) && matches('/a.b/', ['a\nb']));
  assert.ok(matches('{contains: STRASSE}', ['Große Strasse 1']) && matches('anything', ['?']) && !matches('anything', []));
  assert.ok(matches('[{oneOf: [a, /b+/, {contains: c}]}]', ['xcx']) && !matches('{oneOf: [a, b]}', ['c']));
});

test('a response takes as many bubbles as its variant has, whatever stands in its places', () => {
  assert.ok(matches('{response: two}', ['One.', 'Two.']) && matches('{response: two}', ['Only one, Ann.']) && matches('{response: two}', ['Only one, .']) && !matches('{response: two}', ['One.']));
  assert.ok(matches('[{response: two}, {response: two}, x]', ['Only one, x.', 'One.', 'Two.', 'x']));
  assert.ok(matches('{response: dots}', ['a.b you']) && !matches('{response: dots}', ['aXb you']), 'its own dots are no pattern');
});

test('many ways to match take no more time than one', () => {
  const expected = `[${Array.from({ length: 60 }, () => '{oneOf: [{response: two}, anything, {contains: o}]}').join(', ')}]`;
  assert.ok(!matches(expected, [...Array.from({ length: 40 }, () => ['One.', 'Two.']).flat(), 'end', 'x'].slice(0, 50)));
});

test('whatever stands in a test file, it is read or refused with a place', () => {
  const sound = 'given: {now: "2026-01-01T00:00:00Z", attributes: {a: b}}\ntests:\n  - name: x\n    dialogue:\n      - user: hi\n        bot: [/x/, {oneOf: [a, {response: two}]}]\n        outcome: answered\n        slots: {name: null}\n      - wait: 5m\n        timers: {a: 1h}\n    end: {flow: none}\n';
  fc.assert(fc.property(fc.nat(sound.length), fc.nat(12), fc.oneof(fc.string({ maxLength: 12 }), fc.constantFrom('{', '[', ': ', '- ', '&a ', '*a', '!!x ', '\t', '| ', 'none', '~', '{}', '[]', '1e9', '"')), (at, cut, put) => {
    const text = sound.slice(0, at) + put + sound.slice(at + cut);
    const faults = new Faults();
    const tree = parseTree('a.yml', text, faults);
    const tests = tree ? readFileOf(tree, { faults, known }) : [];
    assert.ok(Array.isArray(tests) && faults.errors.every(({ line, reason }) => line >= 1 && reason !== '' && !reason.includes('undefined')));
  }), { numRuns: 400 });
});
