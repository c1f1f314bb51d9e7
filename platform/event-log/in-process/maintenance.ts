/** Retention and compaction of one topic, in steps between which writers have their turn. */
import type { InProcessLog } from './log.js';
import type { TopicState } from './store.js';

export async function maintainTopic(log: InProcessLog, topic: TopicState): Promise<void> {
  const now = log.clock.now();
  for (const partition of topic.partitions) {
    const retains = topic.retentionMillis !== Infinity || topic.retentionBytes !== Infinity;
    for (let more = retains; more && !topic.deleted;) {
      more = await log.writer.alone(async () => {
        if (topic.deleted) return false;
        const result = await log.store.retain(partition, now - topic.retentionMillis, topic.retentionBytes);
        partition.start = result.start;
        return result.more;
      });
    }
    if (!topic.compacted) continue;
    await log.writer.alone(async () => {
      if (!topic.deleted) await log.store.compact(partition, now - topic.tombstoneMillis);
    });
  }
}
