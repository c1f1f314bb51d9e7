/** Retention and compaction, in steps between which writers and readers have their turn. */
import { ConfabError } from '../../errors.js';
import type { InProcessLog } from './log.js';
import type { PartitionState, TopicState } from './store.js';

export interface MaintenanceOptions {
  /** Compacts also where little has changed since the last time. */
  readonly force: boolean;
  /** The round ends at its next step once this aborts. */
  readonly signal?: AbortSignal;
}

/** @throws CONFAB_CLOSED the signal has aborted */
export async function maintainLog(log: InProcessLog, { force, signal }: MaintenanceOptions): Promise<void> {
  const pause = async (): Promise<void> => {
    await new Promise<void>((resolve) => { log.schedule(resolve); });
    if (signal?.aborted) throw new ConfabError('CONFAB_CLOSED', { detail: 'retention and compaction' });
  };
  for (const topic of [...log.topicStates.values()]) {
    const retains = topic.retentionMillis !== Infinity || topic.retentionBytes !== Infinity;
    await pause();
    for (const partition of topic.partitions) {
      if (retains) await retain(log, partition);
      if (topic.compacted && !topic.deleted) await log.store.compact(partition, { tombstonesBefore: log.clock.now() - topic.tombstoneMillis, force, pause });
    }
  }
  await log.store.sweep(log.clock.now(), pause);
}

async function retain(log: InProcessLog, partition: PartitionState): Promise<void> {
  const { topic } = partition;
  for (let more = true; more && !gone(topic);) {
    more = await log.writer.alone(async () => {
      if (gone(topic)) return false;
      const result = await log.store.retain(partition, log.clock.now() - topic.retentionMillis, topic.retentionBytes);
      partition.start = result.start;
      return result.more;
    });
  }
}

/** The topic may be deleted while a step is awaited. */
function gone(topic: TopicState): boolean { return topic.deleted; }
