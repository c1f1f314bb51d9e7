import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from '../../platform/package-root.js';
import { scratchFolder } from '../../platform/testing.js';
import { readSubject, runTests, type TestRun } from './index.js';

test('the dialogues of the example bot', async (t) => {
  const modelsFolder = scratchFolder(t);
  const folder = join(packageRoot(), 'bots', 'parcel');
  const run: TestRun = await runTests(await readSubject(folder), { modelsFolder });
  assert.deepEqual(run.faults, []);
  assert.ok(run.outcomes.length > 0, 'the example bot has no tests');
  for (const { test: { name, place }, status, failures } of run.outcomes) {
    await t.test(`${place.file}: ${name}`, { skip: status === 'skipped' }, () => {
      assert.equal(failures.map(({ turn, says, fault, differences, transcript }) => [
        `${join(folder, place.file)}:${place.line}, turn ${turn}, ${says}: ${fault ?? ''}`,
        ...differences.map(({ what, expected, actual }) => `  ${what}: expected ${JSON.stringify(expected)}, was ${JSON.stringify(actual)}`),
        ...transcript.map((line) => `    ${line}`),
      ].join('\n')).join('\n'), '');
    });
  }
});
