/** The program as processes of its own on Kafka and on a Redis Cluster that is hurt while sockets follow: nothing is lost, nothing repeated. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { Followers } from './composition/following/testing.js';
import { assertAuditSound, clusterSettings, install, installationSettings, PATIENCE } from './composition/installation/testing.js';
import { eventually, scratchFolder, serviceAddress, skipWithout } from './platform/testing.js';
import { ownRedisCluster, type OwnRedis } from './scripts/services/redis-own.js';

const skip = skipWithout('kafka', 'redis');
const role = async (server: OwnRedis): Promise<string> => /role:(\w+)/.exec(await server.ask('INFO replication', 1_000).catch(() => ''))?.[1] ?? '';

test('a master of the cluster dies with what its replica lacks, slots move, everything is flushed, in mid-traffic: each outcome once, in order', { skip, timeout: 420_000 }, async (t) => {
  const cluster = await ownRedisCluster(join(scratchFolder(t), 'redis'));
  t.after(() => cluster.close());
  const env = installationSettings(t, clusterSettings(cluster.nodes));
  const { back, egress } = await install(t, env);
  const followers = await Followers.start(t, { ingress: () => back.url, egress: () => egress.map(({ url }) => url) }, { count: 40, writers: 6 });
  await followers.flow(60);

  const master = await cluster.homeOf('{s1}');
  const replica = cluster.replicaOf(master);
  // It stands still and is cut off while the master goes on: what is acknowledged now is lost with the master.
  replica.signal('SIGSTOP');
  await master.ask('CLIENT KILL TYPE replica');
  await followers.flow(20);
  await master.kill();
  replica.signal('SIGCONT');
  await eventually('the replica has taken over', async () => await role(replica) === 'master', PATIENCE);
  await followers.flow(100, PATIENCE);

  const others = cluster.masters.filter((each) => each !== master);
  for (const partition of [0, 4]) {
    const from = await cluster.homeOf(`{s${partition}}`);
    await cluster.moveSlot(`{s${partition}}`, [replica, ...others].find((each) => each !== from) as OwnRedis, () => followers.flow(10, PATIENCE));
  }
  await followers.flow(60, PATIENCE);

  for (const server of cluster.nodes) if (await role(server) === 'master') assert.match(await server.ask('FLUSHALL'), /^\+OK/);
  for (const follower of followers.all.slice(0, 20)) follower.cut();
  await followers.flow(100, PATIENCE);

  assert.deepEqual(await followers.settle(PATIENCE), []);
  for (const program of [back, ...egress]) assert.doesNotMatch(program.output, /CROSSSLOT/);
  await assertAuditSound(env, followers.accepted);
});

test('nodes of egress are restarted one after another under load, and one is killed: each outcome once, in order, on another node soon', { skip, timeout: 420_000 }, async (t) => {
  const env = installationSettings(t, { CONFAB_REDIS_URL: serviceAddress('redis') ?? '' });
  const { back, egress, startEgress } = await install(t, env);
  const alive = new Set([0, 1]);
  const followers = await Followers.start(t, { ingress: () => back.url, egress: () => [...alive].map((place) => egress[place]?.url ?? '') }, { count: 200, writers: 6 });
  await followers.flow(200);

  for (const place of [0, 1]) {
    const ending = egress[place]?.kill('SIGTERM');
    // As a load balancer does it.
    alive.delete(place);
    assert.equal((await ending)?.code, 0, egress[place]?.output);
    await followers.everyoneFollows(PATIENCE);
    await startEgress(place);
    alive.add(place);
    await followers.flow(60, PATIENCE);
  }
  assert.ok(followers.all.every(({ losses }) => losses > 0), 'every socket was closed at least once');

  for (const { resumed } of followers.all) resumed.length = 0;
  for (const follower of followers.all.slice(0, 60)) follower.cut();
  await followers.everyoneFollows(PATIENCE);
  await followers.flow(60, PATIENCE);
  for (const { resumed } of followers.all) resumed.length = 0;
  const killed = egress[0]?.kill('SIGKILL');
  alive.delete(0);
  await killed;
  await followers.everyoneFollows(PATIENCE);
  const slowest = Math.max(...followers.all.flatMap(({ resumed }) => resumed));
  t.diagnostic(`after kill -9 the slowest of ${followers.all.filter(({ resumed }) => resumed.length > 0).length} sockets was back after ${Math.round(slowest)} ms`);
  await followers.flow(100, PATIENCE);

  assert.deepEqual(await followers.settle(PATIENCE), []);
  await assertAuditSound(env, followers.accepted);
});
