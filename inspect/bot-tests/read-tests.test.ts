import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { readSubject, runTests } from './index.js';
import { lamps } from './testing.js';

const faults = async (t: TestContext, tests: string, more: Record<string, string> = {}): Promise<string[]> => {
  const { faults: found, outcomes } = await runTests(await readSubject(lamps(t, { 'tests/a.yml': tests, ...more })), { modelsFolder: '/nowhere' });
  assert.deepEqual(outcomes, [], 'nothing runs beside a fault');
  return found.map(({ file, line, reason }) => `${file}:${line} ${reason}`);
};

test('every fault of a test file names file, line and reason, and what was meant', async (t) => {
  assert.deepEqual(await faults(t, `given: {now: tomorrow, chanel: web, conversation: a b}
tests:
  - name: x
    dialog: []
  - name: y
    dialogue:
      - usr: hello
      - user: hello
        tap: x
      - user: hello
        intent: byu
        slots: {color: red}
        outcome: answerd
        bot: {pattern: '(?=x)'}
        flow: buyy
      - wait: soon
      - user: hello
        bot: {response: ask_color, contains: x}
      - deploy: older
      - system: restart
      - user: hello
        actions: [cout]
        entities: {color: red}
  - name: y
    dialogue: [{user: hi}]
    end: {bot: Hello}
`), [
    'tests/a.yml:1 a time is such as 2026-01-31T12:00:00Z', 'tests/a.yml:1 a conversation id has 1 to 128 characters of A-Z a-z 0-9 . _ : -', 'tests/a.yml:1 unknown key of given "chanel"; did you mean "channel"?',
    'tests/a.yml:3 a test lacks "dialogue"', 'tests/a.yml:4 unknown key of a test "dialog"; did you mean "dialogue"?',
    'tests/a.yml:7 unknown input of a turn "usr"; did you mean "user"?', 'tests/a.yml:8 a turn has one input, not user and tap: begin each turn with "-"',
    'tests/a.yml:11 unknown intent "byu"; did you mean "buy"?', 'tests/a.yml:12 unknown slot "color"; did you mean "colour"?', 'tests/a.yml:13 unknown outcome "answerd"; did you mean "answered"?',
    'tests/a.yml:14 the pattern is not RE2: error parsing regexp: invalid or unsupported Perl syntax:...', 'tests/a.yml:15 unknown flow "buyy"; did you mean "buy"?', 'tests/a.yml:16 a duration is such as 90s, 10m, 2h30m or 3d',
    'tests/a.yml:18 a bubble has one of pattern, contains, oneOf, response; a text with ": " in it needs quotes', 'tests/a.yml:19 unknown version "older"', 'tests/a.yml:20 unknown event "restart"',
    'tests/a.yml:22 unknown action "cout"; did you mean "count"?', 'tests/a.yml:23 unknown entity "color"; did you mean "colour"?',
    'tests/a.yml:24 the name "y" stands in this file already', 'tests/a.yml:26 unknown key of end "bot"',
  ]);
});

test('scripted results are checked against what the action gives', async (t) => {
  assert.deepEqual(await faults(t, `tests:
  - name: x
    given:
      actions: {count: [{result: {lft: 1}}, {fail: CONFAB_ACTION_TIMEOT}, {}], weigh: []}
      model: [{answer: a, fail: CONFAB_MODEL_TIMEOUT}]
    dialogue: [{user: hi}]
`), [
    'tests/a.yml:4 unknown action "weigh"', 'tests/a.yml:4 unknown output of "count" "lft"; did you mean "left"?', 'tests/a.yml:4 unknown error code "CONFAB_ACTION_TIMEOT"; did you mean "CONFAB_ACTION_TIMEOUT"?',
    'tests/a.yml:4 a scripted result has one of "result", "fail"', 'tests/a.yml:5 a scripted result has one of "answer", "fill", "fail"',
  ]);
});

test('files that are no tests, empty, broken, too large or links are refused', async (t) => {
  assert.deepEqual(await faults(t, 'tests: ['), ['tests/a.yml:1 Flow sequence in block collection must be sufficiently indented and end with a ]']);
  assert.deepEqual(await faults(t, ''), ['tests/a.yml:1 the file is empty']);
  assert.deepEqual(await faults(t, 'tests: []\n'), ['tests/a.yml:1 there are no tests']);
  assert.deepEqual(await faults(t, '- x\n'), ['tests/a.yml:1 the file must be a map, not a list']);
  assert.deepEqual(await faults(t, `#${'x'.repeat(300_000)}\n`), ['tests/a.yml:1 larger than 256 KiB']);
  const folder = lamps(t, { 'tests/a.yml': 'tests: [{name: x, dialogue: [{user: hi}]}]\n' });
  symlinkSync('/etc/hostname', join(folder, 'tests', 'b.yml'));
  assert.deepEqual((await runTests(await readSubject(folder), { modelsFolder: '/nowhere' })).faults.map(({ file, reason }) => [file, reason]), [['tests/b.yml', 'only plain files are read']]);
});

test('a fault of the bot or of a version for tests is told with its file', async (t) => {
  assert.deepEqual(await faults(t, 'tests: []', { 'bot.yaml': 'format: 1\nid: lamps\n' }), ['bot.yaml:1 bot.yaml lacks "fallback"']);
  assert.deepEqual(await faults(t, 'tests: []', { 'tests/versions/next/bot.yaml': 'format: 1\nid: other\nfallback: {say: lost}\n' }), ['tests/versions/next/bot.yaml:1 a version has the id of its bot']);
  assert.deepEqual(await faults(t, 'tests: []', { 'tests/versions/next/bot.yaml': 'format: 1\nid: lamps\nfallback: {say: lst}\n' }), ['tests/versions/next/bot.yaml:3 unknown response "lst"; did you mean "lost"? (version "next")']);
});
