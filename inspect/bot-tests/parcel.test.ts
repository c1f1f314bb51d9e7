import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../platform/package-root.js';
import { scratchFolder } from '../../platform/testing.js';
import { readSubject, runTests, type TestRun } from './index.js';

/** What a dialogue has to be able to do; of each at least six conversations. */
const KINDS = ['digression', 'correction', 'negation', 'cancel', 'several slots', 'disambiguation', 'carried context', 'timer', 'handoff', 'version change'];

test('the dialogues of the example bot', async (t) => {
  const modelsFolder = scratchFolder(t);
  const folder = join(packageRoot(), 'bots', 'parcel');
  const run: TestRun = await runTests(await readSubject(folder), { modelsFolder });
  assert.deepEqual(run.faults, []);
  for (const { test: { name, place }, status, failures } of run.outcomes) {
    await t.test(`${place.file}: ${name}`, () => {
      assert.notEqual(status, 'skipped');
      assert.equal(failures.map(({ turn, says, fault, differences, transcript }) => [
        `${join(folder, place.file)}:${place.line}, turn ${turn}, ${says}: ${fault ?? ''}`,
        ...differences.map(({ what, expected, actual }) => `  ${what}: expected ${JSON.stringify(expected)}, was ${JSON.stringify(actual)}`),
        ...transcript.map((line) => `    ${line}`),
      ].join('\n')).join('\n'), '');
    });
  }
  await t.test('they run every step of every flow', () => {
    assert.deepEqual(run.coverage.filter(({ runs }) => runs === 0).map(({ flow, label, place }) => `${place.file}:${place.line} ${flow} ${label}`), []);
  });
  await t.test('there are six and more of each kind', () => {
    for (const kind of KINDS) assert.ok(run.outcomes.filter((one) => one.test.tags.includes(kind)).length >= 6, kind);
  });
  await t.test('each says every outcome and how it ends', () => {
    for (const { test: { name, turns, end } } of run.outcomes) {
      for (const { input, expects, says } of turns) assert.ok(input.do === 'deploy' || expects.outcome !== undefined || (input.do === 'wait' && expects.bot?.value.length === 0), `${name}: ${says}`);
      assert.ok(end.flow && end.waitsFor && end.onlySlots && end.handedOff && end.timers && end.version, `${name}: end`);
    }
  });
});
