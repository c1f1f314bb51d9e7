/** While N-1 runs beside N: what the newer release writes, in a schema with a field more, is followed, compared and stepped on. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { compare, Player, recordingsOf } from '../../inspect/bot-diff/index.js';
import { packFiles } from '../../operate/rollout/pack.js';
import { RolloutLog } from '../../operate/rollout/rollout-log.js';
import { RolloutTable } from '../../operate/rollout/rollout-table.js';
import { SettingsTable } from '../../operate/rollout/settings-table.js';
import { systemClock } from '../../platform/clock.js';
import { ManualClock, settle } from '../../platform/clock-manual.js';
import { loadConfig } from '../../platform/config.js';
import { ConfabError, isCode } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import { MemoryEventLog } from '../../platform/event-log/memory.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { epochOf, formatPosition } from '../../platform/position.js';
import { seededRandom, systemRandom } from '../../platform/random.js';
import { eventually, scratchFolder, serviceAddress, skipWithout } from '../../platform/testing.js';
import { checkFiles, type Bot } from '../../processors/bot/index.js';
import { compileSchema, fingerprint } from '../../schemas/avro.js';
import type { Codec, RecordCodec } from '../../schemas/codec.js';
import { createRegistryCodec } from '../../schemas/codec-registry.js';
import { loadSchemas, type SchemaSet } from '../../schemas/schema-set.js';
import type { BotReply, BotVersion, Message, RecordName, Setting } from '../../schemas/types.js';
import { openLog } from '../infrastructure.js';
import { TopicFollow } from './topic-follow.js';

const FILES = [{ file: 'bot.yaml', bytes: Buffer.from('format: 1\nid: simple\nresponses: {lost: What?, hello: Hello}\nfallback: {say: lost}\nintents:\n  greet: {reply: hello, examples: [hi, hello, hey, good day, howdy]}\n') }];
const MORE = { name: 'addedLater', type: ['null', 'string'], default: null };

/** The schemas of the next release: these records have a field more. */
function nextRelease(...records: RecordName[]): SchemaSet {
  const now = loadSchemas();
  const newest = new Map(now.newest);
  for (const record of records) {
    const found = now.newest.get(record);
    assert.ok(found);
    const schema = JSON.parse(found.text) as { fields: unknown[] };
    const text = JSON.stringify({ ...schema, fields: [...schema.fields, MORE] });
    newest.set(record, { ...found, text, fingerprint: fingerprint(text), type: compileSchema(text) });
  }
  return { ...now, newest };
}

function compiled(): Bot {
  const { bot } = checkFiles(FILES);
  assert.ok(bot);
  return bot;
}

interface Scene { readonly log: EventLog; readonly prefix: string; readonly now: Codec; readonly next: Codec }

/** A log with the topics, and a codec of each release on the real registry. */
async function sceneOn(t: TestContext, settings: Record<string, string>): Promise<Scene> {
  const prefix = `t${systemRandom.bytes(5).toString('hex')}.`;
  const log = await openLog({ config: loadConfig({ ...settings, CONFAB_DATA_DIR: scratchFolder(t) }, { serving: false }), clock: systemClock, random: systemRandom, logger: silentLogger });
  const topics = ['bots.v1', 'settings.v1', 'messages.v1', 'replies.v1'].map((name) => `${prefix}${name}`);
  t.after(async () => { for (const name of topics) await log.admin.deleteTopic(name); await log.close(); });
  for (const name of topics) await log.admin.createTopic({ name, partitions: 1, config: {} });
  const codecOf = async (schemas: SchemaSet): Promise<Codec> => {
    const codec = createRegistryCodec({ url: serviceAddress('registry') ?? '', prefix, clock: systemClock, logger: silentLogger, schemas });
    await codec.prepare();
    return codec;
  };
  return { log, prefix, now: await codecOf(loadSchemas()), next: await codecOf(nextRelease('BotVersion', 'Setting', 'Message', 'BotReply')) };
}

/** As the next release writes: with a value in the field that this one does not have. */
async function append<T extends object>({ log, prefix }: Scene, topic: string, codec: RecordCodec<T>, records: readonly { key: string; value: T }[]): Promise<void> {
  const appender = await log.appender();
  await appender.append(records.map(({ key, value }) => ({ topic: `${prefix}${topic}`, partition: 0, key, value: codec.encode({ ...value, addedLater: 'new' }), timestamp: systemClock.now() })));
  await appender.close();
}

async function followed(t: TestContext, scene: Scene): Promise<void> {
  const { log, prefix, now, next } = scene;
  const bot = compiled();
  const [table, settings] = [new RolloutTable(), new SettingsTable()];
  const shared = { log, clock: systemClock, logger: silentLogger, anew: () => assert.fail('nothing is made anew') };
  const bots = new TopicFollow<BotVersion>({ ...shared, topic: `${prefix}bots.v1`, codec: now.of('BotVersion'), take: (records) => { for (const { key, value, offset } of records) table.apply(key, value, offset); } });
  const flags = new TopicFollow<Setting>({ ...shared, topic: `${prefix}settings.v1`, codec: now.of('Setting'), take: (records) => { for (const { key, value } of records) settings.apply(key, value); } });
  t.after(async () => { await bots.close(); await flags.close(); });
  const version = (status: string): BotVersion => ({ botId: bot.id, version: bot.version, status, share: 0.5, files: packFiles(FILES), deployedAt: 1, deployedBy: 'next' });
  const key = `${bot.id}@${bot.version}`;
  await append(scene, 'bots.v1', next.of('BotVersion'), [{ key, value: version('canary') }]);
  await bots.prime();
  assert.equal(table.plan(bot.id)?.canary?.version, bot.version, 'what stands there at the start is read');
  await append(scene, 'settings.v1', next.of('Setting'), [{ key: 'flags.sale', value: { value: 'true', changedBy: 'next', changedAt: 1 } }]);
  await flags.prime();
  bots.start();
  flags.start();
  await append(scene, 'bots.v1', next.of('BotVersion'), [{ key, value: version('live') }]);
  await append(scene, 'settings.v1', next.of('Setting'), [{ key: 'flags.sale', value: { value: '7', changedBy: 'next', changedAt: 2 } }]);
  await eventually('what comes later is read too', () => table.plan(bot.id)?.current?.version === bot.version && settings.flags().get('sale') === 7, 60_000);
  // The commands of this release go on from what the next one has written.
  const desk = new RolloutLog({ log, codec: now, clock: systemClock, prefix });
  assert.equal((await desk.settings()).flags().get('sale'), 7);
  assert.match((await desk.rollback(bot.id, undefined, 'me')).said, /what the files of each node say/);
  await eventually('and the followers of both agree', () => table.plan(bot.id) === undefined, 60_000);
}

async function compared(scene: Scene): Promise<void> {
  const { log, prefix, now, next } = scene;
  const epoch = epochOf((await log.topic(`${prefix}messages.v1`)).id);
  const bot = compiled();
  const message: Message = {
    kind: 'text', messageId: '01HZX3K8Q9V7N4M2B6C5D8E1F0', botId: bot.id, channel: 'web', accountId: null, userId: null, author: { type: 'person', name: null }, text: 'hello', payload: null, replyId: null,
    locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null,
  };
  await append(scene, 'messages.v1', next.of('Message'), [{ key: 'default/c', value: message }]);
  const { played: { reply } } = await new Player(bot, new Map()).play('default/c', { message, position: formatPosition(epoch, 0, 0), at: 1, reply: null }, undefined);
  await append<BotReply>(scene, 'replies.v1', next.of('BotReply'), [{ key: 'default/c', value: reply }]);
  // Bytes that are no record at all are left out, and counted.
  const appender = await log.appender();
  await appender.append([{ topic: `${prefix}messages.v1`, partition: 0, key: 'default/d', value: Buffer.from('nothing'), timestamp: systemClock.now() }]);
  await appender.close();
  const unreadable: number[] = [];
  const recordings = recordingsOf({ log, codec: now, prefix, botId: bot.id, from: { kind: 'start' }, now: systemClock.now(), unreadable: (_topic, _partition, offset) => { unreadable.push(offset); } });
  const { totals } = await compare(recordings, { next: new Player(bot, new Map()), old: undefined, most: 5 });
  assert.deepEqual([totals.turns, totals.same, unreadable], [1, 1, [1]]);
}

const LOGS: readonly { name: string; settings: Record<string, string>; skip: string | false }[] = [
  { name: 'embedded', settings: {}, skip: skipWithout('registry') },
  { name: 'Kafka', settings: { CONFAB_KAFKA_BROKERS: serviceAddress('kafka') ?? '' }, skip: skipWithout('registry', 'kafka') },
];

for (const { name, settings, skip } of LOGS) {
  test(`${name}: bots, settings and recorded conversations of a newer release are read by this one`, { skip, timeout: 180_000 }, async (t) => {
    const scene = await sceneOn(t, settings);
    await followed(t, scene);
    await compared(scene);
  });
}

test('while the registry is away a follower waits at the record; one that nobody can read counts as not there', async (t) => {
  const clock = new ManualClock();
  const log = new MemoryEventLog({ clock, random: seededRandom(1) });
  t.after(() => log.close());
  await log.admin.createTopic({ name: 'settings.v1', partitions: 1, config: {} });
  let answer: 'away' | 'unknown' | 'known' = 'away';
  let learned = false;
  const codec: RecordCodec<string> = {
    encode: (text) => Buffer.from(text),
    decode: (bytes) => { if (!learned && bytes.toString().startsWith('new')) throw new ConfabError('CONFAB_SCHEMA_UNKNOWN'); return bytes.toString(); },
    learn: () => {
      if (answer === 'known') { learned = true; return Promise.resolve(); }
      return Promise.reject(new ConfabError(answer === 'away' ? 'CONFAB_REGISTRY_UNAVAILABLE' : 'CONFAB_SCHEMA_UNKNOWN'));
    },
  };
  const taken: (string | null)[] = [];
  const follow = new TopicFollow<string>({ log, topic: 'settings.v1', codec, clock, logger: silentLogger, anew: () => undefined, take: (records) => { taken.push(...records.map(({ value }) => value)); } });
  t.after(() => follow.close());
  const appender = await log.appender();
  const put = (...texts: string[]): Promise<unknown> => appender.append(texts.map((text) => ({ topic: 'settings.v1', partition: 0, key: text, value: Buffer.from(text), timestamp: 0 })));
  const look = async (): Promise<void> => { for (let i = 0; i < 4; i += 1) { await clock.advance(300); await settle(); } };
  await put('old 1', 'new 1');
  await assert.rejects(follow.prime(), (error) => isCode(error, 'CONFAB_REGISTRY_UNAVAILABLE'), 'a start waits for the registry');
  follow.start();
  await look();
  assert.deepEqual(taken, []);
  answer = 'unknown';
  await look();
  assert.deepEqual(taken, ['old 1']);
  answer = 'known';
  await put('new 2', 'old 2');
  await look();
  assert.deepEqual(taken, ['old 1', 'new 2', 'old 2']);
});
