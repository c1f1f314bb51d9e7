/** What goes wrong between a client and a real Kafka, one trouble a test. Each was first seen with kafkajs's own clients. */
import assert from 'node:assert/strict';
import net from 'node:net';
import { test } from 'node:test';
import { Kafka, logLevel, type ISocketFactory } from 'kafkajs';
import { systemClock } from '../clock.js';
import { isCode } from '../errors.js';
import { eventually, skipWithout } from '../testing.js';
import { now, numbers, readAll, TestMember, text, valuesIn } from './contract/bench.contract.js';
import { NoAnswer, Network } from './kafkajs-protocol.js';
import { Coordinators, Directory } from './kafkajs/directory.js';
import { KafkaCode } from './kafkajs/codes.js';
import { noMetrics } from './kafkajs/metrics.js';
import { Batch, Producer } from './kafkajs/producer.js';
import { readPartition } from './kafkajs/reader.js';
import { metadata } from './kafkajs/requests-metadata.js';
import { addOffsetsToTxn, addPartitionsToTxn, endTxn, initProducerId, txnOffsetCommit, type Identity } from './kafkajs/requests-transaction.js';
import { brokers, newTopic, openLog, openNetwork, Proxy, uniqueName, type CountingNetwork, type TestContext } from './kafkajs/testing.js';
import { Transactions } from './kafkajs/transactions.js';

const skip = skipWithout('kafka');
const PRODUCE = 0;
const END_TXN = 26;
const NOBODY = { generation: -1, member: '' };

test('an answer is cut while appends wait: each record is written once, in order, and all are acknowledged', { skip }, async (t) => {
  const proxy = await Proxy.start(t);
  const log = await openLog(t, { resolve: proxy.resolve });
  const topic = await newTopic(t, log);
  const appender = await log.appender();
  await appender.append([text(topic, 'warm')]);
  for (let round = 0; round < 5; round += 1) {
    const cut = proxy.cutAnswerTo(PRODUCE);
    const first = appender.append([text(topic, `${round}a`)]);
    await cut;
    await Promise.all([first, appender.append([text(topic, `${round}b`)]), appender.append([text(topic, `${round}c`)])]);
  }
  const expected = ['warm', ...numbers(5).flatMap((n) => [`${n}a`, `${n}b`, `${n}c`])];
  assert.deepEqual(valuesIn(await readAll(log, topic)), expected);
});

test('an answer that never comes: the outcome is unknown within 2 s, later appends are refused, then work again', { skip }, async (t) => {
  const proxy = await Proxy.start(t);
  const log = await openLog(t, { resolve: proxy.resolve });
  const topic = await newTopic(t, log);
  const appender = await log.appender();
  await appender.append([text(topic, 'warm')]);
  proxy.set('hang');
  const started = performance.now();
  const sent = appender.append([text(topic, 'sent')]);
  const [first, second] = await Promise.allSettled([sent, systemClock.sleep(50).then(() => appender.append([text(topic, 'waiting')]))]);
  assert.ok(performance.now() - started < 2_000);
  assert.ok(first.status === 'rejected' && isCode(first.reason, 'CONFAB_LOG_OUTCOME_UNKNOWN'));
  assert.ok(second.status === 'rejected' && isCode(second.reason, 'CONFAB_LOG_UNAVAILABLE'));
  proxy.set('pass');
  await eventually('appends work again', async () => appender.append([text(topic, 'after')]).then(() => true, () => false), 10_000);
  const values = valuesIn(await readAll(log, topic));
  assert.ok(!values.includes('waiting'), 'what was refused is never written');
  assert.ok(values.filter((value) => value === 'sent').length <= 1);
  assert.equal(values.at(-1), 'after');
});

test('a request on connections that are given up because another one had no answer ends too, though nobody ever answers it', { skip }, async (t) => {
  // kafkajs's time-outs stop when it begins to disconnect, and it rejects nothing when the broker then closes: a member that
  // waited for such a request while a broker was restarted stood still for ever.
  const proxy = await Proxy.start(t);
  const socketFactory: ISocketFactory = ({ onConnect }) => net.connect(proxy.resolve(), onConnect);
  const network = new Network(new Kafka({ brokers: brokers(), clientId: 'test', logLevel: logLevel.NOTHING, requestTimeout: 600, retry: { retries: 0 }, socketFactory }), 600);
  t.after(() => network.close());
  await network.send('any', metadata([]));
  proxy.set('hang');
  const first = network.send('any', metadata([]));
  await systemClock.sleep(400);
  const second = network.send('any', metadata([]));
  await assert.rejects(first, (error) => error instanceof NoAnswer);
  proxy.set('refuse');
  let ended = false;
  void second.catch(() => undefined).finally(() => { ended = true; });
  await eventually('the second has ended', () => ended, 5_000);
  proxy.set('pass');
  await eventually('new connections work', () => network.send('any', metadata([])).then(() => true, () => false));
});

test('brokers away: appends are refused within 2 s; back: appends and members go on by themselves within 10 s', { skip }, async (t) => {
  const proxy = await Proxy.start(t);
  const log = await openLog(t, { resolve: proxy.resolve });
  const topic = await newTopic(t, log);
  const appender = await log.appender();
  const member = new TestMember();
  await log.join({ group: uniqueName('g'), topics: [topic] }, member);
  await appender.append([text(topic, 'before')]);
  await member.received(topic, 1);
  proxy.set('refuse');
  const started = performance.now();
  // The connection is being cut this very moment: the record may have gone out.
  await assert.rejects(appender.append([text(topic, 'cut')]), (error) => isCode(error, 'CONFAB_LOG_UNAVAILABLE', 'CONFAB_LOG_OUTCOME_UNKNOWN'));
  assert.ok(performance.now() - started < 2_000);
  const again = performance.now();
  await assert.rejects(appender.append([text(topic, 'away')]), (error) => isCode(error, 'CONFAB_LOG_UNAVAILABLE'));
  assert.ok(performance.now() - again < 2_000);
  await assert.rejects(log.check(), (error) => isCode(error, 'CONFAB_LOG_UNAVAILABLE'));
  proxy.set('pass');
  await eventually('an append', async () => appender.append([text(topic, 'after')]).then(() => true, () => false), 10_000);
  await eventually('its record', () => member.valuesOf(topic).includes('after'), 10_000);
  assert.ok(!member.valuesOf(topic).includes('away'));
  await log.check();
});

test('the answer to the end of a transaction is cut: the commit finds out that it was decided', { skip }, async (t) => {
  const proxy = await Proxy.start(t);
  const log = await openLog(t, { resolve: proxy.resolve });
  const [input, output] = [await newTopic(t, log), await newTopic(t, log)];
  const member = new TestMember();
  await log.join({ group: uniqueName('g'), topics: [input] }, member);
  const assignment = await member.running(1);
  for (const n of numbers(4)) {
    if (n % 2 === 1) void proxy.cutAnswerTo(END_TXN);
    await assignment.commit('one', { records: [text(output, `v${n}`)], offsets: [{ topic: input, partition: 0, offset: 0, metadata: `m${n}` }] });
  }
  await eventually('all four', async () => valuesIn(await readAll(log, output)).join() === 'v0,v1,v2,v3', 5_000);
  assert.equal((await assignment.committed({ stable: true }))[0]?.metadata, 'm3');
});

/** A transaction of another process that does not come to its end. */
async function leaveOpen(network: CountingNetwork, at: { group: string; instance: string; input: string; output: string; offset: number; generation: number; member: string }): Promise<{ identity: Identity; node: number }> {
  const coordinators = new Coordinators(network);
  const id = `${at.group}.${at.instance}.a`;
  const node = await coordinators.node('transaction', id);
  const made = await network.send(node, initProducerId(id, 60_000));
  const identity = { transactionalId: id, producerId: made.producerId, epoch: made.epoch };
  await network.send(node, addPartitionsToTxn(identity, [{ topic: at.output, partitions: [0] }]));
  await network.send(node, addOffsetsToTxn(identity, at.group));
  const directory = new Directory(network, systemClock);
  const batch = new Batch<number>(at.output, 0);
  batch.add(text(at.output, 'pending'), 0);
  await directory.topic(at.output);
  await new Producer(identity, { network, directory, clock: systemClock }).send([batch], 1_000_000, {
    written: () => undefined, refused: (_, code) => { throw new Error(`refused: ${code}`); }, again: (same) => [same], dropped: () => undefined,
  });
  const codes = await network.send(await coordinators.node('group', at.group), txnOffsetCommit(identity, { group: at.group, generation: at.generation, member: at.member }, [{ topic: at.input, partitions: [{ partition: 0, offset: at.offset, metadata: 'pending' }] }]));
  assert.deepEqual(codes.map(({ code }) => code), [0]);
  return { identity, node };
}

async function takeOver(t: TestContext): Promise<{ log: Awaited<ReturnType<typeof openLog>>; network: CountingNetwork; at: Parameters<typeof leaveOpen>[1]; open: Awaited<ReturnType<typeof leaveOpen>>; assignment: Awaited<ReturnType<TestMember['running']>> }> {
  const log = await openLog(t);
  const network = openNetwork(t);
  const [input, output] = [await newTopic(t, log), await newTopic(t, log)];
  const appender = await log.appender();
  await appender.append(numbers(10).map((n) => text(input, `v${n}`)));
  const at = { group: uniqueName('g'), instance: 'dead', input, output, offset: 7, ...NOBODY };
  await log.admin.setCommitted(at.group, [{ topic: input, partition: 0, offset: 3, metadata: 'old' }]);
  const open = await leaveOpen(network, at);
  const member = new TestMember({ assigned: async () => undefined });
  await log.join({ group: at.group, topics: [input] }, member);
  return { log, network, at, open, assignment: await member.running(1) };
}

test('take-over with a commit pending: stable offsets wait for its end, others do not', { skip }, async (t) => {
  const { network, open, assignment } = await takeOver(t);
  assert.equal((await assignment.committed({ stable: false }))[0]?.offset, 3);
  let stable: number | null | undefined;
  const waiting = assignment.committed({ stable: true }).then(([first]) => { stable = first?.offset; });
  await assignment.committed({ stable: false });
  assert.equal(stable, undefined, 'the pending commit is still open');
  assert.equal(await network.send(open.node, endTxn(open.identity, true)), KafkaCode.NONE);
  await waiting;
  assert.equal(stable, 7);
});

test('an open transaction of a dead process is ended by fence at once, and readers behind it go on', { skip }, async (t) => {
  const { log, network, at, open, assignment } = await takeOver(t);
  const appender = await log.appender();
  await appender.append([text(at.output, 'later')]);
  assert.equal((await log.admin.bounds(at.output))[0]?.end, 0, 'readers of committed records wait behind the open transaction');
  const started = performance.now();
  await assignment.fence('dead');
  assert.deepEqual(await assignment.committed({ stable: true }), [{ topic: at.input, partition: 0, offset: 3, metadata: 'old' }]);
  await eventually('what was behind it', async () => (await readAll(log, at.output)).length === 1, 5_000);
  assert.ok(performance.now() - started < 5_000, 'its time-out would have been 60 s');
  assert.deepEqual(valuesIn(await readAll(log, at.output)), ['later']);
  // And the dead one, should it wake up, can end nothing.
  assert.notEqual(await network.send(open.node, endTxn(open.identity, true)), KafkaCode.NONE);
  await assignment.commit('new', { records: [text(at.output, 'new')], offsets: [{ topic: at.input, partition: 0, offset: 4, metadata: '' }] });
  await eventually('the new one', async () => valuesIn(await readAll(log, at.output)).join() === 'later,new', 5_000);
});

test('an orderly hand-over ends only when all markers are written: the next owner sees every committed record at once', { skip }, async (t) => {
  const log = await openLog(t);
  const [input, output] = [await newTopic(t, log), await newTopic(t, log, 24)];
  const group = uniqueName('g');
  for (const round of numbers(5)) {
    const member = new TestMember({ revoking: async (assignment) => {
      for (const n of numbers(4)) await assignment.commit(`i${round}`, { records: numbers(24).map((partition) => text(output, `${round}.${n}`, { partition })), offsets: [{ topic: input, partition: 0, offset: 0, metadata: '' }] });
    } });
    // The rule is about the markers, not about the time that a drain may take.
    const joined = await log.join({ group, topics: [input], drainMillis: 30_000 }, member);
    await member.running(1);
    await joined.close();
    const expected = (round + 1) * 4;
    for (const { partition } of await log.admin.bounds(output)) assert.equal((await readAll(log, output, partition)).length, expected, `round ${round}, partition ${partition}`);
  }
});

test('a member of an old generation commits nothing, though its transactional ids are its own', { skip }, async (t) => {
  const log = await openLog(t);
  const network = openNetwork(t);
  const [input, output] = [await newTopic(t, log, 2), await newTopic(t, log)];
  const group = uniqueName('g');
  const one = new TestMember();
  await log.join({ group, topics: [input] }, one);
  const old = await one.running(2);
  const place = (old as unknown as { place: { group: string; generation: number; member: string } }).place;
  const directory = new Directory(network, systemClock);
  const transactions = new Transactions({
    network, directory, coordinators: new Coordinators(network), clock: systemClock, group, metrics: noMetrics, transactionTimeoutMillis: 10_000, maxRecordBytes: 1_000_000, maxBatchBytes: 1_000_000, maxRequestBytes: 1_000_000,
  });
  const commit = (value: string, offset: number): Promise<unknown> => transactions.commit('zombie', place, { records: [text(output, value)], offsets: [{ topic: input, partition: 0, offset, metadata: '' }] });
  await commit('owner', 5);
  const two = new TestMember();
  await log.join({ group, topics: [input] }, two);
  await two.running(1);
  await assert.rejects(commit('zombie', 7), (error) => isCode(error, 'CONFAB_FENCED'));
  await eventually('what the owner wrote', async () => valuesIn(await readAll(log, output)).join() === 'owner', 5_000);
  assert.equal((await log.admin.committed(group, input))[0]?.offset, 5);
});

test('the broker takes 4,096 bytes of metadata and refuses 4,097', { skip }, async (t) => {
  const log = await openLog(t);
  const topic = await newTopic(t, log);
  const set = (size: number): Promise<void> => log.admin.setCommitted(uniqueName('g'), [{ topic, partition: 0, offset: 0, metadata: 'x'.repeat(size) }]);
  await set(4_096);
  await assert.rejects(set(4_097), (error) => isCode(error, 'CONFAB_METADATA_TOO_LARGE'));
});

test('long runs of compacted offsets and of markers are passed in few fetches, and a read ends exactly at its end', { skip }, async (t) => {
  const log = await openLog(t);
  const network = openNetwork(t);
  const [input, topic] = [await newTopic(t, log), await newTopic(t, log, 1, { 'cleanup.policy': 'compact', 'segment.ms': '50', 'min.cleanable.dirty.ratio': '0.001' })];
  const appender = await log.appender();
  for (const n of numbers(20)) await appender.append(numbers(250).map((m) => text(topic, `${n * 250 + m}`, { key: `k${m % 5}` })));
  const member = new TestMember();
  await log.join({ group: uniqueName('g'), topics: [input] }, member);
  const assignment = await member.running(1);
  await appender.append([text(topic, 'rolls', { key: 'roll', timestamp: now() + 1_000 })]);
  // Transactions without a visible record at the end: only their markers stay.
  for (const n of numbers(50)) await assignment.commit('one', { records: [text(topic, `t${n}`, { key: 'tail' })], offsets: [{ topic: input, partition: 0, offset: 0, metadata: '' }] });
  await eventually('the cleaner', async () => (await readAll(log, topic)).length < 200, 60_000);
  const directory = new Directory(network, systemClock);
  const end = (await log.admin.bounds(topic))[0]?.end ?? 0;
  let last = 0;
  let records = 0;
  for await (const batch of readPartition({ network, directory, clock: systemClock, fetchBytes: 1_048_576 }, { topic, partition: 0, from: 0, to: undefined })) {
    last = batch.nextOffset;
    records += batch.records.length;
  }
  assert.equal(last, end);
  assert.ok(end > 5_000 && records < 200, `${records} records up to ${end}`);
  assert.ok((network.counts.get('Fetch') ?? 0) <= 5, `${network.counts.get('Fetch') ?? 0} fetches`);
});

test('when all is read, a member stands at the end although markers are the last: lag is 0', { skip }, async (t) => {
  const log = await openLog(t);
  const [input, output] = [await newTopic(t, log), await newTopic(t, log)];
  const writer = new TestMember();
  await log.join({ group: uniqueName('g'), topics: [input] }, writer);
  const writing = await writer.running(1);
  const reader = new TestMember();
  const group = uniqueName('g');
  await log.join({ group, topics: [output] }, reader);
  const reading = await reader.running(1);
  await writing.commit('one', { records: numbers(3).map((n) => text(output, `v${n}`)), offsets: [{ topic: input, partition: 0, offset: 0, metadata: '' }] });
  await eventually('the end', async () => reader.batches.at(-1)?.nextOffset === (await log.admin.bounds(output))[0]?.end, 10_000);
  const next = reader.batches.at(-1)?.nextOffset ?? 0;
  assert.equal(reader.recordsOf(output).length, 3);
  assert.ok(next > (reader.recordsOf(output).at(-1)?.offset ?? 0) + 1, 'the marker has been passed');
  await reading.commit('two', { records: [], offsets: [{ topic: output, partition: 0, offset: next, metadata: '' }] });
  // The offset is decided with the commit, and shows once its marker is written.
  await eventually('lag 0', async () => (await log.admin.committed(group, output))[0]?.offset === (await log.admin.bounds(output))[0]?.end, 10_000);
});

test('a late record is refused alone: calls that were sent with it are written', { skip }, async (t) => {
  const log = await openLog(t);
  const topic = await newTopic(t, log, 1, { 'message.timestamp.before.max.ms': '10000' });
  const appender = await log.appender();
  await appender.append([text(topic, 'warm')]);
  const results = await Promise.allSettled([
    appender.append([text(topic, 'a')]),
    appender.append([text(topic, 'late', { timestamp: now() - 60_000 }), text(topic, 'with the late one')]),
    appender.append([text(topic, 'b')]),
  ]);
  assert.deepEqual(results.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled']);
  assert.ok(results[1].status === 'rejected' && isCode(results[1].reason, 'CONFAB_TIMESTAMP_REFUSED'));
  assert.deepEqual(valuesIn(await readAll(log, topic)), ['warm', 'a', 'b']);
  await appender.append([text(topic, 'after')]);
});

test('a batch that a topic refuses for its size is split; a single record that is too large fails alone', { skip }, async (t) => {
  const log = await openLog(t);
  const topic = await newTopic(t, log, 1, { 'max.message.bytes': '20000' });
  const appender = await log.appender();
  const large = { ...text(topic, ''), value: Buffer.alloc(30_000) };
  const results = await Promise.allSettled([
    appender.append(numbers(300).map((n) => text(topic, `${n}`.padStart(200, '.')))), appender.append([large]), appender.append([text(topic, 'beside it')]),
  ]);
  assert.deepEqual(results.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled']);
  assert.ok(results[1].status === 'rejected' && isCode(results[1].reason, 'CONFAB_RECORD_TOO_LARGE'));
  assert.deepEqual(valuesIn(await readAll(log, topic)), [...numbers(300).map((n) => `${n}`.padStart(200, '.')), 'beside it']);
  const member = new TestMember();
  await log.join({ group: uniqueName('g'), topics: [topic] }, member);
  const assignment = await member.running(1);
  const offsets = await assignment.commit('one', { records: numbers(300).map((n) => text(topic, `${n}`.padStart(200, '.'))), offsets: [] });
  assert.equal(new Set(offsets).size, 300, 'a commit splits as well');
});

test('equal partition numbers of two topics are with one member, for five members of twelve', { skip }, async (t) => {
  const log = await openLog(t);
  const topics = [await newTopic(t, log, 12), await newTopic(t, log, 12)];
  const group = uniqueName('g');
  const members = numbers(5).map(() => new TestMember());
  await Promise.all(members.map((member) => log.join({ group, topics }, member)));
  await eventually('twelve numbers, two or three each', () => {
    const sizes = members.map((member) => member.current?.partitions.length ?? 0);
    return sizes.every((size) => size === 2 || size === 3) && new Set(members.flatMap((member) => [...member.current?.partitions ?? []])).size === 12;
  }, 30_000);
  for (const member of members) {
    const committed = await (await member.running(member.current?.partitions.length ?? 0)).committed({ stable: false });
    const numbersOf = (topic: string | undefined): number[] => committed.filter((each) => each.topic === topic).map((each) => each.partition);
    assert.deepEqual(numbersOf(topics[0]), numbersOf(topics[1]));
  }
});

test('a producer takes a new identity long before its sequence numbers run out, and order is kept', { skip }, async (t) => {
  const log = await openLog(t);
  const network = openNetwork(t);
  const topic = await newTopic(t, log);
  const { KafkaAppender } = await import('./kafkajs/appender.js');
  const { silentLogger } = await import('../observability/logger.js');
  const appender = new KafkaAppender({
    network, directory: new Directory(network, systemClock), clock: systemClock, logger: silentLogger, metrics: noMetrics,
    maxRecordBytes: 1_000_000, maxBatchBytes: 1_000_000, maxRequestBytes: 1_000_000, timeoutMillis: 1_800, lastSequence: 10,
  }, () => undefined);
  for (const n of numbers(40)) await appender.append([text(topic, `${n}`)]);
  assert.equal(network.counts.get('InitProducerId'), 4);
  assert.deepEqual(valuesIn(await readAll(log, topic)), numbers(40).map(String));
});

test('retention overtakes a member that does not keep up: it is told so, and nothing is skipped silently', { skip }, async (t) => {
  const log = await openLog(t);
  const topic = await newTopic(t, log);
  const appender = await log.appender();
  await appender.append(numbers(10).map((n) => text(topic, `v${n}`)));
  const member = new TestMember({ assigned: async (assignment) => {
    await assignment.start([{ topic, partition: 0, offset: 0 }]);
    assignment.pause([{ topic, partition: 0 }]);
  } });
  await log.join({ group: uniqueName('g'), topics: [topic], maxBatchRecords: 2 }, member);
  const assignment = await member.running(1);
  const { Kafka, logLevel } = await import('kafkajs');
  const admin = new Kafka({ brokers: brokers(), clientId: 'test', logLevel: logLevel.NOTHING }).admin();
  t.after(() => admin.disconnect());
  await admin.connect();
  await admin.fetchTopicOffsets(topic);
  await appender.append([text(topic, 'last')]);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '11' }] });
  const fresh = assignment.start([{ topic, partition: 0, offset: 5 }]);
  await assert.rejects(fresh, (error) => isCode(error, 'CONFAB_OFFSET_OUT_OF_RANGE'));
});

test('a broker without an authorizer: rights are not available, and asking says so', { skip }, async (t) => {
  const log = await openLog(t);
  assert.equal(await log.acls?.available(), false);
  await assert.rejects(log.acls?.list() ?? Promise.resolve(), (error) => isCode(error, 'CONFAB_LOG_REFUSED'));
});
