import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededRandom } from '../platform/random.js';
import { createLocalCodec } from './codec-local.js';
import { JsonRecordReader } from './from-json.js';
import { Sampler } from './samples.js';
import { newestSchemas, schemaFolder } from './schema-set.js';

const schemas = newestSchemas(schemaFolder());
const readerOf = (record: string) => new JsonRecordReader(schemas.get(record as never)?.text ?? '');

/** As a record is printed: bytes in base64. */
function jsonOf(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_name, inner: unknown) => {
    const buffer = inner as { type?: unknown; data?: number[] } | null;
    return typeof buffer === 'object' && buffer?.type === 'Buffer' && Array.isArray(buffer.data) ? Buffer.from(buffer.data).toString('base64') : inner;
  })) as unknown;
}

test('what was printed of any record is read back as the same record', () => {
  const codec = createLocalCodec();
  for (const { record, text } of schemas.values()) {
    const sampler = new Sampler(text, seededRandom(5));
    const reader = readerOf(record);
    for (let i = 0; i < 50; i += 1) {
      const bytes = codec.of(record).encode(sampler.next() as never);
      const { value, faults } = reader.read(jsonOf(codec.of(record).decode(bytes)));
      assert.deepEqual(faults, [], record);
      assert.deepEqual(codec.of(record).encode(value as never), bytes, record);
    }
  }
});

test('fields with a default may be left out, and times may be written as in RFC 3339', () => {
  const { value, faults } = readerOf('Message').read({ kind: 'text', messageId: 'm', botId: 'b', channel: 'web', author: { type: 'person' }, text: 'hi', sentAt: '2026-01-31T12:00:00Z' });
  assert.deepEqual(faults, []);
  assert.deepEqual([value.userId, value.attributes, value.author, value.sentAt], [null, {}, { type: 'person', name: null }, Date.UTC(2026, 0, 31, 12)]);
});

test('each fault is named by its place and its rule, and never with the value', () => {
  const { faults } = readerOf('Message').read({ kind: 7, messageId: 'm', botId: 'b', author: { type: 'person', nam: 'SECRET' }, text: 12, attributes: { 'a/b': 3, ok: 'x' }, sentAt: 'SECRET', 'ex~tra': 1 });
  assert.deepEqual(faults.map(({ pointer, detail }) => `${pointer} ${detail}`).sort(), [
    '/attributes/a~1b must be a string or a Sealed or null',
    '/author/nam is not a field of Author',
    '/channel is missing',
    '/ex~0tra is not a field of Message',
    '/kind must be a text',
    '/sentAt must be a time as in RFC 3339, or milliseconds since 1970',
    '/text must be a string or a Sealed or null',
  ]);
  assert.ok(!JSON.stringify(faults).includes('SECRET'));
});

test('what is no object at all, wrong numbers, bytes and names are refused', () => {
  for (const json of [null, 3, 'x', [], true]) assert.deepEqual(readerOf('Message').read(json).faults.map(({ pointer }) => pointer), ['']);
  const of = (record: string, json: unknown): string[] => readerOf(record).read(json).faults.map(({ pointer }) => pointer);
  const letter = { status: 'open', stage: 's', phase: 'p', topic: 't', partition: 1, offset: 1, errorCode: 'c', errorMessage: 'm', attempts: 1, at: 1 };
  assert.deepEqual(of('DeadLetter', letter), []);
  for (const [field, wrong] of [['partition', 2 ** 31], ['partition', 1.5], ['offset', 2 ** 53], ['offset', '1'], ['originalKey', 'no base64!'], ['at', 'yesterday'], ['at', 1e300], ['stage', '\ud800']] as const) {
    assert.deepEqual(of('DeadLetter', { ...letter, [field]: wrong }), [`/${field}`], `${field} ${String(wrong)}`);
  }
  assert.deepEqual(of('Message', JSON.parse('{"kind":"text","messageId":"m","botId":"b","channel":"c","author":{"type":"person"},"attributes":{"__proto__":"x"}}')), ['/attributes/__proto__']);
});
