import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../platform/observability/logger.js';
import { seededRandom, systemRandom } from '../../platform/random.js';
import { connectRedis } from '../../platform/redis/redis.js';
import { eventually, serviceAddress, skipWithout } from '../../platform/testing.js';
import type { Announcement } from './fanout.js';
import { fanoutContract } from './fanout.contract.js';
import { RedisLiveBus } from '../../platform/live-bus/redis.js';
import { partitionOf } from '../../platform/partitioner.js';
import { RedisFanout } from './redis.js';

const skip = skipWithout('redis');

async function open(t: { after(run: () => Promise<void>): void }) {
  const redis = await connectRedis({ urls: [serviceAddress('redis') ?? ''], name: `test-${systemRandom.bytes(6).toString('hex')}` }, { logger: silentLogger, random: seededRandom(1) });
  t.after(() => redis.close());
  return { redis, prefix: `test-${systemRandom.bytes(6).toString('hex')}:` };
}

fanoutContract('redis', async (t) => {
  const { redis, prefix } = await open(t);
  return () => new RedisFanout(redis, { prefix });
}, { skip });

test('redis fan-out: a lost connection is told, and its subscriptions come back', { skip }, async (t) => {
  const { redis, prefix } = await open(t);
  const fanout = new RedisFanout(redis, { prefix });
  let lapses = 0;
  const got: string[] = [];
  fanout.listen({ announced: (list) => { got.push(...list.map(({ frame }) => frame)); }, lapsed: () => { lapses += 1; } });
  await fanout.subscribe(0, 't/a');
  const name = String(await redis.client.client('GETNAME'));
  const own = String(await redis.client.client('ID'));
  const listed = String(await redis.client.client('LIST')).split('\n').filter((line) => line.includes(`name=${name} `));
  const other = listed.map((line) => /^id=(\d+)/.exec(line)?.[1] ?? '').find((id) => id !== own) ?? '';
  await redis.client.client('KILL', 'ID', other);
  await eventually('the lapse was told', () => lapses === 1);
  await eventually('announcements arrive again', async () => {
    await fanout.announce(0, [{ key: 't/a', position: 'p', prev: null, late: false, timestamp: 0, frame: 'again' }]);
    return got.includes('again');
  });
  assert.equal(lapses, 1);
});

test('redis fan-out: frames of the live bus arrive on the same channel, without a place and with what they are before', { skip }, async (t) => {
  const { redis, prefix } = await open(t);
  const fanout = new RedisFanout(redis, { prefix });
  const got: Announcement[] = [];
  fanout.listen({ announced: (list) => { got.push(...list); }, lapsed: () => { /* none */ } });
  await fanout.subscribe(partitionOf('default/a', 24), 'default/a');
  const bus = new RedisLiveBus(redis, { prefix, partitions: 24 });
  bus.publish({ key: 'default/a', before: 'e-7-00', index: null, frame: '{"type":"typing"}' });
  bus.publish({ key: 'default/b', before: 'e-7-00', index: 0, frame: '{}' });
  bus.publish({ key: 'default/a', before: 'e-7-00', index: 3, frame: '{"type":"delta","text":"ü\\n"}' });
  await eventually('both arrived', () => got.length === 2);
  assert.deepEqual(got.map(({ key, position, prev, late, frame }) => [key, position, prev, late, frame]), [
    ['default/a', '', '@e-7-00', false, '{"type":"typing"}'], ['default/a', '', '@e-7-00#3', false, '{"type":"delta","text":"ü\\n"}'],
  ]);
  await fanout.close();
});
