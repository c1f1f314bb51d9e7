/** The claim index on a cluster of Redis whose master dies with claims that its replica never heard of. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../../platform/clock.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { partitionOf } from '../../platform/partitioner.js';
import { systemRandom, ulidMaker } from '../../platform/random.js';
import { connectRedis } from '../../platform/redis/redis.js';
import { eventually, scratchFolder, skipWithout } from '../../platform/testing.js';
import { ownRedisCluster, type OwnRedis } from '../../scripts/services/redis-own.js';
import { memoryLog, readMessages } from '../testing.js';
import { RedisClaimIndex } from './claim-index/redis.js';
import { Node, type NodeOptions, type Result } from './testing.js';

const PATIENCE = 120_000;
const nextId = ulidMaker(systemClock, systemRandom);

// Node B once counted on from where the replica stood, and the claim of A that was lost with the master stayed unnoticed.
test('a fail-over loses a claim whose message is in the log, and another node asks first: the key is not taken again', { skip: skipWithout('redis'), timeout: 300_000 }, async (t) => {
  const cluster = await ownRedisCluster(join(scratchFolder(t), 'redis'));
  t.after(() => cluster.close());
  const redis = await connectRedis({ urls: cluster.urls, mode: 'cluster', commandTimeoutMillis: 500 }, { logger: silentLogger, random: systemRandom });
  t.after(() => redis.close());
  const log = await memoryLog(systemClock);
  const start = async (options: Partial<NodeOptions> = {}): Promise<Node> => {
    const node = await Node.start({ clock: systemClock, log, index: (epoch, keepMillis) => new RedisClaimIndex({ redis, prefix: 't.', epoch, keepMillis }), ...options });
    t.after(() => { void node.acceptor.close().catch(() => undefined); });
    return node;
  };
  const accepted = async (node: Node, text: string, key: string): Promise<Result> => {
    let result: Result = {};
    await eventually(`${key} is accepted`, async () => { result = await node.send(text, key); return result.accepted !== undefined; }, PATIENCE);
    return result;
  };
  const [a, b] = [await start(), await start()];
  // Both have counted in the generation that is about to be lost.
  await accepted(a, 'hello', nextId());
  await accepted(b, 'hello', nextId());
  const master = await homeOf(cluster.masters, partitionOf('default/c1', (await log.topic('messages.v1')).partitions));
  const replica = cluster.replicaOf(master);
  replica.signal('SIGSTOP');
  assert.match(await master.ask('CLIENT KILL TYPE replica'), /^:1/);
  const first = await accepted(a, 'once', 'k');
  assert.equal(first.accepted?.duplicate, false);
  await master.kill();
  replica.signal('SIGCONT');
  await eventually('the replica is the master now', async () => (await replica.ask('INFO replication')).includes('role:master'), PATIENCE);
  // Other keys first, so that the count passes the one that A has seen.
  for (let n = 0; n < 3; n += 1) await accepted(b, `other ${n}`, nextId());
  const again = await accepted(b, 'once', 'k');
  assert.deepEqual(again.accepted, { ...first.accepted, duplicate: true });
  assert.deepEqual((await accepted(a, 'once', 'k')).accepted, again.accepted);
  const written = (await readMessages(log, 'messages.v1')).filter(({ text }) => text === 'once');
  assert.equal(written.length, 1);
});

async function homeOf(masters: readonly OwnRedis[], partition: number): Promise<OwnRedis> {
  for (const master of masters) if ((await master.ask(`EXISTS t.confab:keys:{i${partition}}`)).startsWith(':1')) return master;
  throw new Error('no master has the index');
}
