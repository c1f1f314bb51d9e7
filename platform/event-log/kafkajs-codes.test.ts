/** Each error code of a broker, at each request that may get it: what was acknowledged is in the log once, what failed is not. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../clock.js';
import { isCode, type ConfabError } from '../errors.js';
import { silentLogger } from '../observability/logger.js';
import { eventually, skipWithout } from '../testing.js';
import { readAll, TestMember, text, valuesIn } from './contract/bench.contract.js';
import { KafkaAppender } from './kafkajs/appender.js';
import { codeName, KafkaCode } from './kafkajs/codes.js';
import { Coordinators, Directory } from './kafkajs/directory.js';
import { noMetrics } from './kafkajs/metrics.js';
import type { GroupPlace } from './kafkajs/requests-group.js';
import { newTopic, openFaulty, openLog, uniqueName, type Fault } from './kafkajs/testing.js';
import { Transactions } from './kafkajs/transactions.js';

const skip = skipWithout('kafka');
const K = KafkaCode;
const SIZES = { maxRecordBytes: 1_000_000, maxBatchBytes: 1_000_000, maxRequestBytes: 1_000_000 };

/** The broker says no and does nothing; it does it and says something else; or its answer, or the request, is lost. */
const refused = (api: string, ...codes: number[]): Fault[] => codes.map((code) => ({ api, carriedOut: false, code }));
const done = (api: string, ...codes: number[]): Fault[] => codes.map((code) => ({ api, carriedOut: true, code }));
const lost = (api: string): Fault[] => [{ api, carriedOut: true, code: undefined }, { api, carriedOut: false, code: undefined }];
const name = ({ api, carriedOut, code }: Fault): string => `${api} ${code === undefined ? 'without an answer' : codeName(code)}${carriedOut ? ', carried out' : ''}`;

/** A produce that another attempt mends, whether or not the leader has appended. */
const MENDED_PRODUCE = [
  ...refused('Produce', K.NOT_LEADER_OR_FOLLOWER, K.LEADER_NOT_AVAILABLE, K.UNKNOWN_TOPIC_OR_PARTITION, K.REPLICA_NOT_AVAILABLE, K.FENCED_LEADER_EPOCH, K.UNKNOWN_LEADER_EPOCH,
    K.NOT_ENOUGH_REPLICAS, K.REQUEST_TIMED_OUT, K.CORRUPT_MESSAGE),
  ...done('Produce', K.NOT_LEADER_OR_FOLLOWER, K.KAFKA_STORAGE_ERROR, K.REQUEST_TIMED_OUT, K.NOT_ENOUGH_REPLICAS_AFTER_APPEND, K.UNKNOWN_SERVER_ERROR),
  ...lost('Produce'),
];
/** The broker does not know the producer, or knows it otherwise. */
const LOST_STATE = refused('Produce', K.UNKNOWN_PRODUCER_ID, K.INVALID_PRODUCER_EPOCH, K.OUT_OF_ORDER_SEQUENCE_NUMBER, K.DUPLICATE_SEQUENCE_NUMBER);
const AWAY = [K.NOT_COORDINATOR, K.COORDINATOR_LOAD_IN_PROGRESS, K.COORDINATOR_NOT_AVAILABLE];

test('appends: a code that passes is mended within the call, one about the producer refuses it, and the log holds each once and in order', { skip }, async (t) => {
  const log = await openLog(t);
  const topic = await newTopic(t, log);
  const network = openFaulty(t);
  const appender = new KafkaAppender({
    network, directory: new Directory(network, systemClock), clock: systemClock, logger: silentLogger, metrics: noMetrics, ...SIZES, timeoutMillis: 60_000,
  }, () => undefined);
  const expected: string[] = [];
  for (const fault of [...MENDED_PRODUCE, ...refused('InitProducerId', ...AWAY), ...lost('InitProducerId')]) {
    // A new identity is asked for where the fault needs one.
    if (fault.api === 'InitProducerId') await (network.plan(LOST_STATE[0] as Fault), assert.rejects(appender.append([text(topic, 'refused')])));
    network.plan(fault);
    // What waits behind the fault goes with the next send: never before, never instead.
    await Promise.all(['a', 'b'].map((part) => appender.append([text(topic, `${name(fault)} ${part}`)])).concat(appender.append([text(topic, `${name(fault)} c`)])));
    assert.ok(network.done, name(fault));
    expected.push(...['a', 'b', 'c'].map((part) => `${name(fault)} ${part}`));
  }
  for (const fault of LOST_STATE) {
    network.plan(fault);
    await assert.rejects(appender.append([text(topic, `${name(fault)} refused`)]), (error) => isCode(error, 'CONFAB_LOG_UNAVAILABLE'), name(fault));
    await appender.append([text(topic, `after ${name(fault)}`)]);
    expected.push(`after ${name(fault)}`);
  }
  assert.deepEqual(valuesIn(await readAll(log, topic)), expected);
});

/** A member of a group over one topic, and its transactions, over connections whose requests can be made to fail. */
async function transacting(t: TestContext, more: { readonly lastSequence?: number } = {}) {
  const log = await openLog(t);
  const network = openFaulty(t);
  const [input, output] = [await newTopic(t, log), await newTopic(t, log)];
  const group = uniqueName('g');
  const member = new TestMember();
  await log.join({ group, topics: [input] }, member);
  const { place } = await member.running(1) as unknown as { place: GroupPlace };
  const transactions = new Transactions({
    network, directory: new Directory(network, systemClock), coordinators: new Coordinators(network), clock: systemClock, group, metrics: noMetrics, transactionTimeoutMillis: 30_000, ...SIZES, ...more,
  });
  return { log, network, input, output, group, place, transactions };
}

test('commits: a code that passes is mended, any other leaves nothing behind; offsets and records never differ', { skip }, async (t) => {
  const { log, network, input, output, group, place, transactions } = await transacting(t);
  let instance = 0;
  let offset = 0;
  const committed: string[] = [];
  const attempt = async (value: string): Promise<void> => {
    await transactions.commit(`i${instance}`, place, { records: [text(output, value)], offsets: [{ topic: input, partition: 0, offset: offset + 1, metadata: value.slice(0, 60) }] });
    offset += 1;
    committed.push(value);
  };
  const mended = [
    ...['InitProducerId', 'AddPartitionsToTxn', 'AddOffsetsToTxn'].flatMap((api) => [...refused(api, ...AWAY, K.CONCURRENT_TRANSACTIONS), ...done(api, K.COORDINATOR_NOT_AVAILABLE), ...lost(api)]),
    ...MENDED_PRODUCE,
    ...refused('TxnOffsetCommit', ...AWAY), ...lost('TxnOffsetCommit'),
    ...refused('EndTxn', ...AWAY), ...done('EndTxn', K.COORDINATOR_NOT_AVAILABLE, K.NOT_COORDINATOR), ...lost('EndTxn'),
  ];
  for (const fault of mended) {
    // The ids are initialised for an instance that is new.
    if (fault.api === 'InitProducerId') instance += 1;
    network.plan(fault);
    await attempt(name(fault));
    assert.ok(network.done, name(fault));
  }
  const failing: [Fault, ConfabError['code'][]][] = [
    ...LOST_STATE.map((fault): [Fault, ConfabError['code'][]] => [fault, ['CONFAB_LOG_UNAVAILABLE', 'CONFAB_FENCED']]),
    ...refused('TxnOffsetCommit', K.ILLEGAL_GENERATION, K.UNKNOWN_MEMBER_ID, K.INVALID_PRODUCER_EPOCH).map((fault): [Fault, ConfabError['code'][]] => [fault, ['CONFAB_FENCED']]),
    ...refused('AddPartitionsToTxn', K.INVALID_PRODUCER_EPOCH, K.PRODUCER_FENCED).map((fault): [Fault, ConfabError['code'][]] => [fault, ['CONFAB_FENCED']]),
    ...refused('EndTxn', K.INVALID_TXN_STATE, K.PRODUCER_FENCED).map((fault): [Fault, ConfabError['code'][]] => [fault, ['CONFAB_FENCED']]),
    ...refused('Produce', K.TOPIC_AUTHORIZATION_FAILED).map((fault): [Fault, ConfabError['code'][]] => [fault, ['CONFAB_LOG_REFUSED']]),
  ];
  for (const [fault, codes] of failing) {
    network.plan(fault);
    await assert.rejects(attempt(`${name(fault)} refused`), (error) => isCode(error, ...codes), name(fault));
    // A fenced process takes a new name; its successor, here itself, ends what the old one left open.
    await transactions.fence(`i${instance}`);
    instance += 1;
    await attempt(`after ${name(fault)}`);
  }
  await eventually('the markers', async () => (await readAll(log, output)).length >= committed.length, 30_000);
  assert.deepEqual(valuesIn(await readAll(log, output)), committed);
  await eventually('the last offset', async () => (await log.admin.committed(group, input))[0]?.offset === offset, 30_000);
});

test('offsets that are committed by themselves stand, although the marker of a transaction before them is written later', { skip }, async (t) => {
  const log = await openLog(t);
  const [input, output] = [await newTopic(t, log), await newTopic(t, log)];
  const group = uniqueName('g');
  const member = new TestMember();
  await log.join({ group, topics: [input] }, member);
  const assignment = await member.running(1);
  for (let round = 1; round <= 100; round += 1) {
    const at = (offset: number): { topic: string; partition: number; offset: number; metadata: string }[] => [{ topic: input, partition: 0, offset, metadata: String(offset) }];
    await assignment.commit('one', { records: [text(output, 'v')], offsets: at(2 * round) });
    await assignment.commit('one', { records: [], offsets: at(2 * round + 1) });
  }
  assert.deepEqual(await assignment.committed({ stable: true }), [{ topic: input, partition: 0, offset: 201, metadata: '201' }]);
});

test('the ids of a commit are initialised anew long before their sequence numbers run out', { skip }, async (t) => {
  const { log, network, input, output, place, transactions } = await transacting(t, { lastSequence: 10 });
  const expected = Array.from({ length: 60 }, (_, n) => String(n));
  for (const [n, value] of expected.entries()) await transactions.commit('one', place, { records: [text(output, value)], offsets: [{ topic: input, partition: 0, offset: n + 1, metadata: '' }] });
  assert.ok((network.counts.get('InitProducerId') ?? 0) >= 6, `${network.counts.get('InitProducerId')} times`);
  await eventually('the markers', async () => (await readAll(log, output)).length === expected.length, 30_000);
  assert.deepEqual(valuesIn(await readAll(log, output)), expected);
});
