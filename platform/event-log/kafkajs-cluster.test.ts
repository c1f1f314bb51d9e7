/** Brokers of a cluster that are killed while something is under way. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { ownKafka, type OwnKafka } from '../../scripts/services/kafka-own.js';
import { systemClock } from '../clock.js';
import { isCode } from '../errors.js';
import { silentLogger } from '../observability/logger.js';
import { eventually, scratchFolder, skipWithout } from '../testing.js';
import { numbers, readAll, TestMember, text, valuesIn } from './contract/bench.contract.js';
import type { EventLog } from './event-log.js';
import { openKafkaLog } from './kafkajs.js';
import { Network } from './kafkajs-protocol.js';
import { Coordinators, Directory } from './kafkajs/directory.js';
import { noMetrics } from './kafkajs/metrics.js';
import type { GroupPlace } from './kafkajs/requests-group.js';
import { uniqueName } from './kafkajs/testing.js';
import { Transactions } from './kafkajs/transactions.js';
import type { WireRequest } from './kafkajs/wire.js';

const PATIENCE = 120_000;

/** Runs something before the next request of a kind goes to its broker. */
class StagedNetwork extends Network {
  before: { readonly api: string; run(node: number): Promise<void> } | undefined;

  override async send<T>(node: number | 'any', request: WireRequest<T>): Promise<T> {
    const { before } = this;
    if (before?.api === request.apiName && node !== 'any') { this.before = undefined; await before.run(node); }
    return super.send(node, request);
  }
}

test('brokers are killed in the middle of appends and of a transaction: all that was acknowledged is there once, in order', { skip: skipWithout('kafka'), timeout: 400_000 }, async (t) => {
  const kafka = await ownKafka(`${scratchFolder(t)}/kafka`, { brokers: 3, heap: '384m' });
  t.after(() => kafka.close());
  const log = await openKafkaLog({ brokers: kafka.brokers, clientId: 'test', clock: systemClock, logger: silentLogger, appendTimeoutMillis: PATIENCE });
  t.after(() => log.close());
  await t.test('the leader of a partition, with appends in flight', () => leaderKilled(kafka, log));
  await t.test('the coordinator of a transaction, before it decides', (inner) => coordinatorKilled(inner, kafka, log));
});

async function leaderKilled(kafka: OwnKafka, log: EventLog): Promise<void> {
  const topic = uniqueName('topic');
  await log.admin.createTopic({ name: topic, partitions: 3, config: {} });
  const appender = await log.appender();
  const sent = numbers(3).map((): string[] => []);
  let stop = false;
  let acknowledged = 0;
  // One after the other in each partition: order is the sender's.
  const writers = numbers(3).map(async (partition) => {
    for (let n = 0; !stop; n += 1) {
      await appender.append([text(topic, `${n}`, { partition })]);
      (sent[partition] as string[]).push(`${n}`);
      acknowledged += 1;
    }
  });
  await eventually('traffic', () => acknowledged > 50, PATIENCE);
  // Each of the three leads a partition: whichever is killed, its appends are in flight.
  await kafka.kill(2);
  const before = acknowledged;
  await eventually('all partitions go on with two brokers', () => acknowledged > before + 50 && sent.every((list) => list.length > 50), PATIENCE);
  stop = true;
  await Promise.all(writers);
  for (const partition of numbers(3)) assert.deepEqual(valuesIn(await readAll(log, topic, partition)), sent[partition], `partition ${partition}`);
  await kafka.start(2);
}

async function coordinatorKilled(t: { after(run: () => Promise<void>): void }, kafka: OwnKafka, log: EventLog): Promise<void> {
  const [input, output, group] = [uniqueName('topic'), uniqueName('topic'), uniqueName('g')];
  for (const name of [input, output]) await log.admin.createTopic({ name, partitions: 1, config: {} });
  const member = new TestMember();
  await log.join({ group, topics: [input] }, member);
  const network = new StagedNetwork(new Kafka({ brokers: [...kafka.brokers], clientId: 'test', logLevel: logLevel.NOTHING, connectionTimeout: 1_000, requestTimeout: 5_000, retry: { initialRetryTime: 5, multiplier: 1.5, maxRetryTime: 200, retries: 8 } }));
  t.after(() => network.close());
  const transactions = new Transactions({
    network, directory: new Directory(network, systemClock), coordinators: new Coordinators(network), clock: systemClock, group, metrics: noMetrics,
    transactionTimeoutMillis: PATIENCE, maxRecordBytes: 1_000_000, maxBatchBytes: 1_000_000, maxRequestBytes: 1_000_000,
  });
  const committed: string[] = [];
  const commit = async (value: string): Promise<void> => {
    const { place } = await member.running(1) as unknown as { place: GroupPlace };
    await transactions.commit('one', place, { records: [text(output, value)], offsets: [{ topic: input, partition: 0, offset: committed.length + 1, metadata: value }] });
    committed.push(value);
  };
  await commit('before');
  let killed = 0;
  network.before = { api: 'EndTxn', run: async (node) => { killed = node; await kafka.kill(node); } };
  await commit('while the coordinator is killed');
  assert.ok(killed > 0);
  // The member may have lost its place while the brokers sorted themselves out: then it has a new one soon.
  await eventually('a commit', () => commit('after').then(() => true, (error) => { assert.ok(isCode(error, 'CONFAB_FENCED', 'CONFAB_LOG_UNAVAILABLE'), String(error)); return false; }), PATIENCE);
  await eventually('the markers', async () => (await readAll(log, output)).length >= 3, PATIENCE);
  assert.deepEqual(valuesIn(await readAll(log, output)), committed);
  await eventually('the last offset', async () => (await log.admin.committed(group, input))[0]?.offset === 3, PATIENCE);
}
