import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isCode } from './errors.js';
import { partitionOf } from './partitioner.js';
import { epochOf, formatPosition, parsePosition } from './position.js';

test('a position reads back as it was written', () => {
  const text = formatPosition(epochOf('0A1B2C3D4E5F'), 42, 1);
  assert.equal(text, '0a1b2c3d-000000000042-01');
  assert.deepEqual(parsePosition(text), { epoch: '0a1b2c3d', offset: 42, index: 1 });
});

test('positions of one conversation compare as strings', () => {
  assert.ok(formatPosition('0a1b2c3d', 9, 1) < formatPosition('0a1b2c3d', 10, 0));
  assert.ok(formatPosition('0a1b2c3d', 10, 0) < formatPosition('0a1b2c3d', 10, 1));
});

test('a malformed position is refused with its code', () => {
  for (const text of ['', 'x', '0a1b2c3d-42-01', '0a1b2c3d-000000000042-01 ', '0A1B2C3D-000000000042-01']) {
    assert.throws(() => parsePosition(text), (error) => isCode(error, 'CONFAB_POSITION_INVALID'), text);
  }
});

test('a key with NUL lands beside its conversation', () => {
  assert.equal(partitionOf('default/c1\0timer-1', 24), partitionOf('default/c1', 24));
});

test('partitions are those of the Java client', () => {
  // Expected values: kafkajs 2.2.4's DefaultPartitioner, itself compatible with the Java client.
  assert.deepEqual(['default/a', 'default/conv-1', 'acme/ch:telegram:1:abc', ''].map((key) => partitionOf(key, 24)), [5, 2, 10, 9]);
});
