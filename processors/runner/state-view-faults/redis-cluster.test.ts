/** The same on a cluster: a master dies and its replica takes over, a server is away with nobody in its place, slots move. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { silentLogger } from '../../../platform/observability/logger.js';
import { systemRandom } from '../../../platform/random.js';
import { connectRedis } from '../../../platform/redis/redis.js';
import { RedisStateStore } from '../../../platform/state/redis.js';
import { scratchFolder, skipWithout } from '../../../platform/testing.js';
import { ownRedisCluster, type OwnRedis, type OwnRedisCluster } from '../../../scripts/services/redis-own.js';
import { partitionFor, partitions, told, toldInPeace, Traffic } from './testing.js';

const skip = skipWithout('redis');
const TURNS = 14;
let peace: Promise<Record<string, unknown>> | undefined;

async function scene(t: TestContext): Promise<{ cluster: OwnRedisCluster; traffic: Traffic; homes: Map<OwnRedis, number[]> }> {
  const cluster = await ownRedisCluster(join(scratchFolder(t), 'redis'));
  t.after(() => cluster.close());
  const redis = await connectRedis({ urls: cluster.urls, mode: 'cluster' }, { logger: silentLogger, random: systemRandom });
  t.after(() => redis.close());
  const homes = new Map<OwnRedis, number[]>();
  for (const partition of partitions) {
    const master = cluster.masterOf(Number(/:(\d+)/.exec(await cluster.nodes[0]?.ask(`CLUSTER KEYSLOT s${partition}`) ?? '')?.[1]));
    homes.set(master, [...homes.get(master) ?? [], partition]);
  }
  return { cluster, homes, traffic: await Traffic.start(t, new RedisStateStore(redis)) };
}

async function assertUnharmed(t: TestContext, traffic: Traffic): Promise<void> {
  assert.deepEqual(traffic.misanswered(), []);
  assert.deepEqual(told(await traffic.end()), await (peace ??= toldInPeace(t, TURNS)));
  assert.deepEqual(await traffic.wrongInStore(), []);
}

const busiest = (homes: ReadonlyMap<OwnRedis, number[]>): OwnRedis => [...homes].sort(([, a], [, b]) => b.length - a.length)[0]?.[0] as OwnRedis;
const role = async (server: OwnRedis): Promise<string> => /role:(\w+)/.exec(await server.ask('INFO replication'))?.[1] ?? '';

test('a master of a cluster dies and its replica, which lags behind, takes over: what it lacks comes from the log', { skip, timeout: 300_000 }, async (t) => {
  const { cluster, traffic, homes } = await scene(t);
  await traffic.talk(4);
  const master = busiest(homes);
  const replica = cluster.replicaOf(master);
  // It stands still and is cut off while the master goes on: what is written now it never hears of.
  replica.signal('SIGSTOP');
  assert.match(await master.ask('CLIENT KILL TYPE replica'), /^:1/);
  await traffic.talk(2);
  const talking = traffic.talk(TURNS - 6);
  await master.kill();
  replica.signal('SIGCONT');
  await talking;
  assert.equal(await role(replica), 'master');
  assert.ok(await traffic.healed() > 0, 'the loss was found');
  await assertUnharmed(t, traffic);
});

test('the only server of some partitions is away: they wait, the others go on; it comes back with nothing, and all goes on', { skip, timeout: 300_000 }, async (t) => {
  const { cluster, traffic, homes } = await scene(t);
  await traffic.talk(6);
  const master = busiest(homes);
  const gone = new Set(homes.get(master));
  assert.ok(gone.size > 0 && gone.size < partitions.length);
  await cluster.replicaOf(master).kill();
  await master.kill();
  const waiting = traffic.talk(TURNS - 6, { only: (partition) => gone.has(partition) });
  await traffic.talk(TURNS - 6, { only: (partition) => !gone.has(partition) });
  const behind = [...traffic.stories].filter(([name, { replies }]) => gone.has(partitionFor(name)) && replies.length < TURNS);
  assert.ok(behind.length > 0, 'those of the server that is away wait');
  await master.lose();
  await waiting;
  await assertUnharmed(t, traffic);
});

test('slots move to another master in mid-traffic: nothing is lost on the way', { skip, timeout: 300_000 }, async (t) => {
  const { cluster, traffic, homes } = await scene(t);
  await traffic.talk(4);
  const from = busiest(homes);
  const to = cluster.masters.find((each) => each !== from) as OwnRedis;
  const partition = homes.get(from)?.[0] ?? 0;
  await Promise.all([traffic.talk(TURNS - 4), cluster.moveSlot(`{s${partition}}`, to)]);
  await assertUnharmed(t, traffic);
});
