import { ManualClock } from '../../../platform/clock-manual.js';
import { claimIndexContract } from './claim-index.contract.js';
import { MemoryClaimIndex, MemoryClaimStore } from './memory.js';

claimIndexContract('memory', async () => {
  const store = new MemoryClaimStore();
  const clock = new ManualClock();
  return { open: () => new MemoryClaimIndex({ clock, keepMillis: 60_000, store }), flush: async () => { store.flush(); }, close: async () => undefined };
});
