/** Where reading of a partition begins, as people say it. */
import { ConfabError } from '../platform/errors.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import { CLOCK_ALLOWANCE } from '../platform/event-log/scan.js';
import type { StoryTopics } from './story-topics.js';

export type From =
  | { readonly kind: 'start' | 'end' }
  /** Of a message, or of what it caused. */
  | { readonly kind: 'position'; readonly epoch: string; readonly offset: number }
  /** Milliseconds since the epoch. */
  | { readonly kind: 'time'; readonly millis: number }
  /** So long before now. */
  | { readonly kind: 'ago'; readonly millis: number };

/** The first offset of a partition at a time or a place of the whole topic. Positions need a conversation: `offsetFrom`. */
export async function offsetAtTime(log: EventLog, topic: string, partition: number, { from, now }: { from: Exclude<From, { kind: 'position' }>; now: number }): Promise<number> {
  const bounds = (await log.admin.bounds(topic)).find((one) => one.partition === partition) ?? { start: 0, end: 0 };
  switch (from.kind) {
    case 'start': return bounds.start;
    case 'end': return bounds.end;
    case 'time': return log.admin.offsetAt(topic, partition, from.millis);
    case 'ago': return log.admin.offsetAt(topic, partition, now - from.millis);
  }
}

/** The first offset of messages.v1 in the partition of a conversation. @throws CONFAB_POSITION_INVALID of another log */
export async function offsetFrom(log: EventLog, topics: StoryTopics, partition: number, { from, now }: { from: From; now: number }): Promise<number> {
  if (from.kind !== 'position') return offsetAtTime(log, topics.fullName('messages.v1'), partition, { from, now });
  if (from.epoch !== topics.epoch) throw new ConfabError('CONFAB_POSITION_INVALID', { detail: `The position is of another log: positions of this one begin with ${topics.epoch}.` });
  return from.offset;
}

/** The first offset of another topic of the conversation at which something of that message or of a later one can stand. */
export async function offsetOfCaused(log: EventLog, topics: StoryTopics, place: { topic: string; partition: number; message: number }): Promise<number> {
  for await (const { records } of log.read(topics.fullName('messages.v1'), place.partition, place.message)) {
    if (records[0] !== undefined) return log.admin.offsetAt(place.topic, place.partition, records[0].timestamp - CLOCK_ALLOWANCE);
  }
  return (await log.admin.bounds(place.topic)).find(({ partition }) => partition === place.partition)?.end ?? 0;
}
