import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStateStore } from './memory.js';
import { stateStoreContract } from './state-store.contract.js';

stateStoreContract('memory', () => {
  const store = new MemoryStateStore();
  return { store, flush: () => { store.flush(); }, snapshot: () => store.snapshot() };
});

test('memory state store: after a close it refuses everything', async () => {
  const store = new MemoryStateStore();
  await store.close();
  await assert.rejects(store.read('view', 0, []), { code: 'CONFAB_STATE_UNAVAILABLE' });
  await assert.rejects(store.check(), { code: 'CONFAB_STATE_UNAVAILABLE' });
});
