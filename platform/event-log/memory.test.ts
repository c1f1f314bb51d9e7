import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../clock-manual.js';
import { isCode } from '../errors.js';
import { seededRandom } from '../random.js';
import { numbers, readAll, TestMember, text, valuesIn } from './contract/bench.contract.js';
import { systemClock } from '../clock.js';
import { eventLogContract } from './event-log.contract.js';
import { MemoryEventLog } from './memory.js';
import { MemoryStore } from './memory-store.js';
import { inProcessHarness } from './contract/in-process.contract.js';

eventLogContract('memory', async () => {
  const store = new MemoryStore();
  return inProcessHarness(async () => new MemoryEventLog({ clock: systemClock, store }));
});

test('with a hand-moved clock and seeded randomness a run repeats itself', async () => {
  const run = async (): Promise<unknown> => {
    const clock = new ManualClock();
    const log = new MemoryEventLog({ clock, random: seededRandom(7) });
    await log.admin.createTopic({ name: 't', partitions: 3, config: {} });
    const member = new TestMember();
    const joined = await log.join({ group: 'g', topics: ['t'] }, member);
    const appender = await log.appender();
    for (const n of numbers(20)) await appender.append([text('t', `v${n}`, { partition: n % 3, timestamp: clock.now() })]);
    await clock.advance(10);
    await joined.close();
    await log.close();
    return [await Promise.resolve(member.events), member.batches.map((batch) => [batch.partition, batch.nextOffset]), member.assignments.length];
  };
  assert.deepEqual(await run(), await run());
});

test('retention by time and size, and compaction, when called', async () => {
  const clock = new ManualClock();
  const log = new MemoryEventLog({ clock });
  await log.admin.createTopic({ name: 'old', partitions: 1, config: { 'retention.ms': '1000' } });
  await log.admin.createTopic({ name: 'big', partitions: 1, config: { 'retention.bytes': '100' } });
  await log.admin.createTopic({ name: 'keyed', partitions: 1, config: { 'cleanup.policy': 'compact', 'delete.retention.ms': '1000' } });
  const appender = await log.appender();
  await appender.append([text('old', 'a', { timestamp: clock.now() }), ...numbers(5).map((n) => text('big', String(n).padEnd(30), { timestamp: clock.now() }))]);
  await appender.append([text('keyed', 'a', { key: 'k', timestamp: clock.now() }), { topic: 'keyed', partition: 0, key: 'k', value: null, timestamp: clock.now() }]);
  await log.maintain();
  assert.deepEqual((await readAll(log, 'keyed')).map((record) => record.value), [null]);
  await clock.advance(2_000);
  await log.maintain();
  assert.deepEqual(await log.admin.bounds('old'), [{ topic: 'old', partition: 0, start: 1, end: 1 }]);
  assert.deepEqual(valuesIn(await readAll(log, 'big')).map((value) => parseInt(value, 10)), [3, 4].slice(-2));
  assert.deepEqual(await readAll(log, 'keyed'), []);
  assert.equal((await log.admin.bounds('keyed'))[0]?.end, 2);
});

test('a store that fails is told to the callers of that batch only', async () => {
  const store = new MemoryStore();
  const write = store.write.bind(store);
  const log = new MemoryEventLog({ clock: new ManualClock(), store });
  await log.admin.createTopic({ name: 't', partitions: 1, config: {} });
  const appender = await log.appender();
  store.write = () => Promise.reject(new Error('no space'));
  const failed = appender.append([text('t', 'lost', { timestamp: 1 })]);
  await assert.rejects(failed, (error) => isCode(error, 'CONFAB_LOG_UNAVAILABLE'));
  store.write = write;
  assert.deepEqual(await appender.append([text('t', 'kept', { timestamp: 1 })]), [0]);
  assert.deepEqual(valuesIn(await readAll(log, 't')), ['kept']);
});
