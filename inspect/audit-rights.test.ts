/** The rights that the topology gives to the edge `inspect`, and no more, are enough for an audit; those of egress for X-ray. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../platform/clock.js';
import { isCode } from '../platform/errors.js';
import { seededRandom } from '../platform/random.js';
import { eventually, skipWithout } from '../platform/testing.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import { guardedKafka } from '../topology/testing.js';
import { audit, isSound } from './audit.js';
import { DEFECTS } from './audit/testing/defects.js';
import { History } from './audit/testing/history.js';
import { writeHistories } from './audit/testing/write.js';
import { storyBounds, storyTopics, unreadable } from './story-topics.js';

const codec = createLocalCodec();

for (const edge of ['inspect', 'egress'] as const) {
  test(`Kafka with an authorizer: the principal of ${edge} may look, and change nothing that it only shows`, { skip: skipWithout('kafka-acl'), timeout: 180_000 }, async (t) => {
    const { admin, prefix, app: logIn } = await guardedKafka(t);
    const app = await logIn(edge);
    const history = new History({ random: seededRandom(1), partitions: 2, steps: 100, start: Date.now() - 3_600_000 });
    DEFECTS['stage dialogue dropped a message']?.(history);
    await writeHistories(admin, prefix, [history], codec);
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
