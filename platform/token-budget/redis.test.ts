import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '../clock-manual.js';
import { silentLogger } from '../observability/logger.js';
import { seededRandom, systemRandom } from '../random.js';
import { connectRedis, type RedisConnection } from '../redis/redis.js';
import { eventually, serviceAddress, skipWithout } from '../testing.js';
import { MemoryTokenBudget } from './memory.js';
import { RedisTokenBudget } from './redis.js';
import { tokenBudgetContract } from './token-budget.contract.js';

const skip = skipWithout('redis');

async function open(t: TestContext): Promise<{ redis: RedisConnection; budget: RedisTokenBudget; prefix: string }> {
  const redis = await connectRedis({ urls: [serviceAddress('redis') ?? ''] }, { logger: silentLogger, random: seededRandom(1) });
  t.after(() => redis.close());
  const prefix = `test-${systemRandom.bytes(6).toString('hex')}:`;
  return { redis, prefix, budget: new RedisTokenBudget(redis, { prefix, logger: silentLogger, meanwhile: new MemoryTokenBudget(new ManualClock()) }) };
}

tokenBudgetContract('redis', async (t) => {
  const { redis, budget, prefix } = await open(t);
  const gone = async (): Promise<boolean> => (await redis.client.exists(`${prefix}tokens:300:short`)) === 0;
  return { budget, pass: () => eventually('the window has ended', gone) };
}, { skip });

test('redis token budget: the window has an end from its first token on', { skip }, async (t) => {
  const { redis, budget, prefix } = await open(t);
  const allowance = { name: 'a', limit: 10, perMillis: 60_000 };
  await budget.correct(allowance, 5);
  assert.ok(await redis.client.pttl(`${prefix}tokens:60000:a`) > 0);
  await budget.take(allowance, 5);
  assert.ok(await redis.client.pttl(`${prefix}tokens:60000:a`) > 0);
});

test('redis token budget: while Redis is away the process counts for itself', { skip }, async (t) => {
  const { redis, budget } = await open(t);
  await redis.close();
  const allowance = { name: 'a', limit: 10, perMillis: 60_000 };
  assert.deepEqual([await budget.take(allowance, 10), await budget.take(allowance, 1)], [true, false]);
});
