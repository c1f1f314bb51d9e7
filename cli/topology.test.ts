import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '../platform/clock-manual.js';
import { isCode } from '../platform/errors.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { MemoryStore } from '../platform/event-log/memory-store.js';
import { seededRandom } from '../platform/random.js';
import { scratchFolder } from '../platform/testing.js';
import { topology } from '../topology/topology.js';
import { topologyCommand } from './topology.js';

interface Run { text: string; code: number }

/** Runs subcommands against one log, as separate processes would. */
function terminal(): (args: string[], partitions?: number) => Promise<Run> {
  const store = new MemoryStore();
  return async (args, partitions = 4) => {
    const run: Run = { text: '', code: 0 };
    await topologyCommand({
      topology, settings: () => ({ prefix: '', partitions }),
      openLog: async () => new MemoryEventLog({ clock: new ManualClock(), random: seededRandom(1), store }),
      write: (text) => { run.text += text; }, exitCode: (code) => { run.code = code; },
    }).exitOverride().parseAsync(args, { from: 'user' });
    return run;
  };
}

test('check, describe and graph need no log', async () => {
  let text = '';
  const run = (...args: string[]): Promise<unknown> => topologyCommand({
    topology, settings: () => ({ prefix: '', partitions: 4 }), openLog: () => Promise.reject(new Error('no log here')),
    write: (part) => { text += part; }, exitCode: () => undefined,
  }).parseAsync(args, { from: 'user' });
  await run('check');
  assert.match(text, /^\d+ topics, \d+ stages, \d+ edges, \d+ schema versions: ok\n$/);
  await run('describe');
  await run('graph');
  await run('graph', '--format', 'dot');
  assert.match(text, /\ntopic messages\.v1\n[^]*\nflowchart LR\n[^]*\ndigraph confab/);
});

test('plan exits with 2 under --exit-code while there is something to do, apply does it, then 0', async () => {
  const run = terminal();
  assert.equal((await run(['plan'])).code, 0);
  const first = await run(['plan', '--exit-code']);
  assert.equal(first.code, 2);
  assert.match(first.text, /^\+ topic messages\.v1: 4 partitions\n/);
  assert.match((await run(['apply'])).text, /\+ topic user-keys\.v1: 1 partition\n[^]*\n13 done, 0 were as declared\n$/);
  const second = await run(['plan', '--exit-code']);
  assert.equal(second.code, 0);
  assert.match(second.text, /0 to create, 0 to change, 0 refused, 13 as declared\n$/);
});

test('what would break the order of keys is refused, then allowed by name', async () => {
  const run = terminal();
  await run(['apply']);
  await assert.rejects(run(['apply'], 8), (error) => isCode(error, 'CONFAB_TOPOLOGY_REFUSED') && error.detail.includes('--allow add-partitions:messages.v1'));
  const plan = JSON.parse((await run(['plan', '--json'], 8)).text) as { refused: { allow: string }[]; steps: unknown[] };
  assert.equal(plan.steps.length, 0);
  const flags = plan.refused.flatMap((step) => ['--allow', step.allow]);
  assert.match((await run(['apply', '--json', ...flags], 8)).text, /^\{"done":\[\{"kind":"add-partitions"/);
  assert.equal((await run(['plan', '--exit-code'], 8)).code, 0);
});

async function planFile(t: TestContext, run: ReturnType<typeof terminal>): Promise<string> {
  const file = join(scratchFolder(t), 'plan.json');
  await run(['plan', '--out', file]);
  return file;
}

test('apply --plan does that plan, once', async (t) => {
  const run = terminal();
  const file = await planFile(t, run);
  assert.match((await run(['apply', '--plan', file])).text, /13 done/);
  await assert.rejects(run(['apply', '--plan', file]), (error) => isCode(error, 'CONFAB_TOPOLOGY_REFUSED') && error.detail.includes('changed since'));
});

test('a plan that was edited, or is none, is refused', async (t) => {
  const run = terminal();
  const file = await planFile(t, run);
  const plan = JSON.parse(readFileSync(file, 'utf8')) as { steps: { spec: { partitions: number } }[] };
  if (plan.steps[0]) plan.steps[0].spec.partitions = 99;
  writeFileSync(file, JSON.stringify(plan));
  await assert.rejects(run(['apply', '--plan', file]), (error) => isCode(error, 'CONFAB_TOPOLOGY_REFUSED'));
  for (const text of ['{', 'null', '{"version":2}', '{"version":1}']) {
    writeFileSync(file, text);
    await assert.rejects(run(['apply', '--plan', file]), (error) => isCode(error, 'CONFAB_INPUT_INVALID'));
  }
  await assert.rejects(run(['apply', '--plan', join(file, 'missing')]), (error) => isCode(error, 'CONFAB_INPUT_INVALID'));
});
