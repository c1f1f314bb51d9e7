/** Everything that stands in the log at the end, decoded. Read from the store of the log itself, past all links. */
import type { LogRecord } from '../../platform/event-log/event-log.js';
import type { MemoryEventLog } from '../../platform/event-log/memory.js';
import type { Codec } from '../../schemas/codec.js';
import { topology, type RecordOf, type TopicName } from '../../topology/topology.js';

export interface Entry<T extends TopicName> {
  readonly partition: number;
  readonly record: LogRecord;
  /** undefined: not a record of the topic; a tombstone is none either. */
  readonly value: RecordOf<T> | undefined;
}

export interface History {
  readonly messages: readonly Entry<'messages.v1'>[];
  readonly intents: readonly Entry<'intents.v1'>[];
  readonly replies: readonly Entry<'replies.v1'>[];
  readonly states: readonly Entry<'dialogue-states.v1'>[];
  readonly letters: readonly Entry<'dead-letters.v1'>[];
  readonly timers: readonly Entry<'timers.v1'>[];
  readonly counts: readonly Entry<'analytics.v1'>[];
}

export async function readHistory(log: MemoryEventLog, codec: Codec): Promise<History> {
  return {
    messages: await readTopic(log, codec, 'messages.v1'),
    intents: await readTopic(log, codec, 'intents.v1'),
    replies: await readTopic(log, codec, 'replies.v1'),
    states: await readTopic(log, codec, 'dialogue-states.v1'),
    letters: await readTopic(log, codec, 'dead-letters.v1'),
    timers: await readTopic(log, codec, 'timers.v1'),
    counts: await readTopic(log, codec, 'analytics.v1'),
  };
}

async function readTopic<T extends TopicName>(log: MemoryEventLog, codec: Codec, topic: T): Promise<Entry<T>[]> {
  const decoder = codec.of(topology.topics[topic].record);
  const found: Entry<T>[] = [];
  for (let partition = 0; partition < log.partitionCount(topic); partition += 1) {
    for await (const { records } of log.read(topic, partition, 0)) {
      for (const record of records) found.push({ partition, record, value: attempt(() => decoder.decode(record.value as Buffer) as RecordOf<T>) });
    }
  }
  return found;
}

function attempt<T>(work: () => T): T | undefined {
  try { return work(); } catch { return undefined; }
}

/** Offset in messages.v1 of a position; NaN for what is none. Parsed here by hand: the checker shares nothing with what it checks. */
export function offsetOf(position: string): number {
  const parts = position.split('-');
  return parts.length === 3 ? Number.parseInt(parts[1] ?? '', 10) : Number.NaN;
}

export function positionFor(epoch: string, offset: number, index = 0): string {
  return `${epoch}-${String(offset).padStart(12, '0')}-${String(index).padStart(2, '0')}`;
}

export function place(topic: string, partition: number, offset: number): string { return `${topic}/${partition}@${offset}`; }
