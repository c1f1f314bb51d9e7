/** The rights that the topology gives to the edge `deployer`, and no more, are enough for a roll-out, and for nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../platform/clock.js';
import { ConfabError, isCode } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import { eventually, skipWithout } from '../../platform/testing.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import { guardedKafka } from '../../topology/testing.js';
import { groupName, topology } from '../../topology/topology.js';
import { RolloutLog } from './rollout-log.js';

const OWN = ['bots.v1', 'settings.v1'];
const OTHERS = Object.keys(topology.topics).filter((name) => !OWN.includes(name));
const refused = (error: unknown): boolean => isCode(error, 'CONFAB_LOG_REFUSED', 'CONFAB_TOPIC_UNKNOWN');
const id = (n: number): string => n.toString(16).padStart(16, '0');

async function read(log: EventLog, topic: string): Promise<number> {
  let count = 0;
  for await (const { records } of log.read(topic, 0, 0)) count += records.length;
  return count;
}

async function append(log: EventLog, topic: string): Promise<void> {
  const appender = await log.appender();
  try { await appender.append([{ topic, partition: 0, key: 'k', value: Buffer.from('x'), timestamp: systemClock.now() }]); } finally { await appender.close(); }
}

test('Kafka with an authorizer: the principal of who deploys rolls out and sets flags, and may nothing else', { skip: skipWithout('kafka-acl'), timeout: 300_000 }, async (t) => {
  const { admin, prefix, app: logIn } = await guardedKafka(t);
  const app = await logIn('deployer');
  const desk = new RolloutLog({ log: app, codec: createLocalCodec(), clock: systemClock, prefix });
  const deploy = (n: number, share?: number, models?: Buffer[]): Promise<unknown> => desk.deploy({ botId: 'b', version: id(n), files: Buffer.from([n]), share, ...(models === undefined ? {} : { models }) }, 'me');
  // A right may reach the broker later than its change was acknowledged.
  const known = async (what: string, step: () => Promise<unknown>): Promise<void> => {
    await eventually(what, () => step().then(() => true, (error: unknown) => { if (!refused(error)) throw error; return false; }), 60_000);
  };
  await known('it deploys, models and all', () => deploy(1, undefined, [Buffer.from('model')]));
  await known('it tries', () => deploy(2, 0.1));
  await known('it promotes', () => desk.promote('b', 'me'));
  await known('it rolls back', () => desk.rollback('b', undefined, 'me'));
  await known('it sets a flag', () => desk.change('flags.sale', true, 'me'));
  assert.equal((await desk.table()).plan('b')?.current?.version, id(1));
  assert.equal((await desk.settings()).flags().get('sale'), true);

  for (const name of OTHERS) await append(admin, `${prefix}${name}`);
  for (const name of OTHERS) {
    await assert.rejects(append(app, `${prefix}${name}`), refused, `writes ${name}`);
    // Who may not see a topic is told that there is none, or gets nothing of it.
    assert.equal(await read(app, `${prefix}${name}`).catch((error: unknown) => { if (refused(error)) return 0; throw error; }), 0, `reads ${name}`);
  }
  const denied: readonly [string, () => Promise<unknown>][] = [
    ['makes a topic', () => app.admin.createTopic({ name: `${prefix}mine`, partitions: 1, config: {} })],
    ['removes its own topic', () => app.admin.deleteTopic(`${prefix}bots.v1`)],
    ['changes its own topic', () => app.admin.setTopicConfig(`${prefix}bots.v1`, { 'retention.ms': '1000' })],
    ['gives its topic partitions', () => app.admin.addPartitions(`${prefix}bots.v1`, 2)],
    ['moves a group', () => app.admin.setCommitted(groupName(prefix, 'dialogue'), [{ topic: `${prefix}intents.v1`, partition: 0, offset: 0, metadata: '' }])],
    ['gives rights', () => app.acls?.create([{ principal: 'User:app', resource: 'topic', name: `${prefix}messages.v1`, pattern: 'literal', operation: 'read', host: '*' }]) ?? Promise.reject(new ConfabError('CONFAB_LOG_REFUSED'))],
  ];
  for (const [what, act] of denied) await assert.rejects(act(), (error) => error instanceof ConfabError, what);
  const names = await app.admin.topicNames();
  assert.deepEqual(names.filter((name) => name.startsWith(prefix)).sort(), OWN.map((name) => `${prefix}${name}`), 'it does not even see the others');
  assert.equal((await admin.admin.topics([`${prefix}bots.v1`]))[0]?.partitions, 1);
  assert.equal((await admin.acls?.list())?.filter((acl) => acl.principal === 'User:app' && acl.name === `${prefix}messages.v1`).length, 0);
});
