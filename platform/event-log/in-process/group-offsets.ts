import type { CommittedOffset } from '../event-log.js';
import type { GroupOffset } from './store.js';

/** Committed offsets of all groups, in memory: the store holds the same. */
export class GroupOffsets {
  private readonly byGroup = new Map<string, Map<string, Map<number, CommittedOffset>>>();

  apply(offsets: readonly GroupOffset[]): void {
    for (const { group, topic, partition, offset, metadata } of offsets) {
      let topics = this.byGroup.get(group);
      if (!topics) this.byGroup.set(group, topics = new Map<string, Map<number, CommittedOffset>>());
      let partitions = topics.get(topic);
      if (!partitions) topics.set(topic, partitions = new Map<number, CommittedOffset>());
      partitions.set(partition, { topic, partition, offset, metadata });
    }
  }

  get(group: string, topic: string, partition: number): CommittedOffset {
    return this.byGroup.get(group)?.get(topic)?.get(partition) ?? { topic, partition, offset: null, metadata: '' };
  }

  groups(): string[] { return [...this.byGroup.keys()]; }

  forgetTopic(topic: string): void {
    for (const topics of this.byGroup.values()) topics.delete(topic);
  }

  clear(): void { this.byGroup.clear(); }
}
