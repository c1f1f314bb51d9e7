/** The simulation itself: it repeats itself to the letter, and it finds what is broken on purpose. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { before, test } from 'node:test';
import { packageRoot } from '../platform/package-root.js';
import { planOf } from './plan.js';
import { loadProgramme } from './programme.js';
import { runSeed } from './run.js';
import { VARIANTS } from './variants.js';
import type { Programme } from './world.js';

/** Runs that a faulty part may survive before the checker must have found it. */
const MOST_RUNS = 40;

let programme: Programme;
before(async () => { programme = await loadProgramme(); });

test('a seed gives the same trace every time, whatever ran before it', async () => {
  const seeds = [3, 12, 69];
  const digest = async (seed: number): Promise<string> => (await runSeed(seed, { programme })).digest;
  const first: string[] = [];
  for (const seed of seeds) first.push(await digest(seed));
  const again: string[] = [];
  for (const seed of [...seeds].reverse()) again.unshift(await digest(seed));
  assert.deepEqual(again, first);
  assert.equal(new Set(first).size, seeds.length, 'other seeds, other traces');
});

test('the pipeline as it is keeps every promise, with faults of many kinds', async () => {
  const kinds = new Set<string>();
  let accepted = 0;
  let timers = 0;
  let repeated = 0;
  for (let seed = 1; seed <= 12; seed += 1) {
    const report = await runSeed(seed, { programme });
    assert.deepEqual(report.violations, [], `seed ${seed}`);
    accepted += report.accepted;
    timers += report.timers;
    repeated += report.repeatedEffects;
    for (const kind of report.faults.keys()) kinds.add(kind);
  }
  assert.ok(accepted > 500, `${accepted} messages`);
  assert.ok(timers > 30, `${timers} timers came`);
  assert.ok(repeated > 0, 'an action was asked for by one process, and by another after it');
  assert.ok(kinds.size >= 12, [...kinds].join());
});

for (const { what, sabotage, suits, breaks } of VARIANTS) {
  test(`found: ${what}`, async () => {
    const others = new Set<string>();
    let runs = 0;
    for (let seed = 1; runs < MOST_RUNS; seed += 1) {
      if (suits?.(planOf(seed)) === false) continue;
      runs += 1;
      const { violations } = await runSeed(seed, { programme, sabotage });
      if (violations.some(({ invariant }) => breaks.includes(invariant))) return;
      for (const { invariant } of violations) others.add(invariant);
    }
    assert.fail(`not found in ${runs} runs${others.size === 0 ? '' : `; other findings: ${[...others].join()}`}`);
  });
}

test('the command: one seed with its trace, and a clear word for wrong arguments', () => {
  const simulate = (...words: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, ['--import', 'tsx', 'simulation/main.ts', ...words], { cwd: packageRoot(), encoding: 'utf8', timeout: 300_000 });
  const one = simulate('--seed', '7');
  assert.equal(one.status, 0, one.stderr);
  assert.match(one.stdout, /accepts c\d/);
  assert.match(one.stdout, /\n1 seeds, 0 violations\n$/);
  for (const [words, expected] of [[[], /--seeds N/], [['--seeds', '0'], /whole number from 1/], [['--seeds', 'many'], /not "many"/], [['--sedes', '3'], /sedes/]] as const) {
    const refused = simulate(...words);
    assert.equal(refused.status, 2, words.join(' '));
    assert.match(refused.stderr, expected);
  }
});
