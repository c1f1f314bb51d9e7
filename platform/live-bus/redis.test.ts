import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../observability/logger.js';
import { partitionOf } from '../partitioner.js';
import { seededRandom, systemRandom } from '../random.js';
import { connectRedis } from '../redis/redis.js';
import { serviceAddress, skipWithout } from '../testing.js';
import type { LiveFrame } from './live-bus.js';
import { liveBusContract } from './live-bus.contract.js';
import { liveChannel, parseOrigin } from './live-channel.js';
import { RedisLiveBus } from './redis.js';

const skip = skipWithout('redis');
const PARTITIONS = 24;

liveBusContract('redis', async (t) => {
  const redis = await connectRedis({ urls: [serviceAddress('redis') ?? ''] }, { logger: silentLogger, random: seededRandom(1) });
  t.after(() => redis.close());
  const prefix = `test-${systemRandom.bytes(6).toString('hex')}:`;
  return {
    bus: new RedisLiveBus(redis, { prefix, partitions: PARTITIONS }),
    async hear(key) {
      const heard: LiveFrame[] = [];
      const channel = liveChannel(prefix, partitionOf(key, PARTITIONS), key);
      const subscriber = redis.subscriber({ wanted: () => [[channel]], lapsed: () => { /* the test looks at what arrives */ } });
      subscriber.on('smessage', (_channel: string, message: string) => {
        const line = message.indexOf('\n');
        const origin = parseOrigin(message.slice(message.indexOf('@'), line));
        assert.ok(origin);
        heard.push({ key, ...origin, frame: message.slice(line + 1) });
      });
      await subscriber.ssubscribe(channel);
      return heard;
    },
  };
}, { skip });

test('redis live bus: a Redis that is away costs nothing but frames', { skip }, async () => {
  const redis = await connectRedis({ urls: [serviceAddress('redis') ?? ''] }, { logger: silentLogger, random: seededRandom(1) });
  const bus = new RedisLiveBus(redis, { partitions: 1 });
  await redis.close();
  for (let index = 0; index < 5000; index += 1) bus.publish({ key: 'default/a', before: 'p', index, frame: '{}' });
  await bus.close();
});
