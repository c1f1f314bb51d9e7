import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partitionOf } from '../../platform/partitioner.js';
import { operations } from '../testing.js';

const records = (...list: unknown[]): { body: unknown } => ({ body: { records: list } });
const MESSAGES = '/v1/admin/topics/messages.v1/records';

test('a message needs no more than its text; it is answered with its place and position', async (t) => {
  const { scene, ask } = await operations(t);
  const before = Date.now();
  const { status, body } = await ask('POST', MESSAGES, records({ key: 'default/c1', value: { text: 'hello' }, timestamp: '2020-01-01T00:00:00Z' }));
  const [written] = body.records as Record<string, unknown>[];
  assert.deepEqual([status, written?.topic, written?.partition, written?.offset, body.warnings], [200, 'messages.v1', partitionOf('default/c1', 4), 0, []]);
  assert.match(String(written?.position), /^[0-9a-f]{8}-000000000000-00$/);
  const [message] = await scene.all('messages.v1');
  assert.deepEqual([message?.value.kind, message?.value.botId, message?.value.text, message?.value.author.type], ['text', 'parcel', 'hello', 'person']);
  assert.match(message?.value.messageId ?? '', /^[0-9A-HJKMNP-TV-Z]{26}$/);
  assert.ok((message?.record.timestamp ?? 0) >= before, 'what is too old for the topic is accepted now');
});

test('all records are checked before the first is written, and each fault is named', async (t) => {
  const { scene, ask } = await operations(t);
  const { status, body } = await ask('POST', MESSAGES, records(
    { key: 'default/c1', value: { text: 'fine' } }, { key: 'c1', value: { text: 'x' } }, { key: 'default/c1', value: { txt: 'x' } }, { key: 'default/c1', value: null },
    { key: 'default/c1', value: { text: 'x', messageId: 'own', retryOf: '0-1', idempotencyKeyHash: 'h' } }, { key: 'default/c1', value: { text: 'x' }, timestamp: '2999-01-01T00:00:00Z' },
    { key: 'default/c1', value: { text: 'x'.repeat(2_000_000) } },
  ));
  assert.deepEqual([status, body.code], [400, 'CONFAB_BODY_INVALID']);
  assert.deepEqual((body.errors as { pointer: string }[]).map(({ pointer }) => pointer), [
    '/records/1/key', '/records/2/value/txt', '/records/3/value', '/records/4/value/messageId', '/records/4/value/idempotencyKeyHash', '/records/4/value/retryOf', '/records/5/timestamp', '/records/6/value',
  ]);
  assert.equal((await scene.all('messages.v1')).length, 0);
});

test('topics that stages own are refused, and forced with a warning that says what may break', async (t) => {
  const { scene, ask } = await operations(t);
  for (const topic of ['intents.v1', 'replies.v1', 'dialogue-states.v1', 'timers.v1', 'analytics.v1', 'dead-letters.v1']) {
    const { status, body } = await ask('POST', `/v1/admin/topics/${topic}/records`, records({ key: 'default/c1', value: {} }));
    assert.deepEqual([status, body.code], [409, 'CONFAB_TOPIC_OWNED'], topic);
  }
  const forced = await ask('POST', '/v1/admin/topics/dialogue-states.v1/records', { body: { records: [{ key: 'default/c1', value: null }], force: true } });
  assert.equal(forced.status, 200);
  assert.match(String((forced.body.warnings as string[])[0]), /dialogue-states\.v1: a conversation may forget/);
  const own = await ask('POST', MESSAGES, { body: { records: [{ key: 'default/c1', value: { text: 'x', messageId: 'OWN' } }], force: true } });
  assert.equal(own.status, 200);
  assert.equal((await scene.all('messages.v1'))[0]?.value.messageId, 'OWN');
});

test('other topics take records by their schema, tombstones where they are compacted, and keys of their form', async (t) => {
  const { ask } = await operations(t);
  const code = async (topic: string, ...list: unknown[]): Promise<unknown> => { const { status, body } = await ask('POST', `/v1/admin/topics/${topic}/records`, { body: { records: list, force: topic === 'timers.v1' } }); return status === 200 ? 200 : body.code; };
  const setting = { value: '1', changedBy: 'me', changedAt: '2026-01-01T00:00:00Z' };
  assert.equal(await code('settings.v1', { key: 'k', value: setting, headers: { a: 'b' } }, { key: 'k', value: null }), 200);
  assert.equal(await code('settings.v1', { key: '', value: setting }), 'CONFAB_BODY_INVALID');
  const timer = { timerId: 't', botId: 'b', dueAt: 1, setBy: 'p' };
  assert.equal(await code('timers.v1', { key: 'default/c1\u0000t', value: timer }), 200);
  for (const key of ['default/c1', 'default/c1\u0000', '\u0000t']) assert.equal(await code('timers.v1', { key, value: timer }), 'CONFAB_BODY_INVALID', key);
  assert.equal(await code('nothing.v1', { key: 'k', value: null }), 'CONFAB_TOPIC_UNKNOWN');
  assert.equal(await code('__proto__', { key: 'k', value: null }), 'CONFAB_TOPIC_UNKNOWN');
  assert.equal(await code('settings.v1'), 'CONFAB_BODY_INVALID');
  for (const wrong of [{ value: setting }, { key: 'k' }, { key: 1, value: setting }, { key: 'k', value: setting, more: 1 }, 'text', { key: 'k', value: setting, headers: { a: 1 } }]) {
    assert.equal(await code('settings.v1', wrong), 'CONFAB_BODY_INVALID', JSON.stringify(wrong));
  }
  assert.equal((await ask('POST', '/v1/admin/topics/settings.v1/records', { body: '{' })).body.code, 'CONFAB_JSON_INVALID');
});
