/** Writes records that somebody made by hand. All of them are checked before the first is written. */
import type { Appender, EventLog, NewRecord } from '../../platform/event-log/event-log.js';
import { partitionOf } from '../../platform/partitioner.js';
import { epochOf, formatPosition } from '../../platform/position.js';
import { topicName, type TopicName } from '../../topology/topology.js';
import { RecordChecker, type Checked, type ProduceEntry, type RecordCheckerOptions } from './record-checker.js';

export interface Produced {
  /** Full name. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  /** Of a message. */
  readonly position?: string;
}

export interface ProducerOptions extends RecordCheckerOptions {
  readonly log: EventLog;
  readonly prefix: string;
}

/** Records written, and heard of, at a time. */
const CHUNK = 500;

export class Producer {
  private readonly checker: RecordChecker;

  constructor(private readonly options: ProducerOptions) {
    this.checker = new RecordChecker({ ...options, maxRecordBytes: options.log.maxRecordBytes });
  }

  /** @throws those of RecordChecker.check */
  check(topic: TopicName, entries: readonly ProduceEntry[], force: boolean): Checked {
    return this.checker.check(topic, entries, force);
  }

  /**
   * Writes in the order given; `onWritten` hears each record once the log has it.
   * @throws CONFAB_TOPIC_UNKNOWN the log lacks the topic; CONFAB_LOG_UNAVAILABLE and others of Appender.append: what was not
   *   heard of was not written; CONFAB_LOG_OUTCOME_UNKNOWN the records after the last that was heard of may have been written
   */
  async write(topic: TopicName, { records }: Checked, onWritten: (produced: Produced) => void): Promise<void> {
    const { log, prefix } = this.options;
    const { name, partitions, id } = await log.topic(topicName(prefix, topic));
    const epoch = topic === 'messages.v1' ? epochOf(id) : undefined;
    const appender = await log.appender();
    try {
      for (let at = 0; at < records.length; at += CHUNK) {
        const chunk = records.slice(at, at + CHUNK).map((record): NewRecord & { partition: number } => ({
          ...record, topic: name, partition: partitionOf(record.key, partitions),
          // What waited may have grown too old for the topic: it is accepted now.
          ...(epoch === undefined ? {} : { timestamp: this.options.clock.now() }),
        }));
        await append(appender, chunk, epoch, onWritten);
      }
    } finally {
      await appender.close();
    }
  }
}

async function append(appender: Appender, chunk: readonly (NewRecord & { partition: number })[], epoch: string | undefined, onWritten: (produced: Produced) => void): Promise<void> {
  const offsets = await appender.append(chunk);
  chunk.forEach(({ topic, partition, key }, index) => {
    const offset = offsets[index] ?? -1;
    onWritten({ topic, partition, offset, key: key ?? '', ...(epoch === undefined ? {} : { position: formatPosition(epoch, offset, 0) }) });
  });
}
