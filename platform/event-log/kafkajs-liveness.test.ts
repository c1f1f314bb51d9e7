/** Connections that stay open and say nothing, answers that come too late, and members that are busy for long. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { eventually, skipWithout } from '../testing.js';
import { numbers, readAll, startAtCommitted, TestMember, text, valuesIn } from './contract/bench.contract.js';
import { brokers, newTopic, openLog, Proxy, uniqueName } from './kafkajs/testing.js';

const skip = skipWithout('kafka');
const API = { Produce: 0, Fetch: 1, Heartbeat: 12, InitProducerId: 22, AddPartitionsToTxn: 24, AddOffsetsToTxn: 25, EndTxn: 26, TxnOffsetCommit: 28 } as const;
const COMMIT = ['InitProducerId', 'AddPartitionsToTxn', 'AddOffsetsToTxn', 'Produce', 'TxnOffsetCommit', 'EndTxn'] as const;
const SESSION_MILLIS = 6_000;
const PATIENCE = 60_000;

describe('liveness', { concurrency: true, skip }, () => {
  test('heartbeats without an answer: another connection is taken before the session is over, and the place is kept', async (t) => {
    const proxy = await Proxy.start(t);
    const log = await openLog(t, { resolve: proxy.resolve });
    const topic = await newTopic(t, log);
    const appender = await log.appender();
    const member = new TestMember();
    await log.join({ group: uniqueName('g'), topics: [topic] }, member);
    await member.running(1);
    const wedged = proxy.hold(API.Heartbeat);
    await wedged.reached;
    const started = performance.now();
    // The next heartbeat comes over a new connection: the old one is not asked again.
    await proxy.hold(API.Heartbeat).reached;
    const noticed = performance.now() - started;
    t.diagnostic(`noticed after ${Math.round(noticed)} ms`);
    assert.ok(noticed < SESSION_MILLIS * 2, `${noticed} ms`);
    await appender.append([text(topic, 'after')]);
    await member.received(topic, 1);
  });

  test('a fetch that never answers is given up, and records come over a new connection', async (t) => {
    const proxy = await Proxy.start(t);
    const log = await openLog(t, { resolve: proxy.resolve, timings: { requestTimeoutMillis: 1_000 } });
    const direct = await openLog(t);
    const topic = await newTopic(t, log);
    const appender = await direct.appender();
    const member = new TestMember();
    await log.join({ group: uniqueName('g'), topics: [topic] }, member);
    await member.running(1);
    await appender.append([text(topic, 'before')]);
    await member.received(topic, 1);
    await proxy.hold(API.Fetch).reached;
    await appender.append(numbers(3).map((n) => text(topic, `after ${n}`)));
    await member.received(topic, 4);
    assert.deepEqual(member.valuesOf(topic), ['before', 'after 0', 'after 1', 'after 2']);
    assert.deepEqual(member.failures, []);
  });

  test('a member whose take-over lasts longer than a session keeps its place', async (t) => {
    const log = await openLog(t);
    const [topic, output] = [await newTopic(t, log), await newTopic(t, log)];
    const begun = performance.now();
    const member = new TestMember({ assigned: async (assignment) => {
      await eventually('a session time-out has passed', () => performance.now() - begun > SESSION_MILLIS + 1_000, PATIENCE);
      await startAtCommitted(assignment);
    } });
    await log.join({ group: uniqueName('g'), topics: [topic] }, member);
    await keepsItsPlace(member, topic, output);
  });

  test('a member whose handler lasts longer than a session, while its partition is paused, keeps its place', async (t) => {
    const log = await openLog(t);
    const [topic, output] = [await newTopic(t, log), await newTopic(t, log)];
    const member = new TestMember();
    await log.join({ group: uniqueName('g'), topics: [topic] }, member);
    const assignment = await member.running(1);
    assignment.pause([{ topic, partition: 0 }]);
    const paused = performance.now();
    await eventually('a session time-out has passed', () => performance.now() - paused > SESSION_MILLIS + 1_000, PATIENCE);
    await keepsItsPlace(member, topic, output);
  });

  test('an answer that is lost, or that comes when nobody waits for it any more: each commit is there once', async (t) => {
    const proxy = await Proxy.start(t);
    const log = await openLog(t, { resolve: proxy.resolve, timings: { requestTimeoutMillis: 1_000, transactionTimeoutMillis: 60_000 } });
    const direct = await openLog(t);
    const [input, output] = [await newTopic(t, direct), await newTopic(t, direct)];
    const member = new TestMember();
    const group = uniqueName('g');
    await log.join({ group, topics: [input] }, member);
    const assignment = await member.running(1);
    const expected: string[] = [];
    const commit = async (instance: string, value: string): Promise<void> => {
      expected.push(value);
      await assignment.commit(instance, { records: [text(output, value)], offsets: [{ topic: input, partition: 0, offset: expected.length, metadata: value }] });
    };
    for (const api of COMMIT) {
      const cut = proxy.cutAnswerTo(API[api]);
      // A new instance asks for identities; the others are in use by then.
      const instance = `i-${api}`;
      if (api !== 'InitProducerId') await commit(instance, `${api} before`);
      await commit(instance, `${api} cut`);
      await cut;
      const held = proxy.hold(API[api]);
      const late = commit(api === 'InitProducerId' ? `${instance}-2` : instance, `${api} late`);
      await held.reached;
      await late;
      held.release();
      await commit(api === 'InitProducerId' ? `${instance}-2` : instance, `${api} after`);
    }
    await eventually('the markers', async () => (await readAll(direct, output)).length === expected.length, PATIENCE);
    assert.deepEqual(valuesIn(await readAll(direct, output)), expected);
    await eventually('the last offset', async () => (await direct.admin.committed(group, input))[0]?.offset === expected.length, PATIENCE);
    assert.equal(member.assignments.length, 1);
  });

  test('an append whose answer comes too late is repeated, and is in the log once', async (t) => {
    const proxy = await Proxy.start(t);
    const log = await openLog(t, { resolve: proxy.resolve, appendTimeoutMillis: PATIENCE, timings: { requestTimeoutMillis: 1_000 } });
    const topic = await newTopic(t, log);
    const appender = await log.appender();
    await appender.append([text(topic, 'warm')]);
    for (const round of numbers(3)) {
      const held = proxy.hold(API.Produce);
      const first = appender.append([text(topic, `${round} first`)]);
      await held.reached;
      const second = appender.append([text(topic, `${round} second`)]);
      await first;
      held.release();
      await second;
    }
    assert.deepEqual(valuesIn(await readAll(log, topic)), ['warm', ...numbers(3).flatMap((round) => [`${round} first`, `${round} second`])]);
  });

  test('retention overtakes a running member: it is told by its code, and gets nothing from behind the gap', async (t) => {
    const log = await openLog(t);
    const topic = await newTopic(t, log);
    const appender = await log.appender();
    for (const n of numbers(10)) await appender.append([text(topic, `v${n}`)]);
    // An answer brings one batch: the member is slow, and what follows is still to be fetched.
    const member = new TestMember({ onBatch: (_, assignment) => { assignment.pause([{ topic, partition: 0 }]); } });
    await log.join({ group: uniqueName('g'), topics: [topic], maxBatchBytes: 1 }, member);
    const assignment = await member.running(1);
    await member.received(topic, 1);
    const admin = new Kafka({ brokers: brokers(), clientId: 'test', logLevel: logLevel.NOTHING }).admin();
    t.after(() => admin.disconnect());
    await admin.connect();
    // It loads what it knows of the topic.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '7' }] });
    assignment.resume([{ topic, partition: 0 }]);
    await eventually('the member is told', () => member.failures.length > 0, PATIENCE);
    assert.equal(member.failures[0]?.code, 'CONFAB_OFFSET_OUT_OF_RANGE');
    assert.deepEqual(member.valuesOf(topic).slice(0, 1), ['v0']);
    assert.equal(member.failures.length, 1);
  });
});

async function keepsItsPlace(member: TestMember, topic: string, output: string): Promise<void> {
  const assignment = await member.running(1);
  await assignment.commit('one', { records: [text(output, 'v')], offsets: [{ topic, partition: 0, offset: 0, metadata: '' }] });
  assert.equal(member.assignments.length, 1, 'one generation all the time');
  assert.deepEqual(member.failures, []);
}
