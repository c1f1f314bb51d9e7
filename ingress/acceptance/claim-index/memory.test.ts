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

test('memory: it is bounded by refusing, and what is past its time makes room', async () => {
  const clock = new ManualClock();
  const store = new MemoryClaimStore();
  const index = new MemoryClaimIndex({ clock, keepMillis: 1000, store, maxClaims: 2 });
  await index.beginRebuild(0, 'o');
  await index.finishRebuild(0, 'o');
  const claim = (keyHash: string): ReturnType<typeof index.claim> => index.claim(0, [{ keyHash, messageId: 'm', bodyHash: 'b', logEnd: 0 }]);
  await claim('a');
  await clock.advance(500);
  await claim('b');
  await assert.rejects(claim('c'), { code: 'CONFAB_OVERLOADED' });
  await clock.advance(500);
  assert.equal((await claim('c'))?.known[0], undefined, 'the claim of a has ended');
  assert.equal(store.size, 2);
});
