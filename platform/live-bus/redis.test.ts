import { test } from 'node:test';
import { silentLogger } from '../observability/logger.js';
import { seededRandom, systemRandom } from '../random.js';
import { connectRedis } from '../redis/redis.js';
import { serviceAddress, skipWithout } from '../testing.js';
import { liveBusContract } from './live-bus.contract.js';
import { RedisLiveBus } from './redis.js';
import { hearOnRedis } from './testing.js';

const skip = skipWithout('redis');
const PARTITIONS = 24;

liveBusContract('redis', async (t) => {
  const redis = await connectRedis({ urls: [serviceAddress('redis') ?? ''] }, { logger: silentLogger, random: seededRandom(1) });
  t.after(() => redis.close());
  const prefix = `test-${systemRandom.bytes(6).toString('hex')}:`;
  return {
    bus: new RedisLiveBus(redis, { prefix, partitions: PARTITIONS }),
    hear: (key) => hearOnRedis(redis, { prefix, partitions: PARTITIONS }, key),
  };
}, { skip });

test('redis live bus: a Redis that is away costs nothing but frames', { skip }, async () => {
  const redis = await connectRedis({ urls: [serviceAddress('redis') ?? ''] }, { logger: silentLogger, random: seededRandom(1) });
  const bus = new RedisLiveBus(redis, { partitions: 1 });
  await redis.close();
  for (let index = 0; index < 5000; index += 1) bus.publish({ key: 'default/a', before: 'p', index, frame: '{}' });
  await bus.close();
});
