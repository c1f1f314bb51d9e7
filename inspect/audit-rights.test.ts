/** The rights that the topology gives to the edge `inspect`, and no more, are enough for an audit; those of egress for X-ray. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../platform/clock.js';
import { isCode } from '../platform/errors.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import { openKafkaLog } from '../platform/event-log/kafkajs.js';
import { silentLogger } from '../platform/observability/logger.js';
import { seededRandom, systemRandom } from '../platform/random.js';
import { eventually, serviceAddress, skipWithout } from '../platform/testing.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import { applyTopology } from '../topology/apply.js';
import { planTopology } from '../topology/plan.js';
import { topology } from '../topology/topology.js';
import { audit, isSound } from './audit.js';
import { DEFECTS } from './audit/testing/defects.js';
import { History } from './audit/testing/history.js';
import { writeHistories } from './audit/testing/write.js';
import { storyBounds, storyTopics, unreadable } from './story-topics.js';

const codec = createLocalCodec();

for (const edge of ['inspect', 'egress'] as const) {
  test(`Kafka with an authorizer: the principal of ${edge} may look, and change nothing that it only shows`, { skip: skipWithout('kafka-acl'), timeout: 180_000 }, async (t) => {
    const open = (username: string): Promise<EventLog> => openKafkaLog({
      brokers: (serviceAddress('kafka-acl') ?? '').split(','), clientId: 'audit-test', clock: systemClock, logger: silentLogger, sasl: { mechanism: 'plain', username, password: `${username}-secret` },
    });
    const admin = await open('admin');
    const prefix = `t${systemRandom.bytes(5).toString('hex')}.`;
    t.after(async () => {
      for (const name of await admin.admin.topicNames()) if (name.startsWith(prefix)) await admin.admin.deleteTopic(name);
      await admin.acls?.remove((await admin.acls.list()).filter((acl) => acl.name.startsWith(prefix)));
      await admin.close();
    });
    const inputs = {
      topology, settings: { prefix, partitions: 2, principal: (name: string) => (name === edge ? 'User:app' : `User:confab-${name}`) }, admin: admin.admin,
      ...(admin.acls === undefined ? {} : { acls: admin.acls }),
    };
    await applyTopology(await planTopology(inputs), inputs);
    const history = new History({ random: seededRandom(1), partitions: 2, steps: 100, start: Date.now() - 3_600_000 });
    DEFECTS['stage dialogue dropped a message']?.(history);
    await writeHistories(admin, prefix, [history], codec);
    const app = await open('app');
    t.after(() => app.close());
    await eventually('the rights are known to the broker', async () => unreadable(await storyBounds(app, await storyTopics(app, prefix)).catch(() => new Map())).length === 0, 60_000);
    if (edge === 'inspect') {
      await eventually('all of them', () => audit({ log: app, codec, clock: systemClock, prefix }).then((report) => {
        assert.deepEqual([report.accepted, report.lost, isSound(report)], [history.messages.length, 1, false]);
        assert.deepEqual(report.findings.map(({ kind }) => kind), ['lost']);
        return true;
      }, (error: unknown) => { if (!isCode(error, 'CONFAB_LOG_REFUSED', 'CONFAB_TOPIC_UNKNOWN')) throw error; return false; }), 60_000);
    }
    const appender = await app.appender();
    await assert.rejects(appender.append([{ topic: `${prefix}dialogue-states.v1`, partition: 0, key: 'default/c', value: null, timestamp: Date.now() }]), (error) => isCode(error, 'CONFAB_LOG_REFUSED'));
    await appender.close();
  });
}
