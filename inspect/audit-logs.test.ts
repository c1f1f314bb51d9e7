/** The audit on the logs that it is for: beside the process that writes an embedded one, and on Kafka with its markers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../platform/clock.js';
import { openEmbeddedLog } from '../platform/event-log/embedded.js';
import type { EventLog, GroupListener } from '../platform/event-log/event-log.js';
import { openKafkaLog } from '../platform/event-log/kafkajs.js';
import { silentLogger } from '../platform/observability/logger.js';
import { seededRandom, systemRandom } from '../platform/random.js';
import { eventually, scratchFolder, serviceAddress, skipWithout } from '../platform/testing.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import { ensureTopology } from '../topology/ensure.js';
import { groupName, topology } from '../topology/topology.js';
import { audit, isSound, type AuditReport } from './audit.js';
import { DEFECTS } from './audit/testing/defects.js';
import { History } from './audit/testing/history.js';
import { writeHistories } from './audit/testing/write.js';
import { clean } from '../topology/testing.js';

const codec = createLocalCodec();
const PLANTED = ['stage dialogue dropped a message', 'an answer twice', 'answers in the wrong order', 'a letter closed as retried without its retry', 'an answer with a time of its own', 'a state made from an older one'];
const brief = ({ findings }: AuditReport): string[] => findings.map(({ kind, topic, detail }) => `${kind} ${topic}: ${detail}`);

function histories(seed: number): History[] {
  const random = seededRandom(seed);
  return [0, 1].map((partition) => new History({ random, partition, partitions: 2, steps: 250, start: Date.now() - 6 * 3_600_000 }));
}

async function sound(writer: EventLog, reader: EventLog, prefix: string): Promise<void> {
  const made = histories(1);
  await writeHistories(writer, prefix, made, codec);
  await caughtUp(writer, reader);
  const report = await audit({ log: reader, codec, clock: systemClock, prefix });
  assert.deepEqual(brief(report), []);
  assert.deepEqual([isSound(report), report.accepted, report.answered], [true, made.reduce((sum, { messages }) => sum + messages.length, 0), report.accepted]);
}

async function broken(writer: EventLog, reader: EventLog, prefix: string): Promise<void> {
  const made = histories(2);
  const expected = PLANTED.map((name, at) => DEFECTS[name]?.(made[at % 2] as History)).filter((one) => one !== undefined);
  await writeHistories(writer, prefix, made, codec);
  await caughtUp(writer, reader);
  const report = await audit({ log: reader, codec, clock: systemClock, prefix });
  for (const { kind, topic } of expected) assert.ok(report.findings.some((one) => one.kind === kind && one.topic === `${prefix}${topic}` && one.key !== null), `${kind} ${topic}\n${brief(report).join('\n')}`);
  assert.equal(report.findings.length, expected.length, brief(report).join('\n'));
}

/** A reader beside the writer looks for what is new every 50 ms. */
async function caughtUp(writer: EventLog, reader: EventLog): Promise<void> {
  for (const topic of await writer.admin.topicNames()) {
    await eventually(`the reader sees all of ${topic}`, async () => JSON.stringify(await reader.admin.bounds(topic)) === JSON.stringify(await writer.admin.bounds(topic)));
  }
}

const apply = (log: EventLog, prefix: string): Promise<unknown> => ensureTopology({ log, clock: systemClock, topology, settings: { prefix, partitions: 2 }, apply: 'on-start', logger: silentLogger });

for (const [name, judge] of [['a sound history', sound], ['planted defects', broken]] as const) {
  test(`embedded log, beside the process that writes it: ${name}`, { timeout: 120_000 }, async (t) => {
    const options = { folder: scratchFolder(t), clock: systemClock, random: systemRandom, logger: silentLogger };
    const writer = await openEmbeddedLog(options);
    t.after(() => writer.close());
    await apply(writer, '');
    const reader = await openEmbeddedLog({ ...options, readOnly: true });
    t.after(() => reader.close());
    await judge(writer, reader, '');
  });

  test(`Kafka: ${name}`, { skip: skipWithout('kafka'), timeout: 180_000 }, async (t) => {
    const log = await openKafkaLog({ brokers: (serviceAddress('kafka') ?? '').split(','), clientId: 'audit-test', clock: systemClock, logger: silentLogger });
    const prefix = `t${systemRandom.bytes(5).toString('hex')}.`;
    t.after(async () => {
      await clean(log, prefix);
      await log.close();
    });
    await apply(log, prefix);
    await markers(log, prefix);
    await judge(log, log, prefix);
  });
}

/** Commits a transaction over all partitions: each gets a marker, which takes an offset. */
async function markers(log: EventLog, prefix: string): Promise<void> {
  const group = `${groupName(prefix, 'intent')}.markers`;
  let assigned = false;
  const listener: GroupListener = {
    assigned: async (assignment) => {
      const offsets = assignment.partitions.map((partition) => ({ topic: `${prefix}bots.v1`, partition, offset: 0, metadata: '' }));
      const records = ['intents.v1', 'replies.v1', 'dead-letters.v1', 'dialogue-states.v1'].flatMap((topic) => [0, 1].map((partition) => ({ topic: `${prefix}${topic}`, partition, key: 'default/nobody', value: null, timestamp: Date.now() })));
      await assignment.commit('01ARZ3NDEKTSV4RRFFQ69G5FAV', { records, offsets });
      assigned = true;
    },
    records: () => undefined, revoking: () => Promise.resolve(), failed: () => undefined,
  };
  const member = await log.join({ group, topics: [`${prefix}bots.v1`] }, listener);
  try { await eventually('a transaction was committed', () => assigned, 90_000); } finally { await member.close(); }
}
