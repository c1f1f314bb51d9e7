import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCode } from '../../errors.js';
import { seededRandom } from '../../random.js';
import type { LogRecord } from '../event-log.js';
import { decodeBlock, encodeBlock, encodedBytes, readHead } from './blocks.js';

function encode(records: readonly LogRecord[], largest = 0): Buffer {
  return encodeBlock(records, 0, records.length, records.reduce((sum, record) => sum + encodedBytes(record), 0), largest);
}

test('records of every form read back, with gaps between their offsets', () => {
  const records: LogRecord[] = [
    { offset: 2 ** 40, key: 'ключ', value: Buffer.from('v'), timestamp: 1.7e12, headers: undefined },
    { offset: 2 ** 40 + 5, key: null, value: Buffer.alloc(0), timestamp: 0, headers: { a: '', 'ä': 'ö'.repeat(300) } },
    { offset: 2 ** 40 + 6, key: '', value: null, timestamp: 5, headers: undefined },
  ];
  const block = encode(records, 1.7e12);
  assert.deepEqual(decodeBlock(block), records);
  assert.deepEqual(readHead(block), { count: 3, first: 2 ** 40, largestTimestamp: 1.7e12 });
});

test('damaged blocks are refused by a code, whatever is wrong with them', () => {
  const random = seededRandom(3);
  const block = encode(Array.from({ length: 20 }, (_, n) => ({ offset: n, key: `k${n}`, value: Buffer.alloc(n), timestamp: n, headers: n % 3 === 0 ? { h: 'v' } : undefined })));
  for (let round = 0; round < 3_000; round += 1) {
    const bad = Buffer.from(block.subarray(0, 1 + Math.floor(random.float() * block.length)));
    for (let hit = 0; hit < 3; hit += 1) bad[Math.floor(random.float() * bad.length)] = Math.floor(random.float() * 256);
    try { decodeBlock(bad); } catch (error) { assert.ok(isCode(error, 'CONFAB_RECORD_INVALID'), String(error)); }
  }
  assert.throws(() => decodeBlock(Buffer.alloc(0)), (error) => isCode(error, 'CONFAB_RECORD_INVALID'));
});
