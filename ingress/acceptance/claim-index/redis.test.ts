import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../platform/observability/logger.js';
import { systemRandom, ulidMaker } from '../../../platform/random.js';
import { systemClock } from '../../../platform/clock.js';
import { connectRedis, type RedisConnection } from '../../../platform/redis/redis.js';
import { isCode } from '../../../platform/errors.js';
import { serviceAddress, skipWithout } from '../../../platform/testing.js';
import { claimIndexContract } from './claim-index.contract.js';
import { RedisClaimIndex } from './redis.js';

const nextId = ulidMaker(systemClock, systemRandom);
const connect = (): Promise<RedisConnection> => connectRedis({ urls: [serviceAddress('redis') ?? ''] }, { logger: silentLogger, random: systemRandom });

/** Every test has keys of its own, so "flush" removes only these. */
async function harness(keepMillis = 60_000): Promise<{ redis: RedisConnection; prefix: string; open(): RedisClaimIndex; flush(): Promise<void>; close(): Promise<void> }> {
  const prefix = `t-${nextId()}.`;
  const redis = await connect();
  const flush = (): Promise<void> => redis.call('CONFAB_STATE_UNAVAILABLE', async (client) => {
    const keys = await client.keys(`${prefix}*`);
    if (keys.length > 0) await client.del(...keys);
  });
  return {
    redis, prefix, flush,
    open: () => new RedisClaimIndex({ redis, prefix, epoch: '0a1b2c3d', keepMillis }),
    close: async () => { await flush(); await redis.close(); },
  };
}

const skip = skipWithout('redis');
claimIndexContract('redis', () => harness(), { skip });

test('redis: an index that was set back to an older copy is lost', { skip }, async (t) => {
  const store = await harness();
  t.after(() => store.close());
  const index = store.open();
  await index.beginRebuild(0, 'o1');
  await index.finishRebuild(0, 'o1');
  const claim = (keyHash: string): ReturnType<typeof index.claim> => index.claim(0, [{ keyHash, messageId: 'm', bodyHash: 'b', logEnd: 0 }]);
  await claim('a');
  const [key = ''] = await store.redis.client.keys('*{i0}');
  const mine = (await store.redis.client.keys('*{i0}')).find((name) => name.startsWith('t-')) ?? key;
  const copy = await store.redis.client.hgetall(mine);
  await claim('b');
  await store.redis.client.hset(mine, copy);
  assert.equal(await claim('b'), undefined);
});

test('redis: another server than the one it was opened on may lack claims: the index is lost, and so is a turn to rebuild it', { skip }, async (t) => {
  const store = await harness();
  t.after(() => store.close());
  const index = store.open();
  await index.beginRebuild(0, 'o1');
  await index.finishRebuild(0, 'o1');
  assert.deepEqual((await index.claim(0, [{ keyHash: 'a', messageId: 'm', bodyHash: 'b', logEnd: 0 }]))?.known, [undefined]);
  const [mark = ''] = (await store.redis.client.keys('t-*{i0}')).filter((name) => name.startsWith(store.prefix));
  // As a replica has it that was promoted: the same data, opened on another server.
  await store.redis.client.hset(mark, 'server', 'f'.repeat(40));
  assert.equal(await store.open().read(0, ['a']), undefined);
  assert.equal(await index.claim(0, [{ keyHash: 'b', messageId: 'm', bodyHash: 'b', logEnd: 0 }]), undefined);
  assert.equal((await index.beginRebuild(0, 'o1')).state, 'mine');
  await store.redis.client.hset(`${mark}:turn`, 'server', 'f'.repeat(40));
  assert.equal(await index.fill(0, 'o1', []), false);
  assert.equal(await index.finishRebuild(0, 'o1'), false);
  assert.equal((await index.beginRebuild(0, 'o2')).state, 'mine', 'nobody holds the turn on this server');
});

test('redis: a server that is gone is a coded error, soon', { skip }, async () => {
  const redis = await connect();
  const index = new RedisClaimIndex({ redis, prefix: 't-gone.', epoch: '0a1b2c3d', keepMillis: 1000 });
  await redis.close();
  await assert.rejects(index.claim(0, [{ keyHash: 'a', messageId: 'm', bodyHash: 'b', logEnd: 0 }]), (error) => isCode(error, 'CONFAB_INDEX_REBUILDING'));
});
