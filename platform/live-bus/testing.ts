/** For tests: hears the frames of a conversation on Redis as a node with its sockets does. */
import assert from 'node:assert/strict';
import { partitionOf } from '../partitioner.js';
import type { RedisConnection } from '../redis/redis.js';
import type { LiveFrame } from './live-bus.js';
import { liveChannel, parseOrigin } from './live-channel.js';

/** Resolves when all frames from now on are going to be in the list. */
export async function hearOnRedis(redis: RedisConnection, at: { readonly prefix: string; readonly partitions: number }, key: string): Promise<LiveFrame[]> {
  const heard: LiveFrame[] = [];
  const channel = liveChannel(at.prefix, partitionOf(key, at.partitions), key);
  const subscriber = redis.subscriber({ wanted: () => [[channel]], lapsed: () => { /* the test looks at what arrives */ } });
  subscriber.on('smessage', (_channel: string, message: string) => {
    const line = message.indexOf('\n');
    const origin = parseOrigin(message.slice(message.indexOf('@'), line));
    assert.ok(origin);
    heard.push({ key, ...origin, frame: message.slice(line + 1) });
  });
  await subscriber.ssubscribe(channel);
  return heard;
}
