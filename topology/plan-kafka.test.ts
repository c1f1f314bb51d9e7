/** Plan and apply on a real broker, with and without an authorizer. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { systemClock } from '../platform/clock.js';
import { isCode } from '../platform/errors.js';
import type { EventLog, GroupListener } from '../platform/event-log/event-log.js';
import { openKafkaLog, type KafkaLogOptions } from '../platform/event-log/kafkajs.js';
import { silentLogger } from '../platform/observability/logger.js';
import { systemRandom, ulidMaker } from '../platform/random.js';
import { eventually, serviceAddress, skipWithout } from '../platform/testing.js';
import { applyTopology } from './apply.js';
import { ensureTopology } from './ensure.js';
import { planTopology, type PlanInputs } from './plan.js';
import { groupName, topology } from './topology.js';
import { clean } from './testing.js';

const ulid = ulidMaker(systemClock, systemRandom);
const TOPICS = Object.keys(topology.topics).length;

async function kafka(t: TestContext, service: 'kafka' | 'kafka-acl', more: Partial<KafkaLogOptions> = {}, cleans = true): Promise<{ log: EventLog; prefix: string }> {
  const log = await openKafkaLog({ brokers: (serviceAddress(service) ?? '').split(','), clientId: 'topology-test', clock: systemClock, logger: silentLogger, ...more });
  const prefix = `t${ulid().toLowerCase()}.`;
  t.after(async () => {
    if (cleans) await clean(log, prefix);
    await log.close();
  });
  return { log, prefix };
}

const inputsOf = (log: EventLog, prefix: string, partitions = 2): PlanInputs => ({
  topology, settings: { prefix, partitions, principal: () => 'User:app' }, admin: log.admin, ...(log.acls === undefined ? {} : { acls: log.acls }),
});

test('Kafka: apply makes the log as declared; changes come back as a plan, dangers as refusals', { skip: skipWithout('kafka') }, async (t) => {
  const { log, prefix } = await kafka(t, 'kafka');
  const inputs = inputsOf(log, prefix);
  const first = await planTopology(inputs);
  assert.deepEqual([first.steps.length, first.rights], [TOPICS, false]);
  await applyTopology(first, inputs);
  const again = await planTopology(inputs);
  assert.deepEqual([again.steps, again.refused, again.notes, again.unchanged], [[], [], [], TOPICS]);

  await log.admin.setTopicConfig(`${prefix}messages.v1`, { 'retention.ms': '3600000', 'flush.ms': '60000' });
  await log.admin.setTopicConfig(`${prefix}replies.v1`, { 'retention.ms': '-1' });
  await eventually('the broker shows the change', async () => (await planTopology(inputs)).steps.length === 1);
  const changed = await planTopology(inputs);
  assert.deepEqual(changed.refused.map((step) => step.allow), ['shorten-retention:replies.v1']);
  const bold = { ...inputs, allow: ['shorten-retention:replies.v1'] };
  await applyTopology(await planTopology(bold), bold);
  await eventually('the log is as declared', async () => (await planTopology(inputs)).unchanged === TOPICS);
  assert.equal((await log.topic(`${prefix}messages.v1`)).config['flush.ms'], '60000');

  const more = await planTopology(inputsOf(log, prefix, 3));
  assert.equal(more.refused.filter((step) => step.allow?.startsWith('add-partitions:')).length, 9);
});

test('Kafka: a start creates what is missing when told to, and refuses another number of partitions', { skip: skipWithout('kafka') }, async (t) => {
  const { log, prefix } = await kafka(t, 'kafka');
  const options = { log, clock: systemClock, topology, settings: { prefix, partitions: 2 }, logger: silentLogger } as const;
  await assert.rejects(ensureTopology({ ...options, apply: 'never' }), (error) => isCode(error, 'CONFAB_TOPOLOGY_MISSING'));
  await Promise.all([ensureTopology({ ...options, apply: 'on-start' }), ensureTopology({ ...options, apply: 'on-start' })]);
  await ensureTopology({ ...options, apply: 'never' });
  await assert.rejects(ensureTopology({ ...options, settings: { ...options.settings, partitions: 3 }, apply: 'on-start' }), (error) => isCode(error, 'CONFAB_TOPOLOGY_REFUSED'));
});

test('Kafka with an authorizer: rights are planned, applied, and enough for a process to start', { skip: skipWithout('kafka-acl') }, async (t) => {
  const { log, prefix } = await kafka(t, 'kafka-acl', { sasl: { mechanism: 'plain', username: 'admin', password: 'admin-secret' } });
  const { log: app } = await kafka(t, 'kafka-acl', { sasl: { mechanism: 'plain', username: 'app', password: 'app-secret' } }, false);
  const inputs = inputsOf(log, prefix);
  const start = { log: app, clock: systemClock, topology, settings: inputs.settings, topics: ['messages.v1', 'intents.v1', 'dead-letters.v1'], logger: silentLogger } as const;
  await assert.rejects(ensureTopology({ ...start, apply: 'on-start' }), (error) => isCode(error, 'CONFAB_TOPOLOGY_MISSING', 'CONFAB_LOG_REFUSED'));
  const first = await planTopology(inputs);
  assert.equal(first.rights, true);
  await applyTopology(first, inputs);
  await eventually('the log is as declared', async () => (await planTopology(inputs)).steps.length === 0);
  await eventually('the rights are known to the broker', () => ensureTopology({ ...start, apply: 'on-start' }).then(() => true, () => false));
  const appender = await app.appender();
  await appender.append([{ topic: `${prefix}messages.v1`, key: 'default/c', value: Buffer.from('x'), timestamp: systemClock.now() }]);
  await appender.close();
  const member = await app.join({ group: groupName(prefix, 'intent'), topics: [`${prefix}messages.v1`] }, committing(prefix));
  await eventually('a transaction of the stage is committed', async () => (await log.admin.committed(groupName(prefix, 'intent'), `${prefix}messages.v1`)).some((each) => each.offset === 1));
  await member.close();
});

/** Commits one record and one offset a generation, as a stage does, after ending what another instance left. */
function committing(prefix: string): GroupListener {
  return {
    async assigned(assignment) {
      await assignment.fence('other');
      await assignment.committed({ stable: true });
      const [partition = 0] = assignment.partitions;
      await assignment.commit('me', {
        records: [{ topic: `${prefix}intents.v1`, partition, key: 'default/c', value: Buffer.from('y'), timestamp: systemClock.now() }, { topic: `${prefix}dead-letters.v1`, partition, key: 'default/c', value: Buffer.from('z'), timestamp: systemClock.now() }],
        offsets: [{ topic: `${prefix}messages.v1`, partition, offset: 1, metadata: '' }],
      });
    },
    records: () => undefined,
    revoking: () => Promise.resolve(),
    failed: () => undefined,
  };
}
