/**
 * How far each reader of the topology is behind: what its group has committed against the end of each partition that it
 * reads, and how long the oldest record that it has not finished has been waiting. Read from outside: no group is joined.
 */
import type { Clock } from '../platform/clock.js';
import { isCode } from '../platform/errors.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import { groupName, topicName, topology, type EdgeName, type StageName, type TopicName } from '../topology/topology.js';

export interface TopicLag {
  /** Stage or edge of the topology. */
  readonly reader: string;
  readonly topic: TopicName;
  readonly partitions: number;
  /** Sums over the partitions. */
  readonly committed: number;
  readonly end: number;
  /** Offsets between; on Kafka they may include markers of transactions. */
  readonly behind: number;
  /** Partitions that are behind. */
  readonly late: number;
  /** Since the acceptance of the oldest record that is not finished; null when there is none. */
  readonly oldestMillis: number | null;
  /** False: the group has never committed anything of the topic. */
  readonly begun: boolean;
}

interface Reader { readonly name: StageName | EdgeName; readonly topics: readonly TopicName[] }

/** Those of the topology that read in a group. */
const READERS: readonly Reader[] = [
  ...Object.entries(topology.stages).map(([name, { reads }]) => ({ name: name as StageName, topics: reads })),
  // Egress reads messages.v1 without a group: it serves history from there.
  { name: 'egress', topics: ['replies.v1', 'dead-letters.v1'] },
];

/** Partitions whose oldest record is looked up at the same time. */
const AT_ONCE = 8;

/** One entry for each reader and topic, in the order of the topology. @throws CONFAB_LOG_UNAVAILABLE, CONFAB_TOPIC_UNKNOWN */
export async function lagOf(log: EventLog, { prefix, clock }: { prefix: string; clock: Clock }): Promise<TopicLag[]> {
  const found: TopicLag[] = [];
  for (const { name, topics } of READERS) for (const topic of topics) found.push(await topicLag(log, { reader: name, topic, prefix, clock }));
  return found;
}

async function topicLag(log: EventLog, { reader, topic, prefix, clock }: { reader: StageName | EdgeName; topic: TopicName; prefix: string; clock: Clock }): Promise<TopicLag> {
  const name = topicName(prefix, topic);
  // Commits first: an end that is asked for later is never before them.
  const commits = new Map((await log.admin.committed(groupName(prefix, reader), name)).map(({ partition, offset }) => [partition, offset]));
  const spans = (await log.admin.bounds(name)).map(({ partition, start, end }) => {
    const commit = commits.get(partition) ?? null;
    return { partition, end, from: Math.min(end, Math.max(start, commit ?? start)), commit };
  });
  const late = spans.filter(({ from, end }) => from < end);
  const oldest: { waiting: number; behind: number }[] = [];
  for (let at = 0; at < late.length; at += AT_ONCE) {
    oldest.push(...await Promise.all(late.slice(at, at + AT_ONCE).map(async ({ partition, from, end }) => {
      const timestamp = await firstTimestamp(log, { name, partition, from, end });
      // Nothing but markers: all records are finished.
      return timestamp === undefined ? { waiting: 0, behind: 0 } : { waiting: timestamp === null ? 0 : clock.now() - timestamp, behind: end - from };
    })));
  }
  const waiting = oldest.filter(({ behind }) => behind > 0);
  return {
    reader, topic, partitions: spans.length,
    committed: sum(spans.map(({ from }) => from)), end: sum(spans.map(({ end }) => end)), behind: sum(waiting.map(({ behind }) => behind)), late: waiting.length,
    oldestMillis: waiting.length === 0 ? null : Math.max(0, ...waiting.map((one) => one.waiting)), begun: spans.some(({ commit }) => commit !== null),
  };
}

/** Undefined: there is no record. Null: it may not be read; what is behind is counted all the same. */
async function firstTimestamp(log: EventLog, { name, partition, from, end }: { name: string; partition: number; from: number; end: number }): Promise<number | null | undefined> {
  try {
    for await (const { records } of log.read(name, partition, from, end)) if (records[0] !== undefined) return records[0].timestamp;
  } catch (error) {
    if (!isCode(error, 'CONFAB_LOG_REFUSED')) throw error;
    return null;
  }
  return undefined;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
