import type { LiveFrame } from './live-bus.js';
import { liveBusContract } from './live-bus.contract.js';
import { MemoryLiveBus } from './memory.js';

liveBusContract('memory', () => {
  const bus = new MemoryLiveBus();
  return {
    bus,
    hear: (key) => {
      const heard: LiveFrame[] = [];
      bus.listen((frame) => { if (frame.key === key) heard.push(frame); });
      return Promise.resolve(heard);
    },
  };
});
