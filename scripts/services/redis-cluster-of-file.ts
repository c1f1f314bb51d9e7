/** For tests: one Redis Cluster for all tests of a file, and what they need of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { silentLogger } from '../../platform/observability/logger.js';
import { systemRandom } from '../../platform/random.js';
import { connectRedis, type RedisConnection, type RedisOptions } from '../../platform/redis/redis.js';
import { skipWithout } from '../../platform/testing.js';
import { ownRedisCluster, type OwnRedisCluster, type OwnRedisClusterOptions } from './redis-own.js';

interface TestContext { after(run: () => Promise<void>): void }

export interface ClusterScene {
  readonly redis: RedisConnection;
  /** Of this test alone. */
  readonly prefix: string;
  /** All keys with the prefix, of all masters. */
  readonly keys: () => Promise<string[]>;
  /** Removes them. */
  readonly flush: () => Promise<void>;
}

export interface ClusterOfFile {
  /** For `test(name, { skip })`. */
  readonly skip: string | false;
  readonly cluster: () => OwnRedisCluster;
  /** Connections and keys are gone after the test. */
  readonly open: (t: TestContext, options?: Partial<RedisOptions>) => Promise<ClusterScene>;
}

/** Call at the top of a test file: starts the cluster before its first test and ends it after the last. */
export function clusterOfFile(options: OwnRedisClusterOptions = {}): ClusterOfFile {
  const skip = skipWithout('redis');
  let own: OwnRedisCluster | undefined;
  const cluster = (): OwnRedisCluster => { if (own === undefined) throw new Error('the cluster is not there'); return own; };
  if (skip === false) {
    const folder = mkdtempSync(join(tmpdir(), 'confab-test-'));
    before(async () => { own = await ownRedisCluster(folder, options); }, { timeout: 120_000 });
    after(async () => {
      await own?.close();
      rmSync(folder, { recursive: true, force: true });
    });
  }
  return {
    skip, cluster,
    async open(t, more = {}) {
      const redis = await connectRedis({ urls: cluster().urls, mode: 'cluster', ...more }, { logger: silentLogger, random: systemRandom });
      const prefix = `test-${systemRandom.bytes(6).toString('hex')}:`;
      const keys = async (): Promise<string[]> => ('nodes' in redis.client ? (await Promise.all(redis.client.nodes('master').map((node) => node.keys(`${prefix}*`)))).flat() : []);
      const flush = async (): Promise<void> => { for (const key of await keys()) await redis.client.unlink(key); };
      t.after(async () => { await flush().catch(() => undefined); await redis.close(); });
      return { redis, prefix, keys, flush };
    },
  };
}
