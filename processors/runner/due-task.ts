/** Work that time brought: no input, but it commits with the offsets of its partition, so that only its owner can. */
import type { TopicName } from '../../topology/topology.js';
import type { PartitionShare } from './partition-share.js';
import type { Work } from './work.js';

export class DueTask implements Work {
  done = false;
  attempts = 0;
  startedAt = 0;
  span: Work['span'] = undefined;
  readonly topic: TopicName;
  readonly partition: number;
  readonly offset = -1;
  readonly key = '';
  readonly value = null as never;
  readonly headers = undefined;
  readonly rawKey = null;
  readonly rawValue = null;

  /** @param timestamp of what it writes */
  constructor(readonly share: PartitionShare, readonly timestamp: number) {
    this.topic = share.topic as TopicName;
    this.partition = share.partition;
  }
}
