import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../platform/observability/logger.js';
import { seededRandom, systemRandom } from '../../platform/random.js';
import { connectRedis } from '../../platform/redis/redis.js';
import { serviceAddress, skipWithout } from '../../platform/testing.js';
import { EPOCH, outboxContract } from './outbox.contract.js';
import type { OutboxLimits } from './outbox.js';
import { RedisOutbox } from './redis.js';

const skip = skipWithout('redis');

async function open(t: { after(run: () => Promise<void>): void }, limits: OutboxLimits = {}) {
  const redis = await connectRedis({ urls: [serviceAddress('redis') ?? ''] }, { logger: silentLogger, random: seededRandom(1) });
  const prefix = `test-${systemRandom.bytes(6).toString('hex')}:`;
  const flush = async (): Promise<void> => {
    const keys = await redis.client.keys(`${prefix}*`);
    if (keys.length > 0) await redis.client.unlink(...keys);
  };
  t.after(async () => { await flush(); await redis.close(); });
  return { outbox: new RedisOutbox(redis, { prefix, epoch: EPOCH, ...limits }), flush, redis, prefix };
}

outboxContract('redis', open, { skip });

test('redis outbox: everything of it expires', { skip }, async (t) => {
  const { outbox, redis, prefix } = await open(t);
  await outbox.append(5, [{ key: 't/a', position: `${EPOCH}-000000000001-01`, prev: null, frame: '{}', timestamp: 0 }], async () => `${EPOCH}-000000000000-00`);
  const keys = await redis.client.keys(`${prefix}*`);
  assert.equal(keys.length, 3);
  for (const key of keys) assert.ok(await redis.client.pttl(key) > 3_000_000);
});
