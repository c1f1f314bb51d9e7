import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { holds } from './evaluate.js';
import { lex } from './expression-lexer.js';
import { parseExpression, type Node } from './expression-parser.js';
import { botOf, check, head } from './testing.js';
import type { Scope } from './types.js';

const DECLARED = `
intents:
  order: {reply: lost, examples: [a, b, c, d, e]}
  bye: {reply: lost, examples: [f, g, h, i, j]}
entities:
  city: {values: [Rome, Leeds]}
  amount: {system: number}
  code: {patterns: ['[a-z]+']}
slots:
  size: {oneOf: [small, large]}
  count: {type: integer}
  many: {entity: amount}
  sure: {type: boolean}
  day: {type: date}
  note: {}
  name: {memory: user}
`;
const fileOf = (condition: string): string => `${head(DECLARED.trimStart())}flows:\n  main:\n    on: []\n    do:\n      - if: ${condition}\n        then: [end]\n`;

function conditionOf(condition: string): ReturnType<typeof check> { return check({ 'bot.yaml': fileOf(JSON.stringify(condition)).replace('    on: []\n', '') }); }

function scope(slots: Readonly<Record<string, string>> = {}, more: Partial<Scope> & { entities?: Readonly<Record<string, string>>; attributes?: Readonly<Record<string, string>> } = {}): Scope {
  const bot = botOf({ 'bot.yaml': fileOf('slots.note').replace('    on: []\n', '') });
  return {
    slots: bot.slots.map((slot) => slots[slot.name] ?? ''), intent: null, confidence: 0, channel: 'web', locale: null, text: '', error: null,
    entity: (index) => more.entities?.[bot.entities[index]?.name ?? ''] ?? null, attribute: (name) => more.attributes?.[name] ?? null, ...more,
  };
}

function result(condition: string, given: Scope): boolean {
  const { bot, faults } = conditionOf(condition);
  const instruction = bot?.flows[0]?.code[0];
  assert.ok(instruction?.op === 'unless', `${condition}: ${faults[0]?.reason ?? ''}`);
  return holds(instruction.condition, given);
}

const flagged = (flags: Readonly<Record<string, string | number | boolean>>): Scope => scope({}, { flag: (name) => flags[name] ?? null });

const truths: readonly [string, Scope, boolean][] = [
  ['flags.christmas', flagged({ christmas: true }), true],
  ['flags.christmas', flagged({ christmas: false }), false],
  ['flags.christmas', scope(), false],
  ['flags.discount > 10', flagged({ discount: 15 }), true],
  ['flags.discount > 10', flagged({}), false],
  ["flags.market == 'uk'", flagged({ market: 'UK' }), true],
  ['not flags.christmas', flagged({}), true],
  ["slots.size == 'large'", scope({ size: 'large' }), true],
  ["slots.size == 'LARGE'", scope({ size: 'large' }), true],
  ["slots.size != 'large'", scope({ size: 'small' }), true],
  ["slots.size != 'large'", scope(), true],
  ["slots.size == 'large' and not (entities.city in ['Leeds'])", scope({ size: 'large' }, { entities: { city: 'Rome' } }), true],
  ["slots.size == 'large' and not (entities.city in ['Leeds'])", scope({ size: 'large' }, { entities: { city: 'Leeds' } }), false],
  ["entities.city not in ['Leeds']", scope(), true],
  ['slots.note', scope({ note: 'x' }), true],
  ['not slots.note', scope(), true],
  ['slots.note == null', scope(), true],
  ['slots.note != null', scope(), false],
  ['slots.count > 3', scope({ count: '4' }), true],
  ['slots.count > 3', scope(), false],
  ['slots.count <= 3', scope(), false],
  ['slots.count >= 10', scope({ count: '9' }), false],
  ['slots.many > 2.5 and slots.many < 3', scope({ many: '2.75' }), true],
  ['slots.count == 3', scope({ count: '3' }), true],
  ['slots.count in [1, 2, 3]', scope({ count: '3' }), true],
  ['slots.count < slots.many', scope({ count: '2', many: '2.5' }), true],
  ['slots.sure', scope({ sure: 'true' }), true],
  ['slots.sure', scope({ sure: 'false' }), false],
  ['slots.sure == false', scope({ sure: 'false' }), true],
  ["slots.day < '2026-02-01'", scope({ day: '2026-01-31' }), true],
  ["slots.day >= '2026-02-01'", scope({ day: '2026-01-31' }), false],
  ["intent == 'order'", scope({}, { intent: 'order' }), true],
  ["intent in ['order', 'bye'] or confidence > 0.5", scope({}, { intent: null, confidence: 0.75 }), true],
  ["channel == 'whatsapp'", scope({}, { channel: 'web' }), false],
  ["locale == 'de-AT'", scope({}, { locale: 'de-at' }), true],
  ["attributes.plan == 'gold'", scope({}, { attributes: { plan: 'gold' } }), true],
  ['attributes.age >= 18', scope({}, { attributes: { age: '17' } }), false],
  ["user.name == 'Ada'", scope({ name: 'Ada' }), true],
  ["error == 'CONFAB_EFFECT_TIMEOUT'", scope({}, { error: 'CONFAB_EFFECT_TIMEOUT' }), true],
  ["slots.note == 'it''s'", scope({ note: "it's" }), true],
  ['slots.note == "a ""b"""', scope({ note: 'a "b"' }), true],
  ["slots.note == 'a' or slots.note == 'b' and slots.size == 'small'", scope({ note: 'a' }), true],
  ["(slots.note == 'a' or slots.note == 'b') and slots.size == 'small'", scope({ note: 'a' }), false],
  ["not slots.note == 'a'", scope({ note: 'b' }), true],
  ['slots.count > -1', scope({ count: '0' }), true],
];

test('conditions hold as they read', () => {
  for (const [condition, given, expected] of truths) assert.equal(result(condition, given), expected, condition);
});

/** [condition, column in the condition (from 1), reason]. */
const faults: readonly [string, number, RegExp][] = [
  ["slots.size = 'large'", 12, /write "==" for "="/],
  ["slots.size == 'large' && slots.note", 23, /write "and" for "&&"/],
  ['!slots.note', 1, /write "not" for "!"/],
  ["slots.siz == 'large'", 1, /unknown slot "siz"; did you mean "size"\?/],
  ["size == 'large'", 1, /write slots.size for the slot "size"/],
  ["city == 'Rome'", 1, /write entities.city for the entity "city"/],
  ['slots.note == large', 15, /unknown path "large"; a text stands in quotes|unknown path "large"/],
  ["slots.size == 'big'", 15, /slots.size is never "big"/],
  ["slots.size in ['small', 'larg']", 25, /slots.size is never "larg"; did you mean "large"\?/],
  ["entities.city == 'Lees'", 18, /never "Lees"; did you mean "Leeds"\?/],
  ["intent == 'ordr'", 11, /intent is never "ordr"; did you mean "order"\?/],
  ["slots.count == 'x'", 13, /slots.count is a number and 'x' a text/],
  ['slots.note > 3', 12, /give the slot "type: number"/],
  ["slots.note < 'b'", 12, /texts have no order/],
  ['slots.sure > true', 12, /true and false have no order/],
  ['slots.sure == 1', 12, /never equal/],
  ['slots.count > null', 13, /nothing is above or below null/],
  ["'large'", 1, /alone is no condition/],
  ['true', 1, /alone is no condition/],
  ["slots.note == 'a' and 'b'", 23, /alone is no condition/],
  ["1 == 1", 3, /two literals/],
  ["'a' in ['a']", 1, /a path stands before "in"/],
  ["slots.note in 'abc'", 15, /a list stands behind "in"/],
  ['slots.note in []', 15, /nothing is in an empty list/],
  ['slots.note in [slots.size]', 16, /a list has texts, numbers/],
  ['1 < slots.count < 3', 17, /comparisons do not follow each other/],
  ["slots.note == 'a", 15, /not closed/],
  ['(slots.note', 1, /"\)" is missing/],
  ['slots.note)', 11, /too much here/],
  ['slots.note slots.size', 12, /too much here/],
  ['slots.note ==', 14, /missing at the end/],
  ['== 3', 1, /a value is missing before "=="/],
  ['slots.note not 3', 16, /"not" stands before a condition, or before "in"/],
  ['slots.note.length > 3', 1, /too many parts/],
  ['slotss.note', 1, /unknown path "slotss.note"; did you mean "slots"\?/],
  ['user.note', 1, /has no "memory: user"/],
  ['constructor', 1, /unknown path "constructor"/],
  ['slots.__proto__', 1, /unknown slot "__proto__"/],
  ['entities.constructor', 1, /unknown entity "constructor"/],
  ['slots.note == $x', 15, /"\$" has no meaning/],
  ['slots.note == 3d', 15, /neither a number nor a name/],
  ['slots.note == {{a}}', 15, /no meaning/],
  [`${'('.repeat(40)}slots.note${')'.repeat(40)}`, 18, /nested more than 16 deep/],
  [`${'not '.repeat(40)}slots.note`, 69, /nested more than 16 deep/],
  [`slots.note${' or slots.note'.repeat(80)}`, 1, /longer than 1000/],
  [`slots.count in [${Array.from({ length: 101 }, (_, n) => n).join(',')}]`, 16, /more than 100 values/],
];

test('what can never hold, or is no condition, is a fault where it stands', () => {
  for (const [condition, column, reason] of faults) {
    const { bot, faults: found } = conditionOf(condition);
    const [first] = found;
    assert.ok(first, condition);
    assert.equal(bot, undefined);
    assert.match(first.reason, reason, condition);
    // Double quotes of JSON: each inside counts two characters, as it does in the file.
    const shift = JSON.stringify(condition.slice(0, column - 1)).length - 2 - (column - 1);
    assert.equal(first.column - 12, column + 1 + shift, `${condition}: column ${first.column}`);
  }
});

test('the place of a fault is found in every way to write a text', () => {
  const place = (written: string): string => { const [first] = check({ 'bot.yaml': fileOf(written).replace('    on: []\n', '') }).faults; return `${first?.line ?? 0}:${first?.column ?? 0}`; };
  const line = fileOf('x').replace('    on: []\n', '').split('\n').findIndex((one) => one.includes('- if: x')) + 1;
  const cases: readonly [string, number, number][] = [
    ['slots.note and nope', 0, 28],
    ["'slots.note == ''a'' and nope'", 0, 38],
    ['"slots.note == \\"a\\" and nope"', 0, 38],
    ['"slots.note \\u0061nd nope"', 0, 34],
    ['slots.note\n          and nope', 1, 15],
    ['|\n          slots.note\n          and nope', 2, 15],
    ['>-\n          slots.note\n          and nope', 2, 15],
  ];
  for (const [written, down, column] of cases) assert.equal(place(written), `${line + down}:${column}`, written);
});

test('a map and a text that mean the same hold alike', () => {
  const pairs: readonly [string, string][] = [
    ['{slot: size, is: large}', "slots.size == 'large'"], ['{slot: note, known: true}', 'slots.note'], ['{slot: note, known: false}', 'not slots.note'],
    ['{slot: count, above: 1, below: 5}', 'slots.count > 1 and slots.count < 5'], ['{intent: [order, bye]}', "intent in ['order', 'bye']"],
    ['{any: [{slot: size, is: [small, large]}, {channel: sms}]}', "slots.size in ['small', 'large'] or channel == 'sms'"],
    ['{all: [{not: {slot: note, known: true}}, {channel: web}]}', "not slots.note and channel == 'web'"],
  ];
  const scopes = [scope(), scope({ size: 'large', count: '3' }), scope({ note: 'x', count: '9' }, { channel: 'sms' }), scope({ size: 'small' }, { intent: 'bye' })];
  for (const [map, text] of pairs) {
    const code = check({ 'bot.yaml': fileOf(map).replace('    on: []\n', '') }).bot?.flows[0]?.code[0];
    assert.ok(code?.op === 'unless', map);
    for (const given of scopes) assert.equal(holds(code.condition, given), result(text, given), `${map} and ${text}`);
  }
});

test('whatever stands in a condition, it is read or has a fault inside it, in bounded time', () => {
  const words = fc.constantFrom('slots.note', 'slots.count', 'entities.city', 'intent', 'and', 'or', 'not', 'in', '(', ')', '[', ']', ',', '==', '<', "'a'", '3', 'true', 'null', '"', "'", '.', '=', 'é', '\u0000', '__proto__');
  fc.assert(fc.property(fc.oneof(fc.array(words, { maxLength: 40 }).map((list) => list.join(' ')), fc.string({ maxLength: 200, unit: 'binary' })), (condition) => {
    const { bot, faults: found } = conditionOf(condition === '' ? ' ' : condition);
    assert.ok((bot === undefined) === (found.length > 0));
    for (const fault of found) assert.ok(fault.line >= 1 && fault.column >= 1 && fault.reason !== '');
  }), { numRuns: 150, seed: 11 });
});

test('a condition reads as its tree does when it is written out with all brackets', () => {
  const path = fc.constantFrom('slots.note', 'attributes.plan', 'channel');
  const leaf = fc.oneof(path.map((one): string => one), fc.tuple(path, fc.constantFrom('==', '!='), fc.constantFrom("'a'", "'b'")).map((parts) => parts.join(' ')), path.map((one) => `${one} in ['a', 'b']`));
  const tree = fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof({ maxDepth: 4 }, leaf, tie('node').map((one) => `not ${one}`), fc.tuple(tie('node'), fc.constantFrom('and', 'or'), tie('node')).map((parts) => parts.join(' '))),
  })).node;
  fc.assert(fc.property(tree, (condition) => {
    if (condition.length > 600 || lex(condition).length > 200) return;
    assert.deepEqual(strip(parseExpression(bracketed(parseExpression(condition)))), strip(parseExpression(condition)));
  }), { numRuns: 200, seed: 5 });
});

function bracketed(node: Node): string {
  switch (node.node) {
    case 'literal': return typeof node.value === 'string' ? `'${node.value}'` : String(node.value);
    case 'path': return node.path;
    case 'list': return `[${node.items.map(bracketed).join(',')}]`;
    case 'not': return `(not ${bracketed(node.of)})`;
    case 'in': return `(${bracketed(node.left)} ${node.not ? 'not in' : 'in'} ${bracketed(node.right)})`;
    case 'compare': return `(${bracketed(node.left)} ${node.by} ${bracketed(node.right)})`;
    default: return `(${bracketed(node.left)} ${node.node} ${bracketed(node.right)})`;
  }
}

function strip(node: unknown): unknown { return JSON.parse(JSON.stringify(node, (key, value: unknown) => key === 'at' ? undefined : value)); }
