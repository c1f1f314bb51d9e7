import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { OwnRedis } from '../../scripts/services/redis-own.js';
import { isCode } from '../errors.js';
import { silentLogger } from '../observability/logger.js';
import { seededRandom, systemRandom } from '../random.js';
import { connectRedis, type RedisConnection } from '../redis/redis.js';
import { eventually, scratchFolder, serviceAddress, skipWithout } from '../testing.js';
import { ENTRY_MILLIS } from './node-board.js';
import { nodeBoardContract } from './node-board.contract.js';
import { RedisNodeBoard } from './redis.js';

const skip = skipWithout('redis');
const NOW = 1_800_000_000_000;

async function connected(t: TestContext, url = serviceAddress('redis') ?? ''): Promise<RedisConnection> {
  const redis = await connectRedis({ urls: [url] }, { logger: silentLogger, random: seededRandom(1) });
  t.after(() => redis.close());
  return redis;
}

async function open(t: TestContext): Promise<{ redis: RedisConnection; board: RedisNodeBoard; prefix: string }> {
  const [redis, prefix] = [await connected(t), `test-${systemRandom.bytes(6).toString('hex')}:`];
  return { redis, prefix, board: new RedisNodeBoard(redis, { prefix }) };
}

nodeBoardContract('redis', async (t) => {
  const { redis, board, prefix } = await open(t);
  // The prefix of the other installation begins with that of the first.
  return { board, other: new RedisNodeBoard(await connected(t), { prefix }), elsewhere: new RedisNodeBoard(redis, { prefix: `${prefix}b.` }) };
}, { skip });

test('redis node board: values that are no entries are none, and are removed', { skip }, async (t) => {
  const { redis, board, prefix } = await open(t);
  await board.post({ node: 'a', at: NOW, status: {} });
  const garbage = ['', 'nonsense', 'null', '[]', '7', '{}', '{"node":"x"}', `{"node":7,"at":${NOW},"status":{}}`, '{"node":"x","at":"soon","status":{}}', `{"node":"x","at":${NOW}}`, `{"node":"x","at":1e999,"status":{}}`, '{"node":'];
  await redis.client.hset(`${prefix}nodes`, Object.fromEntries(garbage.map((text, n) => [`g${n}`, text])));
  assert.deepEqual((await board.list(NOW)).map(({ node }) => node), ['a']);
  assert.deepEqual(await redis.client.hkeys(`${prefix}nodes`), ['a']);
});

test('redis node board: what crashed processes left goes when the next one begins, and all of it when none is left', { skip }, async (t) => {
  const { redis, board, prefix } = await open(t);
  for (let n = 0; n < 5; n += 1) await new RedisNodeBoard(redis, { prefix }).post({ node: `crashed-${n}`, at: NOW, status: {} });
  await board.post({ node: 'next', at: NOW + 10 * ENTRY_MILLIS, status: {} });
  assert.deepEqual(await redis.client.hkeys(`${prefix}nodes`), ['next']);
  const left = await redis.client.pttl(`${prefix}nodes`);
  assert.ok(left > 0 && left <= 6 * ENTRY_MILLIS, String(left));
});

test('redis node board: a key of another kind is a coded error', { skip }, async (t) => {
  const { redis, board, prefix } = await open(t);
  await redis.client.set(`${prefix}nodes`, 'mine', 'EX', 60);
  const refused = (error: unknown): boolean => isCode(error, 'CONFAB_STATE_UNAVAILABLE');
  await assert.rejects(board.post({ node: 'a', at: NOW, status: {} }), refused);
  await assert.rejects(board.list(NOW), refused);
});

test('redis node board: while Redis is away it is a coded error; one that lost everything is whole after the next post', { skip, timeout: 180_000 }, async (t) => {
  const server = await OwnRedis.start(join(scratchFolder(t), 'redis'));
  t.after(() => server.kill());
  const board = new RedisNodeBoard(await connected(t, server.url), { prefix: 'a.' });
  await board.post({ node: 'a', at: NOW, status: {} });
  await board.post({ node: 'b', at: NOW, status: {} });
  await server.kill();
  const away = (error: unknown): boolean => isCode(error, 'CONFAB_STATE_UNAVAILABLE');
  await assert.rejects(board.post({ node: 'a', at: NOW, status: {} }), away);
  await assert.rejects(board.list(NOW), away);
  await assert.rejects(board.remove('a'), away);
  await server.start();
  await eventually('a heartbeat gets through again', () => board.post({ node: 'a', at: NOW + 1000, status: {} }).then(() => true, () => false), 60_000);
  assert.deepEqual((await board.list(NOW + 1000)).map(({ node }) => node), ['a'], 'who has not come back is not there');
});
