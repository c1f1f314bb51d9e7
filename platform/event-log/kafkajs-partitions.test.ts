/** A topic that is given partitions while it is in use. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfabError } from '../errors.js';
import { silentLogger, type Logger } from '../observability/logger.js';
import { partitionOf } from '../partitioner.js';
import { eventually, skipWithout } from '../testing.js';
import { numbers, readAll, TestMember, text } from './contract/bench.contract.js';
import { newTopic, openLog, uniqueName } from './kafkajs/testing.js';

const skip = skipWithout('kafka');
const AT_FIRST = 2;

function listening(): { told: ConfabError[]; logger: Logger } {
  const told: ConfabError[] = [];
  return { told, logger: { ...silentLogger, error: (fields: unknown) => { told.push((fields as { err: ConfabError }).err); } } as Logger };
}

test('a topic is given more partitions: it is told by its code, and no conversation moves to another partition', { skip }, async (t) => {
  const { told, logger } = listening();
  const log = await openLog(t, { logger });
  const topic = await newTopic(t, log, AT_FIRST);
  const member = new TestMember();
  const output = await newTopic(t, log);
  const joined = await log.join({ group: uniqueName('g'), topics: [topic] }, member);
  await member.running(AT_FIRST);
  const appender = await log.appender();
  const keys = numbers(20).map((n) => `default/c${n}`);
  const append = (round: number): Promise<unknown> => appender.append(keys.map((key) => {
    const { partition: _, ...record } = text(topic, `${key} ${round}`, { key });
    return record;
  }));
  await append(0);
  // Somebody else, with a tool of their own.
  const operator = await openLog(t);
  await operator.admin.addPartitions(topic, 6);
  // Looked up anew from time to time; here at once.
  await eventually('the topic is seen as it is', async () => (await log.topic(topic)).partitions === 6, 30_000);
  await append(1);
  assert.deepEqual(told.map(({ code }) => code), ['CONFAB_PARTITIONS_CHANGED'], 'once');
  assert.match(told[0]?.detail ?? '', /had 2 partitions and has 6 now/);
  for (const partition of numbers(6)) {
    const found = (await readAll(log, topic, partition)).map((record) => record.key);
    const mine = keys.filter((key) => partitionOf(key, AT_FIRST) === partition);
    assert.deepEqual(found, [...mine, ...mine], `partition ${partition}`);
  }
  await joined.rejoin();
  const assignment = await member.running(AT_FIRST);
  assert.deepEqual(assignment.partitions, numbers(AT_FIRST), 'nobody is given partitions whose number other topics may not have');
  const record = { ...text(topic, 'in a commit', { key: keys[0] ?? '' }), partition: undefined };
  const { partition: _, ...keyed } = record;
  await assignment.commit('one', { records: [keyed, text(output, 'v')], offsets: [] });
  const partition = partitionOf(keys[0] ?? '', AT_FIRST);
  await eventually('the record of the commit', async () => (await readAll(log, topic, partition)).some(({ value }) => String(value) === 'in a commit'), 30_000);
});
