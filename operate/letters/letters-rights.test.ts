/** The rights that the topology gives to the edge `dead-letters`, and no more, are enough for the command. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../platform/clock.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import { openKafkaLog } from '../../platform/event-log/kafkajs.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { systemRandom } from '../../platform/random.js';
import { eventually, serviceAddress, skipWithout } from '../../platform/testing.js';
import { applyTopology } from '../../topology/apply.js';
import { planTopology } from '../../topology/plan.js';
import { topology } from '../../topology/topology.js';
import { LetterDesk } from './letter-desk.js';
import { LetterScene } from './testing.js';

test('Kafka with an authorizer: the principal of dead letters lists, shows, retries and discards', { skip: skipWithout('kafka-acl'), timeout: 120_000 }, async (t) => {
  const open = (username: string): Promise<EventLog> => openKafkaLog({
    brokers: (serviceAddress('kafka-acl') ?? '').split(','), clientId: 'letters-test', clock: systemClock, logger: silentLogger, sasl: { mechanism: 'plain', username, password: `${username}-secret` },
  });
  const admin = await open('admin');
  const prefix = `t${systemRandom.bytes(5).toString('hex')}.`;
  t.after(async () => {
    for (const name of await admin.admin.topicNames()) if (name.startsWith(prefix)) await admin.admin.deleteTopic(name);
    await admin.acls?.remove((await admin.acls.list()).filter((acl) => acl.name.startsWith(prefix)));
    await admin.close();
  });
  const scene = await LetterScene.over(admin, prefix, 2);
  const inputs = {
    topology, settings: { prefix, partitions: 2, principal: (name: string) => (name === 'dead-letters' ? 'User:app' : `User:confab-${name}`) }, admin: admin.admin,
    ...(admin.acls === undefined ? {} : { acls: admin.acls }),
  };
  await applyTopology(await planTopology(inputs), inputs);
  const [{ id }, intent] = [await scene.deadMessage('c1'), await scene.deadIntent('c2')];
  const app = await open('app');
  t.after(() => app.close());
  const desk = new LetterDesk({ log: app, codec: scene.codec, clock: systemClock, random: systemRandom, prefix });
  await eventually('the rights are known to the broker', () => desk.reader.list({}).then(({ letters }) => letters.length === 2, () => false));
  assert.equal((await desk.reader.one(id)).record.messageId, '01ARZ3NDEKTSV4RRFFQ69G5FAV');
  // A right may reach one broker later than the other.
  await eventually('both are closed', async () => {
    const results = [...await desk.settle([id], 'retry'), ...await desk.settle([intent], 'discard')];
    return results.every(({ error }) => { if (error && error.code !== 'CONFAB_LOG_REFUSED') throw error; return error === undefined; });
  }, 60_000);
  assert.equal((await scene.all('messages.v1')).filter(({ value }) => value.retryOf === id).length, 1);
});
