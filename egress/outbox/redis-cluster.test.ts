/** The outbox on a cluster of three masters. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPosition } from '../../platform/position.js';
import { clusterOfFile } from '../../scripts/services/redis-cluster-of-file.js';
import type { Outcome } from '../outcomes/outcome.js';
import { EPOCH, outboxContract } from './outbox.contract.js';
import { RedisOutbox } from './redis.js';

const { skip, open, cluster } = clusterOfFile({ replicas: false });

outboxContract('redis cluster', async (t, limits) => {
  const { redis, prefix, flush } = await open(t);
  return { outbox: new RedisOutbox(redis, { prefix, epoch: EPOCH, ...limits }), flush };
}, { skip });

const outcome = (key: string, offset: number): Outcome => ({ key, position: formatPosition(EPOCH, offset, 1), prev: offset === 0 ? null : formatPosition(EPOCH, offset - 1, 0), frame: '{}', timestamp: 1 });

test('redis cluster outbox: each partition is on one server, all servers have some, and what a slot that moves takes with it counts as lost', { skip }, async (t) => {
  const { redis, prefix, keys } = await open(t);
  const outbox = new RedisOutbox(redis, { prefix, epoch: EPOCH });
  const append = (offset: number): Promise<unknown> => Promise.all(Array.from({ length: 24 }, (_, partition) => outbox.append(partition, [outcome('t/a', offset), outcome('t/b', offset)], async () => formatPosition(EPOCH, offset, 0))));
  await append(0);
  assert.equal((await keys()).length, 24 * 5);
  const homes = await Promise.all(Array.from({ length: 24 }, async (_, partition) => cluster().homeOf(`{s${partition}}`)));
  assert.equal(new Set(homes).size, 3);
  const to = cluster().masters.find((master) => master !== homes[0]) ?? cluster().masters[0];
  assert.ok(to);
  // While keys of a script are at two servers it is told TRYAGAIN; what is not there at all is ASKed for at the new home.
  await cluster().moveSlot('{s0}', to, () => append(1));
  await append(2);
  await append(3);
  // The new home cannot tell entries that were moved from an older copy: who resumes before them is sent to the log.
  for (const key of ['t/a', 't/b']) {
    for (const [after, found, complete] of [[0, [2, 3], false], [2, [3], true]] as const) {
      const read = await outbox.read(0, key, formatPosition(EPOCH, after, 1));
      assert.deepEqual([read.entries.map(({ position }) => position), read.complete], [found.map((offset) => formatPosition(EPOCH, offset, 1)), complete]);
    }
  }
});
