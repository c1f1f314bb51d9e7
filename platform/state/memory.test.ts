import { MemoryStateStore } from './memory.js';
import { stateStoreContract } from './state-store.contract.js';

stateStoreContract('memory', () => {
  const store = new MemoryStateStore();
  return { store, flush: () => { store.flush(); }, snapshot: () => store.snapshot() };
});
