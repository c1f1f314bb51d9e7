/** The contract on a cluster: three masters with replicas, of this test's own. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { ownRedisCluster, type OwnRedisCluster } from '../../scripts/services/redis-own.js';
import { silentLogger } from '../observability/logger.js';
import { systemRandom } from '../random.js';
import { connectRedis, type RedisConnection } from '../redis.js';
import { skipWithout } from '../testing.js';
import { RedisStateStore } from './redis.js';
import { stateStoreContract } from './state-store.contract.js';

const skip = skipWithout('redis');
let folder = '';
let cluster: OwnRedisCluster | undefined;
let redis: RedisConnection | undefined;

if (skip === false) {
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'confab-test-'));
    cluster = await ownRedisCluster(folder);
    redis = await connectRedis({ urls: cluster.urls, mode: 'cluster' }, { logger: silentLogger, random: systemRandom });
  }, { timeout: 120_000 });
  after(async () => {
    await redis?.close();
    await cluster?.close();
    rmSync(folder, { recursive: true, force: true });
  });
}

stateStoreContract('redis cluster', (t) => {
  const connection = redis as RedisConnection;
  const { client } = connection;
  const prefix = `test-${systemRandom.bytes(6).toString('hex')}:`;
  const keys = async (): Promise<string[]> => ('nodes' in client ? (await Promise.all(client.nodes('master').map((node) => node.keys(`${prefix}*`)))).flat() : []);
  const flush = async (): Promise<void> => { for (const key of await keys()) await client.unlink(key); };
  t.after(flush);
  return {
    store: new RedisStateStore(connection, { prefix }), flush,
    snapshot: async () => {
      const dumps = await Promise.all((await keys()).map(async (key) => [key, await client.dumpBuffer(key)] as const));
      return async () => { await flush(); for (const [key, dump] of dumps) await client.restore(key, 0, dump); };
    },
  };
}, { skip });
