import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readWalk } from './blocks.js';
import { applyDiff, showsLines } from './edits.js';

const fence = '```';
const document = (...lines: string[]): string => lines.join('\n');

test('a shell block is run in the first terminal, with directives in another or in the foreground', () => {
  const { steps, faults } = readWalk(document(`${fence}sh`, 'ls', fence, '', '<!-- walk: in server -->', '<!-- walk: until "is ready" -->', `${fence}sh`, 'npm start', fence, 'text', '<!-- walk: ctrl-c server -->'));
  assert.deepEqual(faults, []);
  assert.deepEqual(steps.map(({ action, text }) => ({ ...action, text })), [
    { kind: 'run', terminal: '1', exit: 0, text: 'ls\n' },
    { kind: 'run', terminal: 'server', exit: 0, until: 'is ready', text: 'npm start\n' },
    { kind: 'ctrl-c', terminal: 'server', text: '' },
  ]);
});

test('a block that is neither run nor explained is a fault, a picture is not', () => {
  const { faults } = readWalk(document(`${fence}json`, '{}', fence, fence, 'x', fence, `${fence}mermaid`, 'flowchart LR', fence));
  assert.deepEqual(faults, ['line 1: nothing says what becomes of this block of json', 'line 4: nothing says what becomes of this block']);
});

test('a skip without a reason, a directive without a block and an unknown directive are faults', () => {
  assert.match(readWalk(document('<!-- walk: skip -->', `${fence}sh`, 'x', fence)).faults.join(), /skip needs a reason/);
  assert.match(readWalk(document('<!-- walk: file a.txt -->', 'prose')).faults.join(), /has no block/);
  assert.match(readWalk(document('prose', '<!-- walk: output -->')).faults.join(), /has no block/);
  assert.match(readWalk(document('<!-- walk: jump -->', `${fence}sh`, 'x', fence)).faults.join(), /no directive "jump"/);
});

test('a block within a list loses its indent', () => {
  assert.equal(readWalk(document('1. do', '   ```sh', '   a', '     b', '   ```')).steps[0]?.text, 'a\n  b\n');
});

test('a diff is applied where its lines stand once, and nowhere else', () => {
  assert.equal(applyDiff('a\nb\nc\n', ' a\n-b\n+B\n c\n'), 'a\nB\nc\n');
  assert.equal(applyDiff('a\nb\nc\nd\n', ' a\n+1\n@@\n c\n+2\n'), 'a\n1\nb\nc\n2\nd\n');
  assert.throws(() => applyDiff('a\na\n', ' a\n+b\n'), /2 times/);
  assert.throws(() => applyDiff('a\n', ' x\n+b\n'), /0 times/);
});

test('expected lines come in order, with … for anything', () => {
  assert.ok(showsLines('one\n  two 2 (b)\nthree\n', 'one\n…\ntwo … (b)'));
  assert.ok(!showsLines('two\none\n', 'one\ntwo'));
  assert.ok(!showsLines('aXb', 'a.b'));
});
