/** Retention and compaction, in steps between which writers and readers have their turn. */
import type { InProcessLog } from './log.js';
import type { PartitionState, TopicState } from './store.js';

/** @param force compacts also where little has changed since the last time */
export async function maintainLog(log: InProcessLog, force: boolean): Promise<void> {
  const pause = (): Promise<void> => new Promise((resolve) => { log.schedule(resolve); });
  for (const topic of [...log.topicStates.values()]) {
    const retains = topic.retentionMillis !== Infinity || topic.retentionBytes !== Infinity;
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
