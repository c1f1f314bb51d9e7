import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../platform/observability/logger.js';
import { seededRandom, systemRandom } from '../../platform/random.js';
import { connectRedis } from '../../platform/redis/redis.js';
import { eventually, serviceAddress, skipWithout } from '../../platform/testing.js';
import { EPOCH, outboxContract } from './outbox.contract.js';
import type { Outcome } from '../outcomes/outcome.js';
import type { OutboxLimits } from './outbox.js';
import { RedisOutbox } from './redis.js';

const skip = skipWithout('redis');

async function open(t: { after(run: () => Promise<void>): void }, limits: OutboxLimits & { knownMillis?: number } = {}) {
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

const at = (offset: number, index = 1): string => `${EPOCH}-${String(offset).padStart(12, '0')}-0${index}`;
const outcome = (key: string, offset: number, prev: string | null | undefined): Outcome => ({ key, position: at(offset), prev, frame: '{}', timestamp: 0 });

test('redis outbox: a conversation of which nothing is known any more does not look new', { skip }, async (t) => {
  const { outbox, redis, prefix } = await open(t, { knownMillis: 200 });
  await outbox.append(5, [outcome('t/a', 2, undefined)], async () => at(0, 0));
  assert.equal((await outbox.read(5, 't/a', at(1, 0))).complete, true);
  await eventually('the newest position expires', async () => await redis.client.exists(`${prefix}{s5}:out:${EPOCH}:t/a`) === 0, 60_000);
  await outbox.append(5, [outcome('t/a', 4, null)], async () => at(3, 0));
  assert.equal((await outbox.read(5, 't/a', at(1, 0))).complete, false);
});

// The end that one node was told was older than what another node appended, and lost with all the rest, while the first one stood still.
test('redis outbox: an end that was asked for long ago does not count', { skip }, async (t) => {
  const { outbox, redis } = await open(t);
  let asked = 0;
  const stale = async (): Promise<string> => {
    asked += 1;
    return at(asked, 0);
  };
  const clients = redis.client as unknown as { confabOutboxAppend(...args: unknown[]): Promise<string[]> };
  const append = clients.confabOutboxAppend.bind(clients);
  // The first answer comes as if it had been asked for six seconds before.
  clients.confabOutboxAppend = (keys: unknown, ...args: unknown[]) => {
    const when = Number(keys) + 4;
    if (asked === 1) args[when] = String(Number(args[when]) - 6_000);
    return append(keys, ...args);
  };
  await outbox.append(5, [outcome('t/a', 4, null)], stale);
  assert.equal(asked, 2);
  assert.deepEqual([(await outbox.read(5, 't/a', at(1, 0))).complete, (await outbox.read(5, 't/a', at(2, 0))).complete], [false, true]);
});

test('redis outbox: a batch of several scripts is taken in order when everything is lost before it', { skip }, async (t) => {
  const { outbox } = await open(t);
  const many = Array.from({ length: 250 }, (_, i) => outcome(`t/${i % 5}`, i, i < 5 ? null : at(i - 5)));
  let asked = 0;
  const placed = await outbox.append(5, many, async () => { asked += 1; return at(0, 0); });
  assert.deepEqual(placed, many.map(({ prev }) => ({ prev, late: false })));
  assert.equal(asked, 1);
});
