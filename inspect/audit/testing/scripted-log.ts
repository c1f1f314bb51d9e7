/** For tests: a log that is written down, gaps included, and read in batches of any size at any pace. */
import type { CommittedOffset, EventLog, LogAdmin, LogRecord, RecordBatch, TopicDescription } from '../../../platform/event-log/event-log.js';
import type { Random } from '../../../platform/random.js';

export interface ScriptedPartition { start: number; end: number; readonly records: LogRecord[] }

export interface Script {
  readonly id: string;
  readonly topics: ReadonlyMap<string, readonly ScriptedPartition[]>;
  /** By group and topic, `<group> <topic>`: committed offsets by partition. */
  readonly committed: ReadonlyMap<string, readonly number[]>;
}

/** As much of the port as an audit uses. */
export function scriptedLog(script: Script, random: Random, mostBatch = 50): EventLog {
  const partitionsOf = (topic: string): readonly ScriptedPartition[] => script.topics.get(topic) ?? [];
  const partitionOf = (topic: string, partition: number): ScriptedPartition => partitionsOf(topic)[partition] ?? { start: 0, end: 0, records: [] };
  const describe = (topic: string): TopicDescription => ({ name: topic, id: script.id, partitions: partitionsOf(topic).length, config: { 'retention.ms': '1209600000' }, replicas: 1 });
  const admin: Partial<LogAdmin> = {
    bounds: (topic) => Promise.resolve(partitionsOf(topic).map(({ start, end }, partition) => ({ topic, partition, start, end }))),
    offsetAt: (topic, partition, timestamp) => {
      const { records, start, end } = partitionOf(topic, partition);
      return Promise.resolve(records.find((record) => record.offset >= start && record.timestamp >= timestamp)?.offset ?? end);
    },
    committed: (group, topic) => Promise.resolve(partitionsOf(topic).map((_, partition): CommittedOffset => ({ topic, partition, offset: script.committed.get(`${group} ${topic}`)?.[partition] ?? null, metadata: '' }))),
  };
  async function* read(topic: string, partition: number, from: number, to?: number): AsyncGenerator<RecordBatch> {
    const { records, start, end } = partitionOf(topic, partition);
    const until = Math.min(to ?? end, end);
    let at = Math.max(from, start);
    while (at < until) {
      for (let turns = Math.floor(random.float() * 4); turns > 0; turns -= 1) await Promise.resolve();
      const count = 1 + Math.floor(random.float() * mostBatch);
      const batch = records.filter((record) => record.offset >= at && record.offset < until).slice(0, count);
      at = batch.length < count ? until : (batch.at(-1) as LogRecord).offset + 1;
      // Now and then a batch of nothing but gaps.
      yield { topic, partition, records: batch, nextOffset: at, endOffset: end };
    }
  }
  return { kind: 'memory', maxRecordBytes: 1_000_000, admin, read, settledEnd: (topic: string, partition: number) => Promise.resolve(partitionOf(topic, partition).end), topic: (name: string) => Promise.resolve(describe(name)), close: () => Promise.resolve() } as unknown as EventLog;
}
