/**
 * What of each topic is read, so that a log in which others write can be judged: ends are taken in an order in which each
 * record that is read has what caused it within the ends too. First what the groups have committed, then the ends of the
 * topics from the last to the first; those that are written in transactions only once nothing below is undecided.
 */
import { isCode } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import { groupName, topicName, type StageName, type TopicName } from '../../topology/topology.js';

export const AUDITED = ['messages.v1', 'intents.v1', 'replies.v1', 'dead-letters.v1', 'dialogue-states.v1', 'deliveries.v1', 'timers.v1', 'analytics.v1'] as const satisfies readonly TopicName[];
export type Audited = (typeof AUDITED)[number];

export interface Span { readonly start: number; readonly end: number }

export interface Spans {
  readonly of: Readonly<Record<Audited, Span>>;
  /** Over how many partitions keys are spread: the least that a topic has, for partitions that were added to one move no key. */
  readonly spread: number;
  /** Offsets up to which what belongs to a record must be within the ends too. */
  readonly due: { readonly messages: number; readonly replies: number };
  /** What the groups have committed; undefined where it may not be known. */
  readonly committed: { readonly intent: number | undefined; readonly dialogue: number | undefined; readonly analytics: number | undefined };
}

/** Settled ends that are asked for at the same time. */
const AT_ONCE = 12;

/**
 * One for each partition. `settled`: partitions of which it must be certain that nothing is missing below the ends; it waits
 * for their transactions.
 * @throws CONFAB_LOG_UNAVAILABLE, CONFAB_TOPIC_UNKNOWN: there is no messages.v1
 */
export async function readSpans(log: EventLog, prefix: string, partitions: number, settled: (partition: number) => boolean = () => true): Promise<Spans[]> {
  const committed = {
    intent: await committedBy(log, prefix, 'intent', 'messages.v1'), dialogue: await committedBy(log, prefix, 'dialogue', 'intents.v1'), analytics: await committedBy(log, prefix, 'analytics', 'replies.v1'),
  };
  const bounds = async (topic: Audited): Promise<Map<number, Span>> => new Map((await boundsOf(log, prefix, topic)).map((one) => [one.partition, one]));
  const due = { messages: await bounds('messages.v1'), replies: await bounds('replies.v1') };
  const spans = new Map<Audited, Map<number, Span>>();
  const unsettled = new Set<number>();
  for (const topic of ['analytics.v1', 'deliveries.v1', 'timers.v1', 'dialogue-states.v1', 'replies.v1', 'dead-letters.v1', 'intents.v1', 'messages.v1'] as const) {
    const found = await bounds(topic);
    spans.set(topic, found);
    if (topic === 'deliveries.v1' || topic === 'timers.v1' || topic === 'messages.v1') continue;
    for (const [partition, end] of await settledEnds(log, topicName(prefix, topic), [...found.keys()].filter(settled))) {
      if (end === undefined) unsettled.add(partition);
      else found.set(partition, { start: found.get(partition)?.start ?? 0, end });
    }
  }
  // A topic that was never made has none.
  const spread = Math.min(...[...spans.values()].map(({ size }) => size).filter((size) => size > 0));
  return Array.from({ length: partitions }, (_, partition) => ({
    spread,
    of: Object.fromEntries(AUDITED.map((topic) => [topic, spans.get(topic)?.get(partition) ?? { start: 0, end: 0 }])) as Record<Audited, Span>,
    due: { messages: due.messages.get(partition)?.end ?? 0, replies: due.replies.get(partition)?.end ?? 0 },
    // With a transaction that does not end nobody can say what was passed.
    committed: unsettled.has(partition) ? { intent: undefined, dialogue: undefined, analytics: undefined } : { intent: committed.intent?.get(partition), dialogue: committed.dialogue?.get(partition), analytics: committed.analytics?.get(partition) },
  }));
}

/** A topic that no role has needed yet was never made, where the roles make their own: nothing stands in it. */
async function boundsOf(log: EventLog, prefix: string, topic: Audited): Promise<Awaited<ReturnType<EventLog['admin']['bounds']>>> {
  try {
    return await log.admin.bounds(topicName(prefix, topic));
  } catch (error) {
    if (topic !== 'messages.v1' && isCode(error, 'CONFAB_TOPIC_UNKNOWN')) return [];
    throw error;
  }
}

async function committedBy(log: EventLog, prefix: string, stage: StageName, topic: TopicName): Promise<Map<number, number> | undefined> {
  try {
    return new Map((await log.admin.committed(groupName(prefix, stage), topicName(prefix, topic))).map(({ partition, offset }) => [partition, offset ?? 0]));
  } catch (error) {
    // Without the right to see the group: all else can be judged.
    if (isCode(error, 'CONFAB_LOG_REFUSED')) return undefined;
    throw error;
  }
}

async function settledEnds(log: EventLog, topic: string, partitions: readonly number[]): Promise<Map<number, number | undefined>> {
  const ends = new Map<number, number | undefined>();
  for (let at = 0; at < partitions.length; at += AT_ONCE) {
    await Promise.all(partitions.slice(at, at + AT_ONCE).map(async (partition) => {
      try {
        ends.set(partition, await log.settledEnd(topic, partition));
      } catch (error) {
        if (!isCode(error, 'CONFAB_LOG_UNAVAILABLE')) throw error;
        ends.set(partition, undefined);
      }
    }));
  }
  return ends;
}
