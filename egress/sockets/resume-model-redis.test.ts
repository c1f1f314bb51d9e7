/**
 * The model of resume-model.test.ts with the outbox and the fan-out of real servers: a cluster of three masters, where the
 * partitions of a history lie on different ones, and one server. The clock of the servers is not ours: where entries would have
 * aged they are removed.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { nextTurn } from '../../platform/clock.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { seededRandom, systemRandom } from '../../platform/random.js';
import { connectRedis, type RedisConnection } from '../../platform/redis/redis.js';
import { serviceAddress, skipWithout } from '../../platform/testing.js';
import { clusterOfFile } from '../../scripts/services/redis-cluster-of-file.js';
import { RedisFanout } from '../fanout/redis.js';
import { RedisOutbox } from '../outbox/redis.js';
import { newLog, steps, World, type Ground, type Step } from './resume-model/testing.js';

const SEED = 20_261_124;
const RUNS = Number(process.env.CONFAB_RESUME_RUNS ?? 20);

async function redisGround(redis: RedisConnection, partitions: number): Promise<Ground> {
  const ground = await newLog(partitions);
  const prefix = `test-${systemRandom.bytes(6).toString('hex')}:`;
  const keys: readonly string[][] = Array.from({ length: partitions }, (_, partition) => {
    const base = `${prefix}{s${partition}}:out:${ground.scene.topics.epoch}`;
    return [base, ...['default/c0', 'default/c1'].flatMap((key) => [`${base}:${key}`, `${base}:${key}\0`])];
  });
  return {
    ...ground,
    outbox: new RedisOutbox(redis, { prefix, epoch: ground.scene.topics.epoch }),
    // Of a partition all at once, as servers lose it.
    flush: async () => { await Promise.all(keys.map((names) => redis.client.unlink(...names))); },
    fanout: () => new RedisFanout(redis, { prefix }),
    // Whatever was sent before is answered, and what it announced is on its way.
    turns: async (count) => {
      for (let i = 0; i < count; i += 1) {
        await Promise.all(keys.map((names) => redis.client.exists(...names)));
        for (let turn = 0; turn < 4; turn += 1) await nextTurn();
      }
    },
  };
}

async function holds(redis: RedisConnection): Promise<void> {
  await fc.assert(fc.asyncProperty(steps, fc.integer({ min: 1, max: 4 }), async (list, partitions) => {
    const ground = await redisGround(redis, partitions);
    const aged = list.flatMap((step): Step[] => (step.does === 'age' || step.does === 'retain' ? [step, { ...step, does: 'flush' }] : [step]));
    assert.deepEqual(await new World(ground).play(aged), []);
    await ground.flush();
  }), { seed: SEED, numRuns: RUNS });
}

const { skip, open } = clusterOfFile({ replicas: false });

test('cut, killed, flushed, forgotten at every position, on a cluster of three masters: each outcome once and in order', { skip }, async (t: TestContext) => {
  await holds((await open(t)).redis);
});

test('cut, killed, flushed, forgotten at every position, on one server: each outcome once and in order', { skip: skipWithout('redis') }, async (t) => {
  const redis = await connectRedis({ urls: [serviceAddress('redis') ?? ''] }, { logger: silentLogger, random: seededRandom(1) });
  t.after(() => redis.close());
  await holds(redis);
});
