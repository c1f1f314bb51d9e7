import assert from 'node:assert/strict';
import test from 'node:test';
import { formatPosition } from '../../platform/position.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import { judgeLog } from './judge.js';
import { textMessage } from './preload.js';
import { PARTITIONS } from './topics.js';

const codec = createLocalCodec();

interface Planted { readonly key: string; readonly value: Buffer }

/** Only what the judge asks of a log; everything stands in partition 0. */
function logOf(topics: Readonly<Record<string, readonly Planted[]>>): EventLog {
  const of = (topic: string, partition: number): readonly Planted[] => (partition === 0 ? topics[topic] ?? [] : []);
  return {
    settledEnd: (topic: string, partition: number) => Promise.resolve(of(topic, partition).length),
    async *read(topic: string, partition: number) {
      const records = of(topic, partition).map((record, offset) => ({ ...record, offset, timestamp: 0, headers: undefined }));
      yield { topic, partition, records, nextOffset: records.length, endOffset: records.length };
    },
  } as unknown as EventLog;
}

const message = (id: string, key = 'default/a'): Planted => ({ key, value: codec.of('Message').encode(textMessage(id, 'hi', 'u')) });
const reply = (id: string, key = 'default/a'): Planted => ({ key, value: codec.of('BotReply').encode({
  position: formatPosition('00000000', 0, 0), inReplyTo: id, replyId: `${id}-01`, botId: 'b', botVersion: '1', channel: 'api', accountId: null, intent: null, confidence: 0,
  outcome: 'answered', author: { type: 'bot', name: null }, parts: [], handoff: null, effects: [], prev: null, createdAt: 0,
}) });
const found = (messages: Planted[], replies: Planted[]): ReturnType<typeof judgeLog> => judgeLog(logOf({ 'p.messages.v1': messages, 'p.replies.v1': replies }), 'p.');

test('each message with one outcome, in order: nothing to object', async () => {
  assert.ok(PARTITIONS > 1);
  assert.deepEqual(await found([message('1'), message('2'), message('3', 'default/b')], [reply('1'), reply('3', 'default/b'), reply('2')]), { messages: 3, outcomes: 3, lost: 0, duplicated: 0, reordered: 0 });
});

test('a message without an outcome is lost, one with two is duplicated', async () => {
  assert.deepEqual(await found([message('1'), message('2')], [reply('2'), reply('2')]), { messages: 2, outcomes: 2, lost: 1, duplicated: 1, reordered: 0 });
});

test('an outcome behind that of a later message of its conversation is out of order', async () => {
  assert.equal((await found([message('1'), message('2')], [reply('2'), reply('1')])).reordered, 1);
});
