import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConfabError, isCode } from '../../platform/errors.js';
import { scratchFolder } from '../../platform/testing.js';
import { checkFiles, fixedBots, type Bot } from '../../processors/bot/index.js';
import { TopologyDriver } from '../../processors/topology-driver.js';
import { compare, diffPage, Player, recordingsFrom, recordingsOf, type Comparison } from './index.js';

const bot = (said: { hello?: string; more?: string; flow?: string } = {}): Bot => {
  const text = `format: 1
id: simple
responses: {lost: What?, hello: "${said.hello ?? 'Hello'}", prices: It costs 5, ok: Done}
fallback: {say: lost}
intents:
  greet: {reply: hello, examples: [hi, hello, hey, good day, howdy, greetings]}
  price: {examples: [what does it cost, how much is it, what is the price, tell me the price, price please]}
${said.more ?? 'flows:\n  prices:\n    on: price\n    do: [{say: prices}]\n'}`;
  const { bot: found, faults } = checkFiles([{ file: 'bot.yaml', bytes: Buffer.from(text) }]);
  assert.ok(found, JSON.stringify(faults));
  return found;
};

const models = new Map<string, Buffer>();
const player = (of: Bot): Player => new Player(of, models);
const LINES = [
  { conversation: 'a', turn: 0, speaker: 'user', text: 'hello' }, { conversation: 'a', turn: 1, speaker: 'system', text: 'Hello' },
  { conversation: 'b', turn: 0, speaker: 'user', text: 'how much is it' }, { conversation: 'a', turn: 2, speaker: 'user', text: 'zzz qqq' }, { conversation: 'a', turn: 3, speaker: 'system', text: 'Sure' },
];

function fileOf(t: { after(run: () => void): void }, lines: readonly unknown[]): string {
  const path = join(scratchFolder(t), 'lines.jsonl');
  writeFileSync(path, lines.map((one) => (typeof one === 'string' ? one : JSON.stringify(one))).join('\n'));
  return path;
}

const verdicts = ({ totals: { turns, same, changed, newlyAnswered, newlyFailed } }: Comparison): number[] => [turns, same, changed, newlyAnswered, newlyFailed];

test('turns are the same, changed, newly answered or newly failed, against what was recorded', async (t) => {
  const recordings = await recordingsFrom(fileOf(t, LINES), 'simple');
  const comparison = await compare(recordings, { next: player(bot()), old: undefined, most: 10 });
  assert.deepEqual(verdicts(comparison), [3, 1, 0, 1, 1], 'b had no reply; "zzz qqq" had one');
  assert.deepEqual(comparison.differences.map(({ conversation, turn, verdict, after }) => [conversation, turn, verdict, after.texts]), [['default/a', 2, 'newlyFailed', ['What?']], ['default/b', 1, 'newlyAnswered', ['It costs 5']]]);
  assert.deepEqual(comparison.flows.find(({ name }) => name === 'prices')?.newlyAnswered, 1);
});

test('against another version only what that says otherwise differs, and two runs give the same bytes', async (t) => {
  const recordings = await recordingsFrom(fileOf(t, LINES), 'simple');
  const [old, next] = [bot(), bot({ hello: 'Good day <b>' })];
  const once = async (): Promise<Comparison> => compare(recordings, { next: player(next), old: player(old), most: 10 });
  const [first, second] = [await once(), await once()];
  assert.deepEqual(verdicts(first), [3, 2, 1, 0, 0]);
  assert.deepEqual([first.against, first.newVersion], [old.version, next.version]);
  assert.equal(JSON.stringify(first), JSON.stringify(second));
  assert.equal(diffPage(first), diffPage(second));
  assert.match(diffPage(first), /Good day &lt;b&gt;/, 'texts are strangers\' words');
  assert.deepEqual(verdicts(await compare(recordings, { next: player(old), old: player(old), most: 10 })), [3, 3, 0, 0, 0]);
  const few = await compare(recordings, { next: player(next), old: undefined, most: 1 });
  assert.deepEqual([few.differences.length, few.left], [1, 2], 'what is not shown is counted');
});

test('the log and what tail prints of it give the same comparison; a person\'s state is carried from turn to turn', async (t) => {
  const asking = 'entities:\n  size: {values: {large: [big], small: [tiny]}}\nslots:\n  size: {entity: size, ask: lost}\nflows:\n  prices:\n    on: price\n    do: [{ask: size}, {say: ok}]\n';
  const recorded = bot({ more: asking });
  const driver = await TopologyDriver.create({ bots: fixedBots([recorded]), models });
  t.after(() => driver.close());
  for (const text of ['what is the price', 'big']) { await driver.send('c1', { text, botId: 'simple' }); await driver.run(); }
  await driver.send('c2', { text: 'hello', botId: 'simple' });
  await driver.send('c3', { text: 'hello', botId: 'nobody' });
  await driver.run();
  const from = { kind: 'start' } as const;
  const options = { log: driver.log, codec: driver.codec, prefix: '', botId: 'simple', from, now: driver.clock.now() };
  const same = await compare(recordingsOf(options), { next: player(recorded), old: undefined, most: 10 });
  assert.deepEqual([verdicts(same), same.conversations, same.begunBefore], [[3, 3, 0, 0, 0], 2, 0], 'the same version says the same again');
  const changed = await compare(recordingsOf(options), { next: player(bot()), old: undefined, most: 10 });
  assert.deepEqual(verdicts(changed), [3, 1, 1, 0, 1]);

  const lines = (await Promise.all((['messages.v1', 'replies.v1'] as const).map(async (topic) => (await driver.all(topic)).map(({ record, partition, value }) => ({ topic: `dev.${topic}`, partition, offset: record.offset, timestamp: new Date(record.timestamp).toISOString(), key: record.key, value }))))).flat();
  const fromFile = await compare(await recordingsFrom(fileOf(t, lines), 'simple'), { next: player(bot()), old: undefined, most: 10 });
  assert.deepEqual(verdicts(fromFile), verdicts(changed));

  const [second] = (await driver.all('replies.v1')).filter(({ record }) => record.key === 'default/c1').slice(1);
  const later = await compare(recordingsOf({ ...options, from: { kind: 'position', epoch: driver.epoch, offset: Number(second?.value.position.split('-')[1]) } }), { next: player(recorded), old: undefined, most: 10 });
  assert.ok(later.totals.turns < 3 || later.begunBefore === 0, 'a position stands for its time');
  const other = { kind: 'position', epoch: 'ffffffff', offset: 0 } as const;
  await assert.rejects(async () => { for await (const one of recordingsOf({ ...options, from: other })) assert.fail(one.key); }, (error) => isCode(error, 'CONFAB_POSITION_INVALID'));
});

test('a file that is none is refused with its line', async (t) => {
  const cases: [readonly unknown[], RegExp][] = [[['{'], /^Line 1: it is no JSON object/], [[LINES[0], '[]'], /^Line 2/], [[{ conversation: 'a' }], /^Line 1: it has neither/], [[{ topic: 'messages.v1', partition: 0, offset: 0, timestamp: 1, key: 'k', value: { kind: 1 } }], /^Line 1: it is no record of messages\.v1/]];
  for (const [lines, reason] of cases) await assert.rejects(recordingsFrom(fileOf(t, lines), 'simple'), (error) => error instanceof ConfabError && error.code === 'CONFAB_INPUT_INVALID' && reason.test(error.detail ?? ''));
  await assert.rejects(recordingsFrom('/nowhere/at/all', 'simple'), (error) => isCode(error, 'CONFAB_INPUT_INVALID'));
});
