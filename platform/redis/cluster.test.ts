/** What the platform keeps in Redis, on a cluster of three masters: the contracts, and keys in the slots where they belong. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOfFile } from '../../scripts/services/redis-cluster-of-file.js';
import { ManualClock } from '../clock-manual.js';
import { liveBusContract } from '../live-bus/live-bus.contract.js';
import { RedisLiveBus } from '../live-bus/redis.js';
import { hearOnRedis } from '../live-bus/testing.js';
import { nodeBoardContract } from '../node-board/node-board.contract.js';
import { RedisNodeBoard } from '../node-board/redis.js';
import { silentLogger } from '../observability/logger.js';
import { RedisStateStore } from '../state/redis.js';
import { stateStoreContract } from '../state/state-store.contract.js';
import { eventually } from '../testing.js';
import { MemoryTokenBudget } from '../token-budget/memory.js';
import { RedisTokenBudget } from '../token-budget/redis.js';
import { tokenBudgetContract } from '../token-budget/token-budget.contract.js';

const PARTITIONS = 24;
const { skip, open } = clusterOfFile({ replicas: false });

stateStoreContract('redis cluster', async (t) => {
  const { redis, prefix, keys, flush } = await open(t);
  return {
    store: new RedisStateStore(redis, { prefix }), flush,
    snapshot: async () => {
      const dumps = await Promise.all((await keys()).map(async (key) => [key, await redis.client.dumpBuffer(key)] as const));
      return async () => { await flush(); for (const [key, dump] of dumps) await redis.client.restore(key, 0, dump); };
    },
  };
}, { skip });

liveBusContract('redis cluster', async (t) => {
  const { redis, prefix } = await open(t);
  return {
    bus: new RedisLiveBus(redis, { prefix, partitions: PARTITIONS }),
    hear: (key) => hearOnRedis(redis, { prefix, partitions: PARTITIONS }, key),
  };
}, { skip });

tokenBudgetContract('redis cluster', async (t) => {
  const { redis, prefix } = await open(t);
  const gone = async (): Promise<boolean> => (await redis.client.exists(`${prefix}tokens:300:short`)) === 0;
  return { budget: new RedisTokenBudget(redis, { prefix, logger: silentLogger, meanwhile: new MemoryTokenBudget(new ManualClock()) }), pass: () => eventually('the window has ended', gone) };
}, { skip });

nodeBoardContract('redis cluster', async (t) => {
  const { redis, prefix } = await open(t);
  const { redis: second } = await open(t);
  return { board: new RedisNodeBoard(redis, { prefix }), other: new RedisNodeBoard(second, { prefix }), elsewhere: new RedisNodeBoard(redis, { prefix: `${prefix}b.` }) };
}, { skip });

test('redis cluster: time and policy are those of its servers', { skip }, async (t) => {
  const { redis } = await open(t);
  assert.equal(redis.clustered, true);
  await redis.check();
  assert.ok(await redis.time() > Date.UTC(2024, 0, 1));
});
