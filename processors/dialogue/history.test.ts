import assert from 'node:assert/strict';
import { test } from 'node:test';
import { linesOf, withLine } from './history.js';

test('lines are kept in order with who said them', () => {
  let history = withLine('', 'p', 'hello');
  history = withLine(history, 'b', 'Hello!\nHow are you?');
  history = withLine(history, 'a', 'Ann here');
  assert.deepEqual(linesOf(history), [{ by: 'person', text: 'hello' }, { by: 'bot', text: 'Hello! How are you?' }, { by: 'agent', text: 'Ann here' }]);
  assert.deepEqual(linesOf(''), []);
  assert.equal(withLine(history, 'p', ''), history, 'nothing is no line');
});

test('a long line is cut, and the whole stays within its bounds however long the conversation is', () => {
  assert.deepEqual(linesOf(withLine('', 'p', 'x'.repeat(1000))).map(({ text }) => [text.length, text.at(-1)]), [[300, '…']]);
  let history = '';
  for (let turn = 0; turn < 500; turn++) history = withLine(history, turn % 2 === 0 ? 'p' : 'b', `${turn} ${'y'.repeat(turn % 290)}`);
  const lines = linesOf(history);
  assert.ok(history.length <= 2000, String(history.length));
  assert.ok(lines.length >= 6 && lines.length <= 12 && lines.at(-1)?.text.startsWith('499 '));
  assert.deepEqual(lines.map(({ text }) => Number(text.split(' ')[0])), lines.map((_, at) => 500 - lines.length + at), 'the newest, none left out');
});

test('of short lines at least the last twelve are kept', () => {
  let history = '';
  const counts = [];
  for (let turn = 0; turn < 200; turn++) {
    history = withLine(history, 'p', `turn ${turn}`);
    counts.push(linesOf(history).length);
    assert.equal(linesOf(history).at(-1)?.text, `turn ${turn}`);
  }
  assert.deepEqual(counts.slice(0, 12), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  assert.ok(counts.slice(12).every((count) => count >= 12));
  assert.ok(history.length <= 750);
});

test('a history that somebody else wrote is read as lines of the person', () => {
  assert.deepEqual(linesOf('x what\nb fine'), [{ by: 'person', text: 'what' }, { by: 'bot', text: 'fine' }]);
});
