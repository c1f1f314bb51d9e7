import assert from 'node:assert/strict';
import { test } from 'node:test';
import { botOf, head } from '../bot/testing.js';
import { readCues, type CuesHeard } from './cues.js';
import { phraseAt, phrases } from './phrases.js';
import { createProgram } from './program.js';

const program = createProgram(botOf({ 'bot.yaml': head(), 'f.yaml': `
intents: {a: {reply: lost, examples: [a, b, c, d, e]}}
entities:
  day: {values: [Monday, Tuesday, Friday]}
  place: {values: {home: [my house], office: []}}
  sure: {values: {'yes': [sure], 'no': []}}
` }));

function read(text: string): CuesHeard {
  return readCues({ text, intent: null, confidence: 0, role: null, ranking: [], tapped: false, entities: program.extractor.extract(text).map((one) => ({ ...one })) }, program);
}
const values = (entities: CuesHeard['entities']): unknown[] => entities.map(({ value }) => value);
/** Marks that hold, entities that hold, entities that do not. */
const seen = (text: string): string => {
  const cues = read(text);
  return [(['deny', 'affirm', 'also', 'correct', 'cancel', 'leaves', 'not'] as const).filter((one) => cues[one]).join(' '), values(cues.entities).join(' '), values(cues.negated).join(' '), cues.rest].join(' | ');
};

test('what a text begins with, what holds, what does not, and how much else it says', () => {
  const table: Record<string, string> = {
    '': ' |  |  | 0', 'hello there': ' |  |  | 2', 'Friday': ' | Friday |  | 0', 'on Friday please': ' | Friday |  | 2',
    'yes': 'affirm | yes |  | 0', 'No, I meant Tuesday.': 'deny correct | no Tuesday |  | 0', 'no thanks': 'deny | no |  | 0', 'sorry, make it Tuesday': 'correct | Tuesday |  | 0', 'Tuesday instead': 'correct | Tuesday |  | 0',
    'and on Friday?': 'also | Friday |  | 1', 'what about Friday': 'also | Friday |  | 0', 'never mind': 'cancel leaves not |  |  | 1', 'never mind that': 'leaves not |  |  | 2', 'please stop': ' |  |  | 2', "I don't want": 'cancel leaves not |  |  | 2',
    'not on Friday': 'not |  | Friday | 1', 'not Friday but Tuesday': 'not | Tuesday | Friday | 1', 'Tuesday, not Friday': 'not | Tuesday | Friday | 0', 'not really, Friday': 'not | Friday |  | 1', 'anything but Monday': 'not |  | Monday | 0',
    "Friday doesn't work": 'not |  | Friday | 1', "Friday doesn't work, Tuesday please": 'not | Tuesday | Friday | 2', "Friday doesn't work Tuesday does": 'not | Tuesday | Friday | 2', 'Monday is wrong': ' |  | Monday | 2',
    'to my house, actually to my office': ' | office |  | 3', 'not my house and not Friday': 'not |  | home Friday | 1',
  };
  for (const [text, expected] of Object.entries(table)) assert.equal(seen(text), expected, text);
});

test('the yes or no that a text begins with is not beyond it', () => {
  assert.deepEqual([values(read('no, Tuesday').entities), values(read('no, Tuesday').beyond)], [['no', 'Tuesday'], ['Tuesday']]);
  assert.deepEqual([read('no, Tuesday').leadEnd, read('Tuesday').leadEnd], [2, 0]);
});

test('a long text is no remark, and a tap has no small words', () => {
  const long = read(`no, not Friday ${'x '.repeat(200)}`);
  assert.deepEqual([long.deny, long.not, values(long.negated), long.rest], [false, false, [], 99]);
  const tap = readCues({ text: '', intent: 'a', confidence: 1, role: null, ranking: [], tapped: true, entities: [] }, program);
  assert.deepEqual([tap.cancel, tap.rest], [false, 99]);
});

test('of phrases with the same beginning the longest counts', () => {
  const table = phrases(['no', 'no thanks', 'no thank you', '', '…', "don't"]);
  const at = (text: string): number => phraseAt(table, text.split(' ').map((word, place) => ({ word, start: place, end: place + 1 })), 0);
  assert.deepEqual([at('no'), at('no thanks'), at('no thank you'), at('no thank'), at("don't"), at('yes'), at('')], [1, 2, 3, 1, 1, 0, 0]);
});
