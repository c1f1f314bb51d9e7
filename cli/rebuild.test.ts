import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../platform/clock.js';
import { ConfabError } from '../platform/errors.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { seededRandom, systemRandom } from '../platform/random.js';
import { StateScene } from '../operate/rebuild/testing.js';
import { runCli } from './program.js';

/** As on Kafka and Redis: the command works on both itself. */
async function setUp() {
  const log = new MemoryEventLog({ clock: systemClock, random: systemRandom });
  const scene = await StateScene.over(log);
  const kept = <T extends object>(target: T): T => new Proxy(target, { get: (from, name) => { const value: unknown = name === 'close' ? () => Promise.resolve() : Reflect.get(from, name); return typeof value === 'function' ? value.bind(from) as unknown : value; } });
  const run = async (...argv: string[]): Promise<{ code: number; out: string; err: string }> => {
    let out = '';
    let err = '';
    const code = await runCli(argv, {
      env: { CONFAB_KAFKA_BROKERS: 'kafka:9092', CONFAB_REDIS_URL: 'redis://redis' }, clock: systemClock, random: seededRandom(1),
      openLog: () => Promise.resolve(kept(log) as EventLog), openState: () => Promise.resolve({ store: kept(scene.store), close: () => Promise.resolve() }),
      stdout: { write: (text) => { out += text; } }, stderr: { write: (text) => { err += text; } },
    });
    return { code, out, err };
  };
  return { scene, run };
}

test('without a view the views are listed, with how each comes back', async () => {
  const { run } = await setUp();
  const { code, out, err } = await run('rebuild');
  assert.deepEqual([code, err], [0, '']);
  assert.match(out, /^state +states of conversations.*\n +from dialogue-states\.v1\n +comes back by the owner/);
  assert.match(out, /\nclaims +idempotency keys/);
  const names = (await run('rebuild', '--json')).out.trim().split('\n').map((line) => JSON.parse(line) as { name: string; byHand: boolean });
  assert.deepEqual(names.filter(({ byHand }) => byHand).map(({ name }) => name), ['state']);
  assert.equal((await run('rebuild', '--check')).code, 64);
});

test('an unknown view is refused with the nearest one, a view that heals by itself with how', async () => {
  const { run } = await setUp();
  const unknown = await run('rebuild', 'stat');
  assert.equal(unknown.code, 64);
  assert.match(unknown.err, /^CONFAB_USAGE: .*There is no view "stat"\. Did you mean state\?/);
  const claims = await run('rebuild', 'claims');
  assert.equal(claims.code, 1);
  assert.match(claims.err, /^CONFAB_VIEW_HEALS_ITSELF: .*by ingress, when a request finds it lost/);
});

test('it checks, rebuilds, and says in one line what was done', async () => {
  const { scene, run } = await setUp();
  await scene.append(0, scene.entry('default/a', 1), scene.entry('default/a', 2));
  await scene.append(1, scene.entry('default/\u001b[31mb', 1));
  const before = await run('rebuild', 'state', '--check');
  assert.equal(before.code, 1);
  assert.match(before.out, /^dialogue-states\.v1 0: 1 missing, the watermark is missing \(default\/a\)$/m);
  assert.match(before.out, /\(default\/\\u001b\[31mb\)/);
  assert.match(before.out, /^state: 2 partitions, 2 conversations, 2 not as in the log \(/m);
  const done = await run('rebuild', 'state');
  assert.deepEqual([done.code, done.err], [0, '']);
  assert.match(done.out, /^state: 2 partitions, 3 records, 2 states in [\d,]+ ms, [\d,]+ records\/s\n$/);
  const after = await run('rebuild', 'state', '--check');
  assert.equal(after.code, 0);
  assert.match(after.out, /^state: 2 partitions, 2 conversations, as in the log \(/);
});

test('--json gives an object a partition and the sums last; --partitions takes numbers and ranges', async () => {
  const { scene, run } = await setUp();
  await scene.append(1, scene.entry('default/b', 1));
  const lines = (await run('rebuild', 'state', '--json')).out.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.equal(lines.length, 3);
  const { milliseconds, recordsPerSecond, ...sums } = lines.at(-1) ?? {};
  assert.deepEqual(sums, { view: 'state', partitions: 2, failed: 0, records: 1, states: 1 });
  assert.ok(Number.isInteger(milliseconds) && Number.isInteger(recordsPerSecond));
  const one = (await run('rebuild', 'state', '--json', '--check', '--partitions', '1')).out.trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual([one.length, one[0]?.partition, one[1]?.whole, one[1]?.same], [2, 1, true, 1]);
  assert.equal((await run('rebuild', 'state', '--partitions', '0-1')).code, 0);
  assert.match((await run('rebuild', 'state', '--partitions', '0,7')).err, /^CONFAB_PARTITION_UNKNOWN: .*There is no partition 7; the last is 1/);
  for (const wrong of ['x', '1-', '3-1', '']) assert.equal((await run('rebuild', 'state', '--partitions', wrong)).code, 64, wrong);
});

test('a partition that fails is told, the others are rebuilt, and the exit code is 1', async () => {
  const { scene, run } = await setUp();
  await scene.append(0, scene.entry('default/a', 1));
  await scene.append(1, scene.entry('default/b', 1));
  const write = scene.store.write.bind(scene.store);
  scene.store.write = (view, partition, ...rest) => (partition === 0 ? Promise.reject(new ConfabError('CONFAB_STATE_UNAVAILABLE', { detail: 'OOM.' })) : write(view, partition, ...rest));
  const { code, out, err } = await run('rebuild', 'state');
  assert.equal(code, 1);
  assert.match(err, /^dialogue-states\.v1 0: CONFAB_STATE_UNAVAILABLE: .*OOM/);
  assert.match(out, /^state: 1 partition, 1 record, 1 state /);
  assert.deepEqual(await scene.held(1, 'default/b'), { turns: 1, data: 'turn 1' });
});
