/** Whatever happens to a Redis server in mid-traffic: nobody is told anything else, twice, out of order or not at all. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { silentLogger } from '../../../platform/observability/logger.js';
import { systemRandom } from '../../../platform/random.js';
import { connectRedis } from '../../../platform/redis/redis.js';
import { RedisStateStore } from '../../../platform/state/redis.js';
import { isCode } from '../../../platform/errors.js';
import { eventually, scratchFolder, skipWithout } from '../../../platform/testing.js';
import { OwnRedis } from '../../../scripts/services/redis-own.js';
import { told, toldInPeace, Traffic } from './testing.js';

// The server of the tests is shared; but where it is, there is the program for one's own.
const skip = skipWithout('redis');
const TURNS = 14;
let peace: Promise<Record<string, unknown>> | undefined;

async function scene(t: TestContext, settings: readonly string[] = []): Promise<{ server: OwnRedis; traffic: Traffic }> {
  const server = await OwnRedis.start(join(scratchFolder(t), 'redis'), settings);
  t.after(() => server.close());
  const redis = await connectRedis({ urls: [server.url] }, { logger: silentLogger, random: systemRandom });
  t.after(() => redis.close());
  return { server, traffic: await Traffic.start(t, new RedisStateStore(redis)) };
}

/** As in a run in which nothing happened, and the store has it too. */
async function assertUnharmed(t: TestContext, traffic: Traffic, turns: number): Promise<void> {
  assert.deepEqual(traffic.misanswered(), []);
  assert.deepEqual(told(await traffic.end()), await (turns === TURNS ? peace ??= toldInPeace(t, TURNS) : toldInPeace(t, turns)));
  assert.deepEqual(await traffic.wrongInStore(), []);
}

const faults: readonly { readonly what: string; readonly happen: (server: OwnRedis) => Promise<void>; readonly before?: (server: OwnRedis) => Promise<void>; readonly loses: boolean }[] = [
  { what: 'flushed', happen: async (server) => { await server.ask('FLUSHALL'); }, loses: true },
  { what: 'set back to an older copy', before: (server) => server.save(), happen: (server) => server.setBack(), loses: true },
  { what: 'killed and started with nothing', happen: (server) => server.lose(), loses: true },
  { what: 'without scripts', happen: async (server) => { await server.ask('SCRIPT FLUSH'); }, loses: false },
  { what: 'out of memory for writes', happen: async (server) => {
    await server.ask('CONFIG SET maxmemory 1');
    await eventually('a write is refused', async () => Number(/rejected_calls=(\d+)/.exec(await server.ask('INFO commandstats'))?.[1] ?? 0) > 0 || (await server.ask('INFO errorstats')).includes('errorstat_OOM'));
    await server.ask('CONFIG SET maxmemory 0');
  }, loses: false },
  { what: 'a replica for a while', happen: async (server) => {
    await server.ask('REPLICAOF 127.0.0.1 1');
    await eventually('a write is refused', async () => (await server.ask('INFO errorstats')).includes('errorstat_READONLY'));
    await server.ask('REPLICAOF NO ONE');
  }, loses: false },
];

for (const { what, before, happen, loses } of faults) {
  test(`Redis ${what} in mid-traffic: everybody is answered as if nothing had happened`, { skip, timeout: 300_000 }, async (t) => {
    const { server, traffic } = await scene(t);
    await traffic.talk(4);
    await before?.(server);
    await traffic.talk(2);
    await Promise.all([traffic.talk(TURNS - 6), happen(server)]);
    if (loses) assert.ok(await traffic.healed() > 0, 'the loss was found');
    await assertUnharmed(t, traffic, TURNS);
  });
}

test('Redis does not answer for longer than a command waits: conversations wait and go on', { skip, timeout: 300_000 }, async (t) => {
  const { server, traffic } = await scene(t);
  await traffic.talk(4);
  server.signal('SIGSTOP');
  const talking = traffic.talk(TURNS - 4);
  await assert.rejects(traffic.store.read('dialogue-states.v1', 0, []), (error) => isCode(error, 'CONFAB_STATE_UNAVAILABLE'), 'a command gives up by itself');
  await assert.rejects(traffic.store.read('dialogue-states.v1', 0, []), (error) => isCode(error, 'CONFAB_STATE_UNAVAILABLE'));
  server.signal('SIGCONT');
  await talking;
  await assertUnharmed(t, traffic, TURNS);
});

test('a server that may evict is refused', { skip, timeout: 120_000 }, async (t) => {
  const server = await OwnRedis.start(join(scratchFolder(t), 'redis'), ['--maxmemory-policy', 'allkeys-lru']);
  t.after(() => server.close());
  const redis = await connectRedis({ urls: [server.url] }, { logger: silentLogger, random: systemRandom });
  t.after(() => redis.close());
  await assert.rejects(new RedisStateStore(redis).check(), (error) => isCode(error, 'CONFAB_REDIS_EVICTS'));
});
