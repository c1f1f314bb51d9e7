import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock, settle } from '../../clock-manual.js';
import { ConfabError, isCode } from '../../errors.js';
import { numbers, readAll, TestMember, text, type TestMemberOptions } from '../contract/bench.contract.js';
import type { GroupMember, GroupOptions } from '../event-log.js';
import { MemoryEventLog } from '../memory.js';

async function setUp(partitions = 2): Promise<{ clock: ManualClock; log: MemoryEventLog; join: (options?: TestMemberOptions, group?: Partial<GroupOptions>) => Promise<{ member: TestMember; joined: GroupMember }> }> {
  const clock = new ManualClock();
  const log = new MemoryEventLog({ clock });
  await log.admin.createTopic({ name: 't', partitions, config: { 'retention.ms': '60000' } });
  return {
    clock, log,
    join: async (options, group) => {
      const member = new TestMember(options);
      const joined = await log.join({ group: 'g', topics: ['t'], ...group }, member);
      await settle();
      return { member, joined };
    },
  };
}

test('a drain is cut off after drainMillis, to the millisecond', async () => {
  const { clock, join } = await setUp();
  const { member, joined } = await join({ revoking: () => new Promise(() => undefined) }, { drainMillis: 300 });
  const old = member.assignments[0];
  await joined.rejoin();
  await clock.advance(299);
  assert.equal(old?.signal.aborted, false);
  await clock.advance(1);
  assert.equal(old?.signal.aborted, true);
  assert.equal(member.assignments.length, 2);
});

test('a finished drain does not wait for the others to be bounded', async () => {
  const { clock, join } = await setUp();
  const quick = await join();
  const slow = await join({ revoking: () => new Promise(() => undefined) });
  const [ofQuick] = quick.member.assignments.slice(-1);
  await quick.joined.rejoin();
  await clock.advance(10);
  assert.equal(ofQuick?.signal.aborted, true);
  assert.equal(quick.member.assignments.at(-1), ofQuick);
  await clock.advance(500);
  assert.deepEqual([quick, slow].map(({ member }) => member.assignments.at(-1)?.partitions.length), [1, 1]);
});

test('no record is handed out once revoking has begun, and commits pass until it settles', async () => {
  const { clock, log, join } = await setUp(1);
  let finish: () => void = () => undefined;
  const { member, joined } = await join({ revoking: () => new Promise((resolve) => { finish = resolve; }) });
  const appender = await log.appender();
  const old = member.assignments[0];
  await joined.rejoin();
  await settle();
  await appender.append([text('t', 'late', { timestamp: clock.now() })]);
  await settle();
  assert.equal(member.batches.length, 0);
  await old?.commit('x', { records: [], offsets: [{ topic: 't', partition: 0, offset: 0, metadata: 'last' }] });
  finish();
  await settle();
  await assert.rejects(old?.commit('x', { records: [], offsets: [] }) ?? Promise.resolve(), (error) => isCode(error, 'CONFAB_FENCED'));
  assert.deepEqual(member.valuesOf('t'), ['late']);
});

test('a commit of an ended generation that waits behind a write is refused when its turn comes', async () => {
  const { clock, log, join } = await setUp(1);
  const { member, joined } = await join();
  const old = member.assignments[0];
  const appender = await log.appender();
  const first = appender.append([text('t', 'first', { timestamp: clock.now() })]);
  const zombie = old?.commit('x', { records: [text('t', 'zombie', { timestamp: clock.now() })], offsets: [] });
  const closing = joined.close();
  await first;
  const outcome = await zombie?.then(() => 'written', (error: unknown) => (isCode(error, 'CONFAB_FENCED') ? 'fenced' : 'other'));
  await closing;
  assert.equal((await readAll(log, 't')).length, outcome === 'written' ? 2 : 1);
});

test('when `assigned` keeps failing the member tries again, each time later, five seconds at most', async () => {
  const { clock, join } = await setUp();
  const { member } = await join({ assigned: () => Promise.reject(new ConfabError('CONFAB_STATE_UNAVAILABLE')) });
  const attempts: number[] = [];
  for (const wait of [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]) {
    const before = member.assignments.length;
    await clock.advance(wait - 1);
    assert.equal(member.assignments.length, before, `before ${wait}`);
    await clock.advance(1);
    attempts.push(member.assignments.length - before);
  }
  assert.deepEqual(attempts, numbers(8).map(() => 1));
  assert.ok(member.failures.every(({ code, fatal }) => code === 'CONFAB_STATE_UNAVAILABLE' && !fatal));
});

test('a generation that ends while `assigned` runs aborts it at once, and nothing is drained', async () => {
  const { join } = await setUp();
  const one = await join({ assigned: () => new Promise(() => undefined) });
  const two = await join();
  assert.equal(one.member.assignments[0]?.signal.aborted, true);
  assert.equal(one.member.events.includes('revoking'), false);
  assert.equal(one.member.assignments.length, 2);
  assert.deepEqual(two.member.assignments.at(-1)?.partitions.length, 1);
});

test('a listener whose `records` throws hears of it and is assigned again', async () => {
  const { clock, log, join } = await setUp(1);
  let broken = true;
  const { member } = await join({ onBatch: () => { if (broken) throw new Error('broken'); } });
  await (await log.appender()).append([text('t', 'v', { timestamp: clock.now() })]);
  assert.deepEqual(member.failures, [{ code: 'CONFAB_INTERNAL', fatal: false }]);
  broken = false;
  await clock.advance(100);
  assert.deepEqual(member.valuesOf('t'), ['v', 'v']);
});

test('retention that overtakes a paused reader is told by its code', async () => {
  const { clock, log, join } = await setUp(1);
  const { member } = await join();
  const appender = await log.appender();
  member.current?.pause([{ topic: 't', partition: 0 }]);
  await appender.append(numbers(3).map((n) => text('t', `v${n}`, { timestamp: clock.now() })));
  await clock.advance(120_000);
  await appender.append([text('t', 'fresh', { timestamp: clock.now() })]);
  await log.maintain();
  member.current?.resume([{ topic: 't', partition: 0 }]);
  await settle();
  assert.deepEqual(member.failures, [{ code: 'CONFAB_OFFSET_OUT_OF_RANGE', fatal: false }]);
});

test('members of a group take up partitions that are added, and a topic made anew', async () => {
  const { clock, log, join } = await setUp(2);
  const { member } = await join();
  await log.admin.addPartitions('t', 4);
  await settle();
  assert.deepEqual(member.assignments.at(-1)?.partitions, [0, 1, 2, 3]);
  await log.admin.deleteTopic('t');
  await settle();
  assert.deepEqual(member.assignments.at(-1)?.partitions, []);
  await log.admin.createTopic({ name: 't', partitions: 1, config: {} });
  await settle();
  assert.deepEqual(member.assignments.at(-1)?.partitions, [0]);
  await (await log.appender()).append([text('t', 'new', { timestamp: clock.now() })]);
  assert.deepEqual(member.valuesOf('t'), ['new']);
});

test('a member that is far behind is brought up to date in turns, others are served meanwhile', async () => {
  const clock = new ManualClock();
  const turns: (() => void)[] = [];
  const log = new MemoryEventLog({ clock, schedule: (run) => { turns.push(run); setImmediate(() => { const at = turns.indexOf(run); if (at >= 0) { turns.splice(at, 1); run(); } }); } });
  await log.admin.createTopic({ name: 't', partitions: 2, config: {} });
  const appender = await log.appender();
  await appender.append([...numbers(20_000).map((n) => text('t', `v${n}`, { timestamp: clock.now() })), text('t', 'other', { partition: 1, timestamp: clock.now() })]);
  const member = new TestMember();
  let seenOther = -1;
  const records = member.records.bind(member);
  member.records = (batch) => {
    if (batch.partition === 1 && batch.records.length > 0) seenOther = member.recordsOf('t', 0).length;
    records(batch);
  };
  await log.join({ group: 'g', topics: ['t'] }, member);
  await member.received('t', 20_001);
  assert.ok(seenOther >= 0 && seenOther <= 2_000, `after ${seenOther}`);
  assert.deepEqual(member.recordsOf('t', 0).map((record) => record.offset), numbers(20_000));
});
