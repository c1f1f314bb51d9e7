/**
 * The event log in memory: for tests and simulations, complete. Everything asynchronous comes from the clock and from one
 * injected scheduler (microtasks by default), so that a run with a ManualClock and a seeded Random repeats itself.
 */
import type { Clock } from '../clock.js';
import { systemRandom, type Random } from '../random.js';
import { InProcessLog } from './in-process/log.js';
import { maintainLog } from './in-process/maintenance.js';
import type { LogStore } from './in-process/store.js';
import { MemoryStore } from './memory-store.js';

export interface MemoryEventLogOptions {
  readonly clock: Clock;
  /** Makes the ids of topics. */
  readonly random?: Random;
  /** What outlives the log: pass the store of a closed log to open it again; wrap it to inject faults. */
  readonly store?: LogStore;
  readonly schedule?: (run: () => void) => void;
}

export class MemoryEventLog extends InProcessLog {
  constructor(options: MemoryEventLogOptions) {
    super({
      kind: 'memory', clock: options.clock, random: options.random ?? systemRandom,
      store: options.store ?? new MemoryStore(), schedule: options.schedule ?? queueMicrotask,
    });
  }

  /** Applies retention and compaction to every topic now. */
  async maintain(): Promise<void> {
    await maintainLog(this, { force: true });
  }
}
