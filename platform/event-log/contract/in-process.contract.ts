import type { EventLog } from '../event-log.js';
import type { LogHarness } from './bench.contract.js';

/** A log of one process, whose retention and compaction can be called. */
export interface Maintained extends EventLog {
  maintain(): Promise<void>;
}

/** The harness of the logs of one process: names need not be unique, each test has a log of its own. */
export function inProcessHarness(open: () => Promise<Maintained>): LogHarness {
  let opened: Maintained | undefined;
  return {
    open: async () => {
      opened = await open();
      return opened;
    },
    name: (what) => what,
    trim: async (log, topic) => {
      await log.admin.setTopicConfig(topic, { 'retention.ms': '86400000' });
      await opened?.maintain();
    },
    compact: async () => { await opened?.maintain(); },
  };
}
