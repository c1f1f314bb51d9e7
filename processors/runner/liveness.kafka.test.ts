import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../platform/clock.js';
import { openKafkaLog } from '../../platform/event-log/kafkajs.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { createMetrics } from '../../platform/observability/metrics.js';
import { systemRandom, ulidMaker } from '../../platform/random.js';
import { MemoryStateStore } from '../../platform/state/memory.js';
import { eventually, serviceAddress, skipWithout } from '../../platform/testing.js';
import { topicSpec } from '../../topology/topic-config.js';
import { topology, type TopicName } from '../../topology/topology.js';
import { createRunner } from '../runner.js';
import { codec, intentStage, message, withMembers } from './testing.js';

test('on Kafka: a member whose fetches are lost while it heartbeats is not ready within 30 s, is replaced, and the next one answers each message once', { skip: skipWithout('kafka'), timeout: 180_000 }, async (t) => {
  const prefix = `test-${ulidMaker(systemClock, systemRandom)().slice(-8).toLowerCase()}.`;
  const metrics = createMetrics();
  const log = await openKafkaLog({ brokers: serviceAddress('kafka')!.split(','), clientId: 'liveness', clock: systemClock, logger: silentLogger, metrics });
  const names: TopicName[] = ['messages.v1', 'intents.v1', 'dead-letters.v1'];
  t.after(async () => {
    for (const name of names) await log.admin.deleteTopic(`${prefix}${name}`).catch(() => undefined);
    await log.close();
  });
  for (const name of names) await log.admin.createTopic(topicSpec(name, topology, { prefix, partitions: 2 }));
  let wedge = false;
  let members = 0;
  const wedging = withMembers(log, { listener: (listener) => {
    members += 1;
    const mine = members;
    return { records: (batch) => { if (!(wedge && mine === 1)) listener.records(batch); } };
  } });
  const runner = createRunner('intent', intentStage((_input, result) => result()), {
    log: wedging, codec, state: new MemoryStateStore(), clock: systemClock, random: systemRandom, logger: silentLogger, metrics, prefix, onFatal: (error) => { throw error; },
  });
  await runner.start();
  t.after(() => runner.close());
  await eventually('it owns its partitions', () => runner.ready, 60_000);

  const appender = await log.appender();
  t.after(() => appender.close());
  const send = (texts: readonly string[]): Promise<unknown> => appender.append(texts.map((text) => ({ topic: `${prefix}messages.v1`, key: `default/c${text}`, value: codec.of('Message').encode(message(text)), timestamp: Date.now() })));
  const answers = async (): Promise<unknown[]> => {
    const found: unknown[] = [];
    for (const partition of [0, 1]) for await (const { records } of log.read(`${prefix}intents.v1`, partition, 0)) found.push(...records.map(({ value }) => codec.of('IntentDetected').decode(value!).message.text));
    return found.sort();
  };
  await send(['1', '2', '3']);
  await eventually('the first are answered', async () => (await answers()).length === 3, 60_000);

  wedge = true;
  const began = performance.now();
  await send(['4', '5', '6']);
  await eventually('it is not ready', () => !runner.ready, 60_000);
  const told = performance.now() - began;
  assert.match(runner.waitsFor, /is not fetched/);
  await eventually('another has taken over and answers', async () => runner.ready && (await answers()).length >= 6, 60_000);
  assert.deepEqual(await answers(), ['1', '2', '3', '4', '5', '6']);
  assert.equal(members, 2);
  // By its own clock it takes 20 s to say so; a machine that is busy may look later.
  assert.ok(told >= 15_000 && told < 60_000, `${Math.round(told)} ms`);
});
