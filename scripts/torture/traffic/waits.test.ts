import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sent } from './ledger.js';
import { Waits } from './waits.js';

const sent = (id: string, acceptedAt: number): Sent => Object.assign(new Sent('c', id, undefined, ''), { messageId: id, position: `p-${id}`, acceptedAt });

test('the first outcome of a message counts; the longest wait is named', () => {
  const waits = new Waits();
  for (const [id, accepted, heard] of [['a', 1_000, 1_010], ['b', 1_000, 4_000], ['b', 1_000, 9_000], ['c', 2_000, 4_005]] as const) waits.add(sent(id, accepted), heard);
  const { p50, longest, of } = waits.summary();
  assert.deepEqual({ p50, longest, of }, { p50: 2005, longest: 3000, of: { conversation: 'c', position: 'p-b', acceptedAt: 1 } });
});

test('silence is the time without any outcome while one was due, not the time in which nobody asked', () => {
  const waits = new Waits();
  waits.add(sent('a', 0), 10);
  waits.add(sent('b', 60_000), 60_500);
  waits.add(sent('c', 60_100), 62_000);
  assert.equal(waits.summary().silence, 1_500);
});

test('nothing heard is nothing waited', () => {
  assert.deepEqual(new Waits().summary(), { p50: 0, p99: 0, longest: 0, of: undefined, silence: 0 });
});
