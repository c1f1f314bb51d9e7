/** Pins what the adapter relies on inside kafkajs: a new version of it must pass this before it is taken. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { connect, createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Kafka, logLevel } from 'kafkajs';
import { eventually, skipWithout } from '../testing.js';
import { NoAnswer, clusterOf, Network } from './kafkajs-protocol.js';
import { findCoordinator, metadata } from './kafkajs/requests-metadata.js';
import { brokers } from './kafkajs/testing.js';
import type { WireRequest } from './kafkajs/wire.js';

const NOWHERE = '127.0.0.1:1';
const kafka = (list: string[]): Kafka => new Kafka({ brokers: list, clientId: 'test', logLevel: logLevel.NOTHING, retry: { retries: 1, initialRetryTime: 5 } });

test('kafkajs is the version that was read', () => {
  const { version } = createRequire(import.meta.url)('kafkajs/package.json') as { version: string };
  assert.equal(version, '2.2.4');
});

test('a consumer hands its cluster to the assigner when it is made, each its own', () => {
  const client = kafka([NOWHERE]);
  const [one, two] = [clusterOf(client), clusterOf(client)];
  assert.notEqual(one, two);
  for (const name of ['connect', 'disconnect', 'refreshMetadata', 'findBroker'] as const) assert.equal(typeof one[name], 'function', name);
  assert.equal(typeof one.brokerPool.findConnectedBroker, 'function');
});

test('a queue of requests starts a timer only when something waits', () => {
  const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (options: object) => { pending: unknown[]; throttleCheckTimeoutId: NodeJS.Timeout | null; scheduleCheckPendingRequests(): void };
  const queue = new RequestQueue({ logger: { namespace: () => ({ debug: () => undefined }) }, clientId: 'test', broker: NOWHERE });
  queue.scheduleCheckPendingRequests();
  assert.equal(queue.throttleCheckTimeoutId, null);
  queue.pending.push({});
  queue.scheduleCheckPendingRequests();
  assert.notEqual(queue.throttleCheckTimeoutId, null);
  clearTimeout(queue.throttleCheckTimeoutId ?? undefined);
});

test('a request that could not be sent says so', async () => {
  const network = new Network(kafka([NOWHERE]));
  await assert.rejects(network.send('any', metadata([])), (error) => error instanceof NoAnswer && !error.sent);
  await network.close();
});

test('requests of versions that kafkajs lacks pass over its connections, and requests side by side share one', { skip: skipWithout('kafka') }, async (t) => {
  const network = new Network(kafka(brokers()));
  t.after(() => network.close());
  const answers = await Promise.all([network.send('any', metadata(null)), network.send('any', metadata(null))]);
  assert.ok(answers[0].every(({ id }) => /^[0-9a-f]{32}$/.test(id)));
  const { code, node } = await network.send('any', findCoordinator('group', 'g'));
  assert.equal(code, 0);
  await network.send(node, metadata([]));
});

// A loaded broker answered the first question of a connection too late: the process asked on over that connection for ever, in vain ("Broker not connected").
test('connections whose first question has no answer are not asked on', { skip: skipWithout('kafka') }, async (t) => {
  const [host = '', port = ''] = (brokers()[0] ?? '').split(':');
  let count = 0;
  const server = createServer((socket) => {
    socket.on('error', () => { /* either side may go */ });
    count += 1;
    if (count === 1) { socket.resume(); return; }
    const broker = connect(Number(port), host).on('error', () => { socket.destroy(); });
    socket.pipe(broker).pipe(socket);
  });
  await new Promise<void>((resolve) => { server.listen(0, '127.0.0.1', resolve); });
  t.after(() => { server.close(); });
  const client = new Kafka({ brokers: [`127.0.0.1:${(server.address() as AddressInfo).port}`], clientId: 'test', logLevel: logLevel.NOTHING, connectionTimeout: 500, requestTimeout: 500, retry: { retries: 1, initialRetryTime: 5 } });
  const network = new Network(client);
  t.after(() => network.close());
  await assert.rejects(network.send('any', metadata(null)), NoAnswer);
  await eventually('a connection that is answered', () => network.send('any', metadata(null)).then((topics) => topics.length >= 0, () => false), 60_000);
  assert.ok(count > 1);
});

test('a request that was sent and had no answer says so, and the next one has new connections', { skip: skipWithout('kafka') }, async (t) => {
  const network = new Network(new Kafka({ brokers: brokers(), clientId: 'test', logLevel: logLevel.NOTHING, requestTimeout: 300 }));
  t.after(() => network.close());
  // The broker closes the connection on a request that it cannot read.
  const garbage: WireRequest<undefined> = { apiKey: 3, apiName: 'Metadata', version: 10, encode: (out) => { out.tags().int32(-7); }, decode: () => undefined };
  await assert.rejects(network.send('any', garbage), (error) => error instanceof NoAnswer && error.sent);
  await network.send('any', metadata([]));
});
