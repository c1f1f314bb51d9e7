/** Acceptance exactly once with the claim index on a real Redis, in real time. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { systemClock } from '../../platform/clock.js';
import { isCode } from '../../platform/errors.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { systemRandom, ulidMaker } from '../../platform/random.js';
import { connectRedis, type RedisConnection } from '../../platform/redis/redis.js';
import { eventually, serviceAddress, skipWithout } from '../../platform/testing.js';
import { memoryLog, readMessages } from '../testing.js';
import { RedisClaimIndex } from './claim-index/redis.js';
import { Node, type NodeOptions, type Result } from './testing.js';

const nextId = ulidMaker(systemClock, systemRandom);
/** Longer than the 15 s after which a claim is past doubt. */
const PATIENCE = 40_000;

interface Bench { readonly node: (options?: Partial<NodeOptions>) => Promise<Node>; readonly flush: () => Promise<void>; readonly written: () => Promise<string[]> }

async function bench(t: { after(run: () => Promise<void>): void }): Promise<Bench> {
  const prefix = `t-${nextId()}.`;
  const redis: RedisConnection = await connectRedis({ urls: [serviceAddress('redis') ?? ''] }, { logger: silentLogger, random: systemRandom });
  const log = await memoryLog(systemClock);
  const nodes: Node[] = [];
  const flush = (): Promise<void> => redis.call('CONFAB_STATE_UNAVAILABLE', async (client) => {
    const keys = await client.keys(`${prefix}*`);
    if (keys.length > 0) await client.del(...keys);
  });
  t.after(async () => {
    for (const node of nodes) void node.acceptor.close().catch(() => undefined);
    await flush();
    await redis.close();
  });
  return {
    flush,
    node: async (options = {}) => {
      const node = await Node.start({ clock: systemClock, log, index: (epoch, keepMillis) => new RedisClaimIndex({ redis, prefix, epoch, keepMillis }), ...options });
      nodes.push(node);
      // The first message finds an index that is there: a log without messages has nothing to wait for.
      if (options.diesAt === undefined) await eventually('the index is whole', async () => (await node.send('ready?', nextId(), 'other')).code === undefined);
      return node;
    },
    written: async () => (await readMessages(log, 'messages.v1')).filter(({ key }) => key === 'default/c1').map(({ messageId }) => messageId),
  };
}

/** Repeats the request, as a client does, until it is accepted. */
async function untilAccepted(node: Node, text: string, key: string): Promise<Result> {
  let result: Result = {};
  await eventually(`${key} is accepted`, async () => { result = await node.send(text, key); return result.accepted !== undefined; }, PATIENCE);
  return result;
}

describe('acceptance on Redis', { skip: skipWithout('redis'), concurrency: true }, () => {
  test('the same keys at two nodes at once: one record and one messageId each', async (t) => {
    const { node, written } = await bench(t);
    const [one, two] = [await node(), await node()];
    const results = await Promise.all(Array.from({ length: 200 }, async (_, n) => ({ key: `k${n % 100}`, result: await (n < 100 ? one : two).send(`${n % 100}`, `k${n % 100}`) })));
    const ids = new Map<string, Set<string>>();
    for (const { key, result } of results) ids.set(key, (ids.get(key) ?? new Set()).add(result.accepted?.messageId ?? result.code ?? ''));
    assert.ok([...ids.values()].every((set) => set.size === 1));
    assert.equal(results.filter(({ result }) => result.accepted?.duplicate === false).length, 100);
    assert.equal((await written()).length, 100);
  });

  test('nodes that die after the claim and after the append: the log settles both', async (t) => {
    const { node, written } = await bench(t);
    const living = await node();
    const [claimed, appended] = [await node({ diesAt: 'after claim' }), await node({ diesAt: 'after append' })];
    void claimed.send('a', 'k1');
    void appended.send('b', 'k2');
    await eventually('both claims stand', async () => (await living.send('a', 'k1')).code === 'CONFAB_OUTCOME_UNKNOWN' && (await living.send('b', 'k2')).code === 'CONFAB_OUTCOME_UNKNOWN');
    const [first, second] = await Promise.all([untilAccepted(living, 'a', 'k1'), untilAccepted(living, 'b', 'k2')]);
    assert.deepEqual([first.accepted?.duplicate, second.accepted?.duplicate], [false, true]);
    assert.deepEqual((await written()).sort(), [first.accepted?.messageId, second.accepted?.messageId].sort());
  });

  test('flushed under traffic: keys answer INDEX_REBUILDING, others go on, then the first results are there again', async (t) => {
    const { node, flush, written } = await bench(t);
    const one = await node();
    const first = await Promise.all(Array.from({ length: 20 }, (_, n) => one.send(`${n}`, `k${n}`)));
    await flush();
    const refused = await one.send('0', 'k0');
    assert.ok(refused.error && isCode(refused.error, 'CONFAB_INDEX_REBUILDING'));
    assert.ok((await one.send('unkeyed')).accepted);
    const again = await Promise.all(first.map((_, n) => untilAccepted(one, `${n}`, `k${n}`)));
    assert.deepEqual(again.map(({ accepted }) => accepted?.messageId), first.map(({ accepted }) => accepted?.messageId));
    assert.ok(again.every(({ accepted }) => accepted?.duplicate));
    assert.equal((await written()).length, 21);
  });
});
