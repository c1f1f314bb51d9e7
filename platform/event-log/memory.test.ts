import { systemClock } from '../clock.js';
import { eventLogContract } from './event-log.contract.js';
import { MemoryEventLog } from './memory.js';
import { MemoryStore } from './memory-store.js';
import { inProcessHarness } from './contract/in-process.contract.js';

eventLogContract('memory', async () => {
  const store = new MemoryStore();
  return inProcessHarness(async () => new MemoryEventLog({ clock: systemClock, store }));
});
