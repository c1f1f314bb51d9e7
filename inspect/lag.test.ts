import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../platform/clock-manual.js';
import { systemClock } from '../platform/clock.js';
import { openKafkaLog } from '../platform/event-log/kafkajs.js';
import { silentLogger } from '../platform/observability/logger.js';
import { systemRandom } from '../platform/random.js';
import { eventually, serviceAddress, skipWithout } from '../platform/testing.js';
import { lagOf } from './lag.js';
import { Chronicle } from './testing.js';
import { clean } from '../topology/testing.js';

test('behind is what was not committed, oldest how long its first record has been waiting', async () => {
  const chronicle = await Chronicle.memory(2);
  const { log, clock } = chronicle;
  for (let i = 0; i < 10; i += 1) { await chronicle.accept(`c${i}`, `M${i}`); await clock.advance(1_000); }
  const ends = new Map((await log.admin.bounds('messages.v1')).map(({ partition, end }) => [partition, end]));
  const late = [...ends].find(([, end]) => end > 1);
  assert.ok(late);
  const [partition, end] = late;
  const offsets = [...ends].map(([number, all]) => ({ topic: 'messages.v1', partition: number, offset: number === partition ? end - 1 : all, metadata: '' }));
  await log.admin.setCommitted('confab.intent', offsets);
  let newest = 0;
  for await (const { records } of log.read('messages.v1', partition, end - 1)) newest = records[0]?.timestamp ?? 0;
  const [intent, dialogue] = await lagOf(log, { prefix: '', clock });
  assert.deepEqual(intent, { reader: 'intent', topic: 'messages.v1', partitions: 2, committed: 9, end: 10, behind: 1, late: 1, oldestMillis: clock.now() - newest, begun: true });
  assert.deepEqual(dialogue, { reader: 'dialogue', topic: 'intents.v1', partitions: 2, committed: 0, end: 0, behind: 0, late: 0, oldestMillis: null, begun: false });
});

test('a group that has not begun is behind by all that is kept', async () => {
  const chronicle = await Chronicle.memory(1);
  await chronicle.accept('c', 'M');
  assert.deepEqual((await lagOf(chronicle.log, { prefix: '', clock: chronicle.clock })).map(({ reader, behind }) => [reader, behind]), [['intent', 1], ['dialogue', 0], ['timers', 0], ['analytics', 0], ['egress', 0], ['egress', 0]]);
});

test('lag on Kafka: commits of a group against what is committed', { skip: skipWithout('kafka') }, async (t) => {
  const prefix = `lag-${systemRandom.bytes(4).toString('hex')}.`;
  const log = await openKafkaLog({ brokers: (serviceAddress('kafka') ?? '').split(','), clientId: 'lag', clock: systemClock, logger: silentLogger });
  t.after(async () => {
    await clean(log, prefix);
    await log.close();
  });
  const chronicle = await Chronicle.over(log, new ManualClock(systemClock.now()), { partitions: 1, prefix });
  for (const id of ['A', 'B', 'C']) await chronicle.accept('c', id);
  await eventually('a coordinator', () => log.admin.setCommitted(`${prefix}confab.intent`, [{ topic: `${prefix}messages.v1`, partition: 0, offset: 1, metadata: '' }]).then(() => true, () => false), 30_000);
  const [intent, dialogue] = await lagOf(log, { prefix, clock: systemClock });
  assert.deepEqual([intent?.committed, intent?.end, intent?.behind, intent?.begun], [1, 3, 2, true]);
  assert.ok((intent?.oldestMillis ?? -1) >= 0);
  assert.deepEqual([dialogue?.behind, dialogue?.begun], [0, false]);
});
