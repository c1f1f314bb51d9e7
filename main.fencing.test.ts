/** A process that is stopped between two requests and continued later. `npm run fencing` does the same at every place there is. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { packageRoot } from './platform/package-root.js';
import { serviceAddress, skipWithout } from './platform/testing.js';
import { fixedBots, loadBots } from './processors/bot/index.js';
import { parsePoint } from './scripts/fencing/points.js';
import { LIMIT_MILLIS, proveAt } from './scripts/fencing/trial.js';

/**
 * One of each kind: the name is written but nothing is open; a take-over's answer is read late; a transaction is open with
 * and without records; it is decided and nobody knows; it is committed and Redis does not have it.
 */
const POINTS = ['after OffsetCommit 1', 'after JoinGroup 2', 'before Produce 5', 'after TxnOffsetCommit 5', 'after EndTxn 5', 'before StateWrite 10'];

test('stopped for longer than its time-outs and continued, a process adds nothing; its successor and their readers go on within 10 s', { skip: skipWithout('kafka', 'redis'), timeout: 400_000 }, async (t) => {
  const servers = { brokers: (serviceAddress('kafka') ?? '').split(','), redisUrl: serviceAddress('redis') ?? '' };
  const bots = fixedBots(await loadBots(join(packageRoot(), 'bots')));
  const outcomes = await Promise.all(POINTS.map((point) => proveAt(parsePoint(point), servers, bots)));
  for (const { point, successorMillis, silenceMillis, stolenMillis } of outcomes) t.diagnostic(`${point}: successor ${Math.round(successorMillis)} ms, silence ${Math.round(silenceMillis)} ms, stolen ${Math.round(stolenMillis)} ms`);
  assert.deepEqual(outcomes.flatMap(({ point, faults }) => faults.map((fault) => `${point}: ${fault}`)), []);
  assert.deepEqual(outcomes.filter(({ slow }) => slow).map(({ point, successorMillis, silenceMillis }) => `${point}: ${successorMillis}, ${silenceMillis} ms`), [], `slower than ${LIMIT_MILLIS} ms`);
});
