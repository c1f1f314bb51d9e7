/** Who is connected, as presence.v1 and egress say it, with nodes that are killed, stopped and restarted. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { follow, Program } from './composition/testing.js';
import { saidBy } from './egress/presence/testing.js';
import { systemClock } from './platform/clock.js';
import { openEmbeddedLog } from './platform/event-log/embedded.js';
import type { EventLog } from './platform/event-log/event-log.js';
import { openKafkaLog } from './platform/event-log/kafkajs.js';
import { silentLogger } from './platform/observability/logger.js';
import { systemRandom } from './platform/random.js';
import { eventually, scratchFolder, serviceAddress, skipWithout } from './platform/testing.js';

/** The default is 40 s; what is shown here is shown by its parts: all times follow from it. */
const LEASE = '4s';
const PATIENCE = 60_000;

interface Present { readonly devices: number; readonly since: string | null; readonly users: readonly { readonly devices: number }[] }

async function present(url: string, conversation: string): Promise<Present> {
  const answer = await fetch(`${url}/v1/conversations/${conversation}/presence`);
  assert.equal(answer.status, 200, await answer.clone().text());
  return await answer.json() as Present;
}

async function connect(t: { after(run: () => void): void }, url: string, conversations: readonly string[]): Promise<void> {
  for (const conversation of conversations) {
    const socket = await follow(url, conversation);
    t.after(() => { socket.close(); });
  }
}
const names = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, i) => `c${from + i}`);
const entriesOf = async (log: EventLog, topic: string): Promise<number> => (await saidBy(log, topic)).entries.size;

test('Kafka: a node of egress is killed, one is stopped and goes on, one is drained: the topic says who is connected', { skip: skipWithout('kafka', 'redis'), timeout: 300_000 }, async (t) => {
  const brokers = serviceAddress('kafka') ?? '';
  const prefix = `t${randomBytes(4).toString('hex')}.`;
  const env = { CONFAB_KAFKA_BROKERS: brokers, CONFAB_REDIS_URL: serviceAddress('redis') ?? '', CONFAB_PREFIX: prefix, CONFAB_PARTITIONS: '6', CONFAB_PRESENCE: 'true', CONFAB_PRESENCE_LEASE: LEASE, CONFAB_DATA_DIR: scratchFolder(t) };
  const start = async (): Promise<Program> => (await Program.start(t, { env, args: ['start', '--role', 'egress'] })).ready(PATIENCE);
  const killed = await start();
  const stopped = await start();
  const log = await openKafkaLog({ brokers: brokers.split(','), clientId: 'presence-test', clock: systemClock, logger: silentLogger });
  t.after(() => log.close());
  const topic = `${prefix}presence.v1`;

  await connect(t, killed.url, names(0, 30));
  await connect(t, stopped.url, names(25, 40));
  await eventually('45 entries', async () => await entriesOf(log, topic) === 45, PATIENCE);
  for (const { url } of [killed, stopped]) {
    await eventually('who is on the other node', async () => (await present(url, 'c27')).devices === 2, PATIENCE);
    assert.deepEqual((await present(url, 'c27')).users.map(({ devices }) => devices), [2]);
    await eventually('who is on one node only', async () => (await present(url, 'c3')).devices === 1 && (await present(url, 'c39')).devices === 1, PATIENCE);
    assert.deepEqual(await present(url, 'c40'), { conversationId: 'c40', devices: 0, since: null, users: [] });
  }

  await killed.kill('SIGKILL');
  await eventually('the entries of the dead node are gone from the topic', async () => await entriesOf(log, topic) === 15, PATIENCE);
  await eventually('and from answers', async () => (await present(stopped.url, 'c27')).devices === 1 && (await present(stopped.url, 'c3')).devices === 0, PATIENCE);
  await eventually('and its leases', async () => new Set([...(await saidBy(log, topic)).leases.values()].map(({ node }) => node)).size === 1, PATIENCE);

  const other = await start();
  process.kill(stopped.pid, 'SIGSTOP');
  await eventually('a node that is stopped counts as dead', async () => await entriesOf(log, topic) === 0, PATIENCE);
  await eventually('in answers too', async () => (await present(other.url, 'c30')).devices === 0, PATIENCE);
  process.kill(stopped.pid, 'SIGCONT');
  await eventually('it goes on, and puts back what it has', async () => await entriesOf(log, topic) === 15 && (await present(other.url, 'c30')).devices === 1, PATIENCE);

  await connect(t, other.url, ['c100']);
  await eventually('one more', async () => await entriesOf(log, topic) === 16, PATIENCE);
  assert.equal((await stopped.kill('SIGTERM')).code, 0, stopped.output);
  const { entries, leases } = await saidBy(log, topic);
  assert.deepEqual([...entries.values()].map(({ sockets }) => sockets), [1], 'a drained node has taken back all that it said');
  assert.ok([...leases.values()].every(({ node }) => node === [...entries.values()][0]?.node));
});

test('one process on the embedded log, killed and started again: who was connected is gone, who is back is there', { timeout: 240_000 }, async (t) => {
  const folder = scratchFolder(t);
  const env = { CONFAB_DATA_DIR: folder, CONFAB_PARTITIONS: '6', CONFAB_PRESENCE: 'true', CONFAB_PRESENCE_LEASE: LEASE };
  const said = async (): Promise<number> => {
    const log = await openEmbeddedLog({ folder, clock: systemClock, random: systemRandom, logger: silentLogger, readOnly: true });
    try { return await entriesOf(log, 'presence.v1'); } finally { await log.close(); }
  };
  const first = await (await Program.start(t, { env })).ready(PATIENCE);
  await connect(t, first.url, names(0, 10));
  await eventually('ten entries', async () => await said() === 10, PATIENCE);
  await eventually('an answer is half a second behind at most', async () => (await present(first.url, 'c1')).devices === 1, PATIENCE);
  await first.kill('SIGKILL');
  const second = await (await Program.start(t, { env })).ready(PATIENCE);
  await connect(t, second.url, ['c1', 'c1']);
  await eventually('one entry', async () => await said() === 1 && (await present(second.url, 'c1')).devices === 2, PATIENCE);
  assert.equal((await second.kill('SIGTERM')).code, 0, second.output);
  assert.equal(await said(), 0);
});
