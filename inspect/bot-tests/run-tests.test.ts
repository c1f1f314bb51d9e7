import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { scratchFolder } from '../../platform/testing.js';
import { readSubject, runTests, type TestRun } from './index.js';
import { lamps, LAMPS } from './testing.js';

const run = async (t: TestContext, tests: string, more: Record<string, string> = {}, only?: string): Promise<TestRun> =>
  runTests(await readSubject(lamps(t, { 'tests/some.yml': tests, ...more })), { modelsFolder: scratchFolder(t), ...(only === undefined ? {} : { only }) });

const differences = ({ outcomes }: TestRun): string[] => outcomes.flatMap(({ failures }) => failures.flatMap(({ differences: found, fault }) => [...(fault === null ? [] : [fault]), ...found.map(({ what, place, expected, actual }) => `${place.line} ${what}: ${expected.join(' | ')} ≠ ${actual.join(' | ')}`)]));

test('a dialogue passes when all that it says holds, and says what it has not run', async (t) => {
  const found = await run(t, `tests:
  - name: a lamp is bought
    dialogue:
      - user: I want to buy a lamp
        intent: buy
        entities: {}
        bot: {response: ask_colour}
        quickReplies: [{title: Red one, payload: red}, Blue]
        outcome: answered
        flow: [buy]
        waitsFor: colour
      - user: when are you open
        bot: [We are open., {contains: COME IN}, {response: ask_colour}]
        flow: buy
      - tap: {title: Red one}
        bot: {oneOf: [Two lamps., /^One \\S+ lamp\\.$/]}
    end: {flow: none, waitsFor: none, onlySlots: {}, timers: [], handedOff: false, version: current}
`);
  assert.deepEqual([found.faults, differences(found), found.outcomes.map(({ status, turns }) => [status, turns])], [[], [], [['passed', 3]]]);
  const open = found.coverage.filter(({ runs }) => runs === 0).map(({ flow, label, place }) => `${place.file}:${place.line} ${flow} ${label}`);
  assert.deepEqual(open, [
    'all.yaml:26 stock act:count', 'all.yaml:29 stock say:unknown', 'all.yaml:29 stock end', 'all.yaml:30 stock say:stock',
    'all.yaml:34 later remind:lamp', 'all.yaml:35 later say:noted', 'all.yaml:38 due say:due',
  ]);
  assert.ok(found.coverage.some(({ flow, place, runs }) => flow === 'reply:hours' && place.line === 4 && runs === 1), 'a reply of an intent counts as a step');
});

test('each difference says where, what was expected and what was', async (t) => {
  const found = await run(t, `tests:
  - name: all wrong
    dialogue:
      - user: I want to buy a lamp
        intent: hours
        bot: [Which size?]
        outcome: fallback
        quickReplies: []
        waitsFor: none
        flow: stock
        slots: {colour: red}
        timers: [lamp]
        handoff: person
        actions: [count]
        model: [answer]
        version: older
    end: {handedOff: true}
`, { 'tests/versions/older/bot.yaml': `${LAMPS['bot.yaml'] ?? ''}attachment: lost\n` });
  const said = differences(found);
  assert.deepEqual(said.map((one) => one.replace(/ \(buy.*\)$/, '')), [
    '6 bot: Which size? ≠ Which colour?', '7 outcome: fallback ≠ answered', '5 intent: hours ≠ buy', '8 quickReplies:  ≠ Red one → red | Blue → Blue', '13 handoff: person ≠ none',
    '14 actions: count ≠ ', '15 model: answer ≠ none', '11 slots.colour: "red" ≠ empty', '10 flow: stock ≠ buy', '9 waitsFor: none ≠ colour', '12 timers: lamp ≠ none', '16 version: older ≠ current',
    '17 handedOff: true ≠ false',
  ]);
  assert.deepEqual(found.outcomes[0]?.failures[0]?.transcript, ['> user: I want to buy a lamp', '< Which colour?']);
});

test('time is moved by hand: a reminder comes when it is due and not before', async (t) => {
  const found = await run(t, `given: {now: "2026-03-01T10:00:00Z"}
tests:
  - name: a reminder
    dialogue:
      - user: remind me later
        timers: {lamp: 2h}
        bot: Noted.
      - wait: 1h59m
        bot: []
        outcome: []
        timers: {lamp: 1m}
      - wait: 2m
        bot: {response: due}
        outcome: [timer]
        timers: []
      - wait: 300d
        bot: []
    end: {timers: []}
`);
  assert.deepEqual([found.faults, differences(found)], [[], []]);
});

test('actions answer what the test says, call by call; what is not scripted is unavailable', async (t) => {
  const found = await run(t, `tests:
  - name: scripted
    given: {actions: {count: [{fail: CONFAB_ACTION_TIMEOUT}, {result: {left: 3}}]}}
    dialogue:
      - user: what is in stock
        actions: [{name: count, with: {colour: red}}]
        bot: I cannot see the stock.
        outcome: ended
      - user: what is in stock
        bot: 3 left.
      - user: stock level
        bot: 3 left.
        slots: {left: 3}
  - name: not scripted
    dialogue:
      - user: what is in stock
        bot: I cannot see the stock.
`);
  assert.deepEqual([found.faults, differences(found)], [[], []]);
});

test('a version for tests is files laid over the bot; a roll-out happens in mid-dialogue', async (t) => {
  const older = (LAMPS['all.yaml'] ?? '').replace('Which colour?', 'What colour is it?');
  const found = await run(t, `tests:
  - name: from the older one to the current one
    given: {version: older}
    dialogue:
      - user: I want to buy a lamp
        bot: What colour is it?
        version: older
      - deploy: {version: current, keep: false}
      - user: azure
        bot: One blue lamp.
        version: current
  - name: each test begins anew
    dialogue:
      - user: buy lamps
        bot: Which colour?
        version: current
`, { 'tests/versions/older/all.yaml': older });
  assert.deepEqual([found.faults, differences(found)], [[], []]);
});

test('what cannot be played is a failure of its test alone', async (t) => {
  const found = await run(t, `tests:
  - name: a tap on nothing
    dialogue:
      - user: I want to buy a lamp
      - tap: {title: Green}
  - name: skipped
    skip: later
    dialogue: [{user: hello}]
  - name: fine
    tags: [good]
    dialogue: [{user: opening hours, outcome: answered}]
`);
  assert.deepEqual(differences(found), ['The last reply offers "Red one", "Blue".']);
  assert.deepEqual(found.outcomes.map(({ status }) => status), ['failed', 'skipped', 'passed']);
});

test('only the tests that are named are run: by name, tag or file', async (t) => {
  const tests = 'tests:\n  - {name: one, tags: [Form], dialogue: [{user: hi}]}\n  - {name: two, dialogue: [{user: hi}]}\n';
  assert.deepEqual((await run(t, tests, {}, 'form')).outcomes.map((one) => one.test.name), ['one']);
  assert.deepEqual((await run(t, tests, {}, 'some.yml')).outcomes.length, 2);
});

test('the tests of a bot do not change its version', async (t) => {
  const [bare, tested] = [await readSubject(lamps(t)), await readSubject(lamps(t, { 'tests/a.yml': 'tests: []' }))];
  assert.equal(bare.current.bot?.version, tested.current.bot?.version);
  assert.notEqual(bare.current.bot, undefined);
});
