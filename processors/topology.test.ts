import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { packageRoot } from '../platform/package-root.js';
import { fixedBots, loadBots } from './bot/index.js';
import { TopologyDriver, textsOf } from './topology-driver.js';

const bots = fixedBots(await loadBots(join(packageRoot(), 'bots')));
const models = new Map<string, Buffer>();

async function drive(t: TestContext): Promise<TopologyDriver> {
  const driver = await TopologyDriver.create({ bots, models });
  t.after(() => driver.close());
  return driver;
}

test('a conversation with a form goes through all stages: one reply a message, state and counts with it', async (t) => {
  const driver = await drive(t);
  const turns = ['hello', 'I want to change my delivery', 'PX123456789DE', 'friday'];
  for (const text of turns) assert.ok((await driver.ask('c1', text)).length > 0, `an answer to "${text}"`);
  const replies = (await driver.all('replies.v1')).map(({ value }) => value);
  assert.equal(replies.length, turns.length);
  const messages = (await driver.all('messages.v1')).map(({ value }) => value.messageId);
  assert.deepEqual(replies.map((reply) => reply.inReplyTo), messages);
  assert.deepEqual(replies.map((reply) => reply.prev), [null, ...replies.slice(0, -1).map((reply) => reply.position)], 'the chain of replies is complete');
  const [state] = (await driver.all('dialogue-states.v1')).slice(-1);
  assert.equal(state?.value.turns, turns.length);
  assert.equal(state.value.reflects, replies.at(-1)?.position);
  const counts = await driver.all('analytics.v1');
  const newest = new Map(counts.map(({ record, value }) => [record.key, value.replies]));
  assert.equal([...newest.values()].reduce((sum, count) => sum + count, 0), turns.length);
});

test('the records of a turn carry the acceptance time and stay on the partition of the conversation', async (t) => {
  const driver = await drive(t);
  await driver.ask('c1', 'hello');
  const [message] = await driver.all('messages.v1');
  for (const topic of ['intents.v1', 'replies.v1', 'dialogue-states.v1'] as const) {
    const [record] = await driver.all(topic);
    assert.equal(record?.record.timestamp, message?.record.timestamp, topic);
    assert.equal(record?.partition, message?.partition, topic);
    assert.equal(record?.record.key, message?.record.key, topic);
  }
});

test('stages that are away hold nothing up for good: what came meanwhile is answered in order', async (t) => {
  const driver = await drive(t);
  await driver.ask('c1', 'hello');
  await driver.stop('dialogue');
  await driver.stop('intent');
  for (const text of ['where is my parcel', 'PX123456789DE', 'thanks']) await driver.send('c1', { text });
  await driver.run();
  assert.equal((await driver.all('replies.v1')).length, 1);
  await driver.start('intent');
  await driver.start('dialogue');
  await driver.run();
  const inReplyTo = (await driver.all('replies.v1')).map(({ value }) => value.inReplyTo);
  assert.deepEqual(inReplyTo, (await driver.all('messages.v1')).map(({ value }) => value.messageId));
});

test('a message for a bot that is not there goes to the dead letters, and its conversation goes on', async (t) => {
  const driver = await drive(t);
  const lost = await driver.send('c1', { text: 'hello', botId: 'nobody' });
  await driver.run();
  const [letter] = await driver.all('dead-letters.v1');
  assert.equal(letter?.value.messageId, lost);
  assert.equal(letter.value.errorCode, 'CONFAB_BOT_UNKNOWN');
  assert.equal(letter.value.stage, 'dialogue');
  assert.ok((await driver.ask('c1', 'hello')).length > 0);
});

test('many conversations at once, each answered in its order', async (t) => {
  const driver = await drive(t);
  const texts = ['hello', 'where is my parcel', 'when do you open', 'xyzzy plugh', 'thanks', 'bye'];
  for (const text of texts) for (let c = 0; c < 40; c += 1) await driver.send(`c${c}`, { text });
  await driver.run();
  const asked = new Map<string, string[]>();
  for (const { record, value } of await driver.all('messages.v1')) asked.set(record.key!, [...asked.get(record.key!) ?? [], value.messageId]);
  const answered = new Map<string, string[]>();
  for (const { record, value } of await driver.all('replies.v1')) answered.set(record.key!, [...answered.get(record.key!) ?? [], value.inReplyTo!]);
  assert.deepEqual(answered, asked);
  assert.ok((await driver.all('replies.v1')).every(({ value }) => textsOf(value).length > 0 || value.outcome === 'handed_off'));
});
