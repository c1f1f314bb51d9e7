import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '../../platform/clock-manual.js';
import { ConfabError } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import type { Codec } from '../../schemas/codec.js';
import type { RunnerOptions } from '../runner.js';
import type { StageRunner } from './stage-runner.js';
import { codec, Fixture, gate, intentStage, overlaid, withCommit, withMembers } from './testing.js';

const plain = intentStage((_input, result) => result());
const NEVER = new Promise<never>(() => undefined);

interface Setting { readonly f: Fixture; readonly clock: ManualClock; readonly runner: StageRunner; readonly answered: (count: number) => Promise<boolean> }

/** An intent stage over `spoil(log)`, with one message answered. */
async function running(t: TestContext, spoil: (log: EventLog) => EventLog, options: Partial<RunnerOptions> = {}): Promise<Setting> {
  const clock = new ManualClock();
  const f = await new Fixture(t, clock).start();
  const runner = await f.run('intent', plain, { log: spoil(f.log), ...options });
  // Nothing that is wedged may hold the end of the test up: times go on.
  t.after(async () => { await clock.advance(60_000); });
  const answered = async (count: number): Promise<boolean> => (await f.all('intents.v1')).length === count;
  await f.send('messages.v1', 'c1', ['before']);
  await f.until('the first is answered', () => answered(1));
  return { f, clock, runner, answered };
}

/** Moves the clock until the stage is not ready; gives the milliseconds it took. */
async function notReadyAfter({ clock, runner }: Setting, most = 30_000): Promise<number> {
  for (let millis = 0; millis <= most; millis += 500) {
    if (!runner.ready) return millis;
    await clock.advance(500);
  }
  return Infinity;
}

async function heals(setting: Setting, count: number): Promise<void> {
  const { clock, runner, f, answered } = setting;
  for (let i = 0; i < 40 && !(runner.ready && await answered(count)); i += 1) await clock.advance(500);
  assert.ok(await answered(count), `what had waited is answered, once: ${JSON.stringify(await f.texts('intents.v1'))}`);
  assert.ok(runner.ready, runner.waitsFor);
}

test('a fetch loop that has stopped while heartbeats go on: not ready within 30 s, the consumer is replaced, nothing is lost or doubled', async (t) => {
  let dropped = 0;
  let wedged = false;
  const setting = await running(t, (log) => withMembers(log, { listener: (listener) => {
    const mine = { wedged: false };
    // Only the member that is there when it happens; one that joins later fetches.
    return { records: (batch) => { mine.wedged ||= wedged; if (mine.wedged) { dropped += 1; wedged = false; } else listener.records(batch); } };
  } }));
  wedged = true;
  await setting.f.send('messages.v1', 'c1', ['after']);
  assert.ok(await notReadyAfter(setting) <= 30_000, 'not ready in time');
  assert.match(setting.runner.waitsFor, /messages\.v1\/\d: offset 1 is not fetched/);
  await heals(setting, 2);
  assert.deepEqual(await setting.f.texts('intents.v1'), { c1: ['before', 'after'] });
  assert.ok(dropped > 0);
  assert.equal(await setting.f.counted('confab_stage_consumer_replacements_total'), 1);
  assert.equal(await setting.f.counted('confab_stage_stuck'), 0);
});

test('a commit that never answers: not ready within 30 s, the consumer is replaced under another name', async (t) => {
  let hang = false;
  const names: string[] = [];
  const setting = await running(t, (log) => withCommit(log, (commit, instance, group) => {
    names.push(instance);
    if (!hang || group.records.length === 0) return commit(instance, group);
    hang = false;
    return NEVER;
  }));
  hang = true;
  await setting.f.send('messages.v1', 'c1', ['after']);
  await setting.f.until('it hangs', () => !hang);
  const before = names.at(-1);
  assert.ok(await notReadyAfter(setting) <= 30_000, 'not ready in time');
  await heals(setting, 2);
  assert.notEqual(names.at(-1), before);
});

test('a stage whose decoding never comes back: not ready within 30 s, the consumer is replaced', async (t) => {
  let hang = false;
  const wedging: Codec = { ...codec, of: ((name: never) => {
    const one = codec.of(name);
    return name === 'Message' as never ? { ...one, encode: one.encode.bind(one), decode: (bytes: Buffer) => { if (hang) throw new ConfabError('CONFAB_SCHEMA_UNKNOWN'); return one.decode(bytes); }, learn: () => { hang = false; return NEVER; } } : one;
  }) };
  const setting = await running(t, (log) => log, { codec: wedging });
  hang = true;
  await setting.f.send('messages.v1', 'c1', ['after']);
  await setting.f.until('it hangs', () => !hang);
  assert.ok(await notReadyAfter(setting) <= 30_000, 'not ready in time');
  assert.match(setting.runner.waitsFor, /is not processed/);
  await heals(setting, 2);
});

test('a take-over that never ends: the consumer is replaced', async (t) => {
  const clock = new ManualClock();
  const f = await new Fixture(t, clock).start();
  let calls = 0;
  const log = withMembers(f.log, { assignment: (assignment) => ({ committed: (options) => { calls += 1; return calls === 1 ? NEVER : assignment.committed(options); } }) });
  await f.send('messages.v1', 'c1', ['a']);
  const runner = f.make('intent', plain, { log });
  await runner.start();
  t.after(async () => { await clock.advance(60_000); });
  for (let i = 0; i < 60 && (await f.all('intents.v1')).length === 0; i += 1) { assert.equal(runner.ready, false); await clock.advance(500); }
  assert.deepEqual(await f.texts('intents.v1'), { c1: ['a'] });
  assert.equal(await f.counted('confab_stage_consumer_replacements_total'), 1);
});

test('a membership that has ended unnoticed, on topics where nothing happens, is noticed and taken anew', async (t) => {
  // The broker has dropped the member, its heartbeats were lost, and no record would ever show it.
  let dropped = false;
  let joined = 0;
  const setting = await running(t, (log) => withMembers(log, {
    assignment: (assignment) => ({ commit: async (...parts) => { if (dropped) { dropped = false; throw new ConfabError('CONFAB_FENCED'); } return assignment.commit(...parts); } }),
    listener: (listener) => ({ assigned: (assignment) => { joined += 1; return listener.assigned(assignment); } }),
  }));
  assert.equal(joined, 1);
  dropped = true;
  for (let i = 0; i < 60 && joined < 2; i += 1) await setting.clock.advance(500);
  assert.equal(joined, 2, 'it has joined again within 30 s without any record');
  await setting.f.send('messages.v1', 'c1', ['after']);
  await heals(setting, 2);
});

test('a log that takes no commits: not ready, but what is in hand is kept until it does', async (t) => {
  let away = false;
  const setting = await running(t, (log) => withCommit(log, (commit, ...parts) => (away ? Promise.reject(new ConfabError('CONFAB_LOG_UNAVAILABLE')) : commit(...parts))));
  away = true;
  await setting.f.send('messages.v1', 'c1', ['after']);
  assert.ok(await notReadyAfter(setting) <= 30_000, 'not ready in time');
  await setting.clock.advance(60_000);
  assert.equal(setting.runner.ready, false);
  assert.equal(await setting.f.counted('confab_stage_consumer_replacements_total'), 0);
  away = false;
  await heals(setting, 2);
});

test('a conversation that waits for a slow effect within its budget is not stuck, nor is what waits behind it', async (t) => {
  const clock = new ManualClock();
  const f = await new Fixture(t, clock).start();
  const slow = gate();
  const runner = await f.run('intent', intentStage((input, result) => (input.value.text === 'slow' ? slow.promise.then(result) : result())), { budget: 120_000 });
  await f.send('messages.v1', 'c1', ['slow', 'behind']);
  for (let i = 0; i < 200; i += 1) { await clock.advance(500); assert.ok(runner.ready, `after ${i / 2} s: ${runner.waitsFor}`); }
  slow.open();
  await f.until('answered', async () => (await f.all('intents.v1')).length === 2);
  assert.equal(await f.counted('confab_stage_consumer_replacements_total'), 0);
});

test('an idle stage, and one that only reads markers, is not stuck', async (t) => {
  const setting = await running(t, (log) => log);
  for (let i = 0; i < 120; i += 1) { await setting.clock.advance(1000); assert.ok(setting.runner.ready, setting.runner.waitsFor); }
  assert.equal(await setting.f.counted('confab_stage_consumer_replacements_total'), 0);
});

test('an event loop that stood still for 30 s is no reason to replace anything', async (t) => {
  const setting = await running(t, (log) => log);
  const { clock, f, runner } = setting;
  await f.send('messages.v1', 'c1', ['during']);
  // Time passes in one step: no timer and no answer has had its turn meanwhile.
  (clock as unknown as { time: number }).time += 30_000;
  await clock.advance(2000);
  assert.ok(runner.ready, runner.waitsFor);
  await heals(setting, 2);
  assert.equal(await f.counted('confab_stage_consumer_replacements_total'), 0);
});

test('a consumer that was replaced adds nothing when its wedged commit comes back after all', async (t) => {
  const late = gate();
  let hang = false;
  const setting = await running(t, (log) => withCommit(log, async (commit, instance, group) => {
    if (hang && group.records.length > 0) { hang = false; await late.promise; }
    return commit(instance, group);
  }));
  hang = true;
  await setting.f.send('messages.v1', 'c1', ['after']);
  assert.ok(await notReadyAfter(setting) <= 30_000);
  await heals(setting, 2);
  late.open();
  await setting.clock.advance(5000);
  assert.deepEqual(await setting.f.texts('intents.v1'), { c1: ['before', 'after'] });
});

test('readiness and its reason change together', async (t) => {
  const f = await new Fixture(t, new ManualClock()).start();
  const runner = await f.run('intent', plain, { log: overlaid(f.log, {}) });
  assert.equal(runner.waitsFor, '');
  await runner.close();
  assert.equal(runner.ready, false);
  assert.notEqual(runner.waitsFor, '');
});
