/** The program as processes of its own on Kafka and on a Redis Cluster that is hurt while sockets follow: nothing is lost, nothing repeated. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Followers } from './composition/following/testing.js';
import { Program } from './composition/testing.js';
import { packageRoot } from './platform/package-root.js';
import { eventually, scratchFolder, serviceAddress, skipWithout } from './platform/testing.js';
import { ownRedisCluster, type OwnRedis } from './scripts/services/redis-own.js';

const skip = skipWithout('kafka', 'redis');
const PATIENCE = 180_000;

type Env = Record<string, string>;
const settings = (t: TestContext, redis: Env): Env => ({
  CONFAB_KAFKA_BROKERS: serviceAddress('kafka') ?? '', CONFAB_PREFIX: `t${randomBytes(4).toString('hex')}.`, CONFAB_PARTITIONS: '6', CONFAB_DATA_DIR: scratchFolder(t), ...redis,
});

/** Ingress and stages as one process, and nodes of egress that may be ended one by one. */
async function install(t: TestContext, env: Env): Promise<{ back: Program; egress: Program[]; startEgress: (place: number) => Promise<void> }> {
  const back = await Program.start(t, { env, args: ['start', '--role', 'ingress', '--role', 'intent', '--role', 'dialogue', '--role', 'analytics'] });
  await back.ready(PATIENCE);
  const egress: Program[] = [];
  const startEgress = async (place: number): Promise<void> => {
    const port: Env = egress[place] === undefined ? {} : { CONFAB_HTTP_PORT: new URL(egress[place].url).port };
    egress[place] = await Program.start(t, { env: { ...env, ...port, CONFAB_DRAIN_TIMEOUT: '3s' }, args: ['start', '--role', 'egress'] });
    await egress[place].ready(PATIENCE);
  };
  await Promise.all([startEgress(0), startEgress(1)]);
  return { back, egress, startEgress };
}

async function assertAuditSound(env: Env, accepted: number): Promise<void> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(packageRoot(), 'main.ts'), 'audit', '--json', '--patience', '60s'], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, CONFAB_LOG_LEVEL: 'silent', ...env }, stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (data: Buffer) => { out += data.toString(); });
  const [code] = await once(child, 'close') as [number];
  assert.equal(code, 0, out.slice(-3_000));
  const summary = JSON.parse(out.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
  assert.ok(JSON.stringify(summary).includes(String(accepted)), `${accepted} messages: ${out.slice(-1_000)}`);
}

const role = async (server: OwnRedis): Promise<string> => /role:(\w+)/.exec(await server.ask('INFO replication', 1_000).catch(() => ''))?.[1] ?? '';

test('a master of the cluster dies with what its replica lacks, slots move, everything is flushed, in mid-traffic: each outcome once, in order', { skip, timeout: 420_000 }, async (t) => {
  const cluster = await ownRedisCluster(join(scratchFolder(t), 'redis'));
  t.after(() => cluster.close());
  const env = settings(t, { CONFAB_REDIS_CLUSTER_NODES: cluster.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',') });
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
  const env = settings(t, { CONFAB_REDIS_URL: serviceAddress('redis') ?? '' });
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
