import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ManualClock } from '../../../platform/clock-manual.js';
import { claimIndexContract } from './claim-index.contract.js';
import { MemoryClaimIndex, MemoryClaimStore } from './memory.js';

claimIndexContract('memory', async () => {
  const store = new MemoryClaimStore();
  const clock = new ManualClock();
  return { open: () => new MemoryClaimIndex({ clock, keepMillis: 60_000, store }), flush: async () => { store.flush(); }, close: async () => undefined };
});

test('memory: a key is free again after its time', async () => {
  const clock = new ManualClock();
  const index = new MemoryClaimIndex({ clock, keepMillis: 1000 });
  await index.beginRebuild(0, 'o');
  await index.finishRebuild(0, 'o');
  const claim = (messageId: string): ReturnType<typeof index.claim> => index.claim(0, [{ keyHash: 'a', messageId, bodyHash: 'b', logEnd: 0 }]);
  await claim('m1');
  await clock.advance(999);
  assert.equal((await claim('m2'))?.known[0]?.messageId, 'm1');
  await clock.advance(1);
  assert.equal((await claim('m2'))?.known[0], undefined);
});
