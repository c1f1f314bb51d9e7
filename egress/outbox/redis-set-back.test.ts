// A server that was set back to an older copy, or a replica that took over without the last writes, has an outbox that follows on
// within itself: who resumed from its newest position was told that it had everything, and never heard of what came after the copy.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLogger } from '../../platform/observability/logger.js';
import { systemRandom } from '../../platform/random.js';
import { connectRedis } from '../../platform/redis/redis.js';
import { eventually, scratchFolder } from '../../platform/testing.js';
import { OwnRedis } from '../../scripts/services/redis-own.js';
import type { Outcome } from '../outcomes/outcome.js';
import { EPOCH } from './outbox.contract.js';
import { RedisOutbox } from './redis.js';

const at = (offset: number, index = 1): string => `${EPOCH}-${String(offset).padStart(12, '0')}-0${index}`;
/** @param prev undefined: a dead letter, of which no record's chain knows */
const outcome = (offset: number, prev: string | null | undefined): Outcome => ({ key: 't/a', position: at(offset), prev, frame: `{"n":${offset}}`, timestamp: 0 });

/** Where messages.v1 ends. */
let end = 1;
const behind = async (): Promise<string> => at(end, 0);

test('an outbox on a server that was set back to an older copy is not complete', async (t) => {
  const server = await OwnRedis.start(join(scratchFolder(t), 'redis'));
  t.after(() => server.close());
  const redis = await connectRedis({ urls: [server.url] }, { logger: silentLogger, random: systemRandom });
  t.after(() => redis.close());
  const outbox = new RedisOutbox(redis, { prefix: 'test:', epoch: EPOCH });
  await outbox.append(0, [outcome(1, null), outcome(2, at(1))], behind);
  await server.save();
  await outbox.append(0, [outcome(3, undefined), outcome(4, undefined)], behind);
  end = 5;
  assert.equal((await outbox.read(0, 't/a', at(4))).complete, true);
  await server.setBack();
  await eventually('Redis answers again', () => outbox.read(0, 't/a', at(2)).then(() => true, () => false), 60_000);
  for (const after of [at(1), at(2), at(2, 0), at(1, 0)]) assert.equal((await outbox.read(0, 't/a', after)).complete, false, after);
  // The next outcome goes by what its record says, as after a flush: dead letters are not in that chain.
  await outbox.append(0, [outcome(5, at(2))], behind);
  for (const after of [at(1), at(2), at(4)]) assert.equal((await outbox.read(0, 't/a', after)).complete, false, after);
  assert.deepEqual((await outbox.read(0, 't/a', at(5, 0))).entries.map(({ frame }) => frame), ['{"n":5}']);
  assert.equal((await outbox.read(0, 't/a', at(5, 0))).complete, true);
  await outbox.append(0, [outcome(6, at(5))], behind);
  assert.equal((await outbox.read(0, 't/a', at(5))).complete, true);
});
