/** What has come to a topic of one partition since the last look, decoded. */
import type { TopologyDriver } from '../../processors/topology-driver.js';
import { topology, type RecordOf, type TopicName } from '../../topology/topology.js';

export interface Seen<T extends TopicName> { readonly key: string; readonly timestamp: number; readonly offset: number; readonly value: RecordOf<T> | null }

export class Tail<T extends TopicName> {
  private next = 0;

  constructor(private readonly driver: TopologyDriver, private readonly topic: T) {}

  async look(): Promise<Seen<T>[]> {
    const codec = this.driver.codec.of(topology.topics[this.topic].record);
    const found: Seen<T>[] = [];
    for await (const batch of this.driver.log.read(this.topic, 0, this.next)) {
      for (const { key, timestamp, offset, value } of batch.records) found.push({ key: key ?? '', timestamp, offset, value: value === null ? null : codec.decode(value) as RecordOf<T> });
      this.next = batch.nextOffset;
    }
    return found;
  }
}
