import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { isCode } from '../../errors.js';
import type { NewRecord } from '../event-log.js';
import { crc32c } from './crc32c.js';
import { KeySieve } from './key-sieve.js';
import { decodeBatches } from './record-decoder.js';
import { boundOf, encodeBatch, recordBytes } from './record-encoder.js';

const identity = { transactionalId: null, producerId: 4_000_000_000, epoch: 3 };
const record = (more: Partial<NewRecord> = {}): NewRecord => ({ topic: 't', key: 'default/c', value: Buffer.from('v'), timestamp: 1_800_000_000_000, ...more });

/** As the broker does it: the base offset is set, the check sum does not cover it. */
function at(batch: Buffer, offset: number): Buffer {
  const bytes = Buffer.from(batch);
  bytes.writeBigInt64BE(BigInt(offset), 0);
  return bytes;
}

function marker(offset: number, producerId: number): Buffer {
  const bytes = at(encodeBatch([record()], { ...identity, transactionalId: 'x', producerId }, -1), offset);
  bytes.writeInt16BE(0x30, 21);
  return bytes;
}

test('the check sum is CRC-32C, as published', () => {
  assert.equal(crc32c(Buffer.from('123456789'), 0, 9), 0xe3069283);
  assert.equal(crc32c(Buffer.alloc(32), 0, 32), 0x8a9136aa);
  const theirs = createRequire(import.meta.url)('kafkajs/src/protocol/recordBatch/crc32C/index.js') as (bytes: Buffer) => number;
  const bytes = Buffer.from(Array.from({ length: 1_003 }, (_, i) => (i * 31) & 0xff));
  assert.equal(crc32c(bytes, 0, bytes.length), theirs(bytes) >>> 0);
});

test('records read back as they were written', () => {
  const records = [
    record({ headers: { traceparent: '00-ab', empty: '', 'ä': 'ü' } }), record({ key: null, value: null, timestamp: 1_800_000_000_500 }),
    record({ value: Buffer.alloc(0), timestamp: 1_700_000_000_000 }), record({ key: 'Schlüssel', value: Buffer.alloc(100_000, 5) }),
  ];
  const batch = encodeBatch(records, identity, 0);
  assert.ok(batch.length <= 61 + records.reduce((sum, each) => sum + boundOf(each), 0));
  const { records: found, nextOffset } = decodeBatches(at(batch, 5_000_000_000), 5_000_000_000, []);
  assert.equal(nextOffset, 5_000_000_004);
  assert.deepEqual(found.map(({ offset, key, value, timestamp, headers }) => ({ offset, key, value, timestamp, headers })), records.map(({ key, value, timestamp, headers }, index) => ({ offset: 5_000_000_000 + index, key, value, timestamp, headers })));
});

test('kafkajs reads what is written here', async () => {
  const require = createRequire(import.meta.url);
  const Decoder = require('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => object;
  const decode = require('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (decoder: object) => Promise<{ producerId: string; producerEpoch: number; firstSequence: number; maxTimestamp: string; records: { key: Buffer; value: Buffer }[] }>;
  const batch = await decode(new Decoder(encodeBatch([record(), record({ timestamp: 1_800_000_000_009 })], identity, 77)));
  assert.deepEqual([batch.producerId, batch.producerEpoch, batch.firstSequence, batch.maxTimestamp], ['4000000000', 3, 77, '1800000000009']);
  assert.deepEqual(batch.records.map(({ key, value }) => `${String(key)}=${String(value)}`), ['default/c=v', 'default/c=v']);
});

test('a batch that is cut off is left for the next answer', () => {
  const whole = at(encodeBatch([record(), record()], identity, 0), 10);
  const next = at(encodeBatch([record()], identity, 0), 12);
  for (const size of [0, 20, 60, next.length - 1]) assert.equal(decodeBatches(Buffer.concat([whole, next.subarray(0, size)]), 10, []).nextOffset, 12);
  assert.deepEqual(decodeBatches(Buffer.alloc(0), 10, []), { records: [], nextOffset: 10 });
});

test('records before the offset that was asked for are not handed on', () => {
  assert.deepEqual(decodeBatches(at(encodeBatch([record(), record(), record()], identity, 0), 10), 11, []).records.map(({ offset }) => offset), [11, 12]);
});

test('of some keys: nothing is made of the records of others, and all of them count as passed', () => {
  const keys = ['a', 'default/b', null, '', 'ü', 'default/c', 'default/b', 'x'.repeat(200)];
  const bytes = Buffer.concat([at(encodeBatch(keys.map((key) => record({ key, value: Buffer.from(`of ${key}`) })), identity, 0), 100), at(encodeBatch([record({ key: 'z' })], identity, 0), 108)]);
  const of = (wanted: string[], more: { to?: number } = {}): [number, string][] => {
    const { records, nextOffset } = decodeBatches(bytes, { from: 101, keys: new KeySieve(new Set(wanted)), ...more }, []);
    assert.equal(nextOffset, 109);
    return records.map(({ offset, key, value }) => { assert.equal(String(value), `of ${key}`); return [offset, String(key)]; });
  };
  assert.deepEqual(of(['a', 'default/b', 'ü', '', 'x'.repeat(200)]), [[101, 'default/b'], [103, ''], [104, 'ü'], [106, 'default/b'], [107, 'x'.repeat(200)]]);
  assert.deepEqual(of(['default/b'], { to: 106 }), [[101, 'default/b']]);
  assert.deepEqual(of(['default/d', 'null']), []);
});

test('a sieve never holds back what is wanted, and little else passes', () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `default/conversation-${i}`);
  const wanted = new Set(names.filter((_, i) => i % 20 === 0));
  const sieve = new KeySieve(wanted);
  const through = names.filter((name) => { const bytes = Buffer.from(`..${name}..`); return sieve.mayHave(bytes, 2, bytes.length - 4); });
  for (const name of wanted) assert.ok(sieve.has(name));
  assert.equal(through.filter((name) => wanted.has(name)).length, wanted.size);
  assert.ok(through.length < wanted.size * 1.5, `${through.length} of ${names.length}`);
});

test('a key that is longer than its batch is refused, whoever looks for which', () => {
  const bytes = at(encodeBatch([record({ key: 'ab', value: null })], identity, 0), 0);
  // Size, attributes, time, offset: then the length of the key.
  bytes[61 + 4] = 0x7e;
  const refused = (error: unknown): boolean => isCode(error, 'CONFAB_RECORD_INVALID');
  assert.throws(() => decodeBatches(bytes, 0, []), refused);
  assert.throws(() => decodeBatches(bytes, { from: 0, keys: new KeySieve(new Set(['c'])) }, []), refused);
});

test('aborted records and markers are passed over; others of the same answer are not', () => {
  const of = (offset: number, producerId: number): Buffer => at(encodeBatch([record()], { ...identity, transactionalId: 'x', producerId }, 0), offset);
  const bytes = Buffer.concat([of(0, 1), of(1, 2), marker(2, 1), of(3, 1), marker(4, 2), marker(5, 1), of(6, 2)]);
  const { records, nextOffset } = decodeBatches(bytes, 0, [{ producerId: 1, firstOffset: 0 }]);
  assert.deepEqual(records.map(({ offset }) => offset), [1, 3, 6]);
  assert.equal(nextOffset, 7);
});

test('a batch that compaction emptied counts as passed', () => {
  const bytes = at(encodeBatch([record()], identity, 0), 10).subarray(0, 61);
  bytes.writeInt32BE(61 - 12, 8);
  bytes.writeInt32BE(499, 23);
  bytes.writeInt32BE(0, 57);
  assert.deepEqual(decodeBatches(bytes, 10, []), { records: [], nextOffset: 510 });
});

test('gzip of other writers is read; what cannot be read has a code', () => {
  const plain = at(encodeBatch([record(), record()], identity, 0), 0);
  const packed = gzipSync(plain.subarray(61));
  const bytes = Buffer.concat([plain.subarray(0, 61), packed]);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt16BE(1, 21);
  assert.equal(decodeBatches(bytes, 0, []).records.length, 2);
  bytes.writeInt16BE(4, 21);
  assert.throws(() => decodeBatches(bytes, 0, []), (error) => isCode(error, 'CONFAB_RECORD_INVALID'));
});

test('the size of a record is that of key, value and headers', () => {
  assert.equal(recordBytes(record({ key: 'ä', value: Buffer.alloc(10), headers: { a: 'bc' } })), 2 + 10 + 3);
  assert.equal(recordBytes(record({ key: null, value: null })), 0);
});
