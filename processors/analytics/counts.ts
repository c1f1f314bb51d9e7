/** One count as it grows, and its key. */
import type { AnalyticsCount, BotReply } from '../../schemas/types.js';

/** Upper bounds of the latency buckets in milliseconds; one more bucket counts what is above. */
export const LATENCY_BOUNDS = [5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000] as const;
export const MINUTE = 60_000;

export interface Count {
  readonly key: string;
  readonly minute: number;
  readonly botId: string;
  readonly channel: string;
  readonly intent: string | null;
  readonly partition: number;
  replies: number;
  readonly outcomes: Record<string, number>;
  latencyMillisSum: number;
  latencyMillisMax: number;
  readonly latencyBuckets: number[];
  /** Changed since it was last written. */
  changed: boolean;
}

/** `<minute, milliseconds>|<bot>|<channel>|<intent, empty for none>|<partition>`; no part but the last holds a "|" of its own. */
export function countKey(minute: number, reply: Pick<BotReply, 'botId' | 'channel' | 'intent'>, partition: number): string {
  return `${minute}|${plain(reply.botId)}|${plain(reply.channel)}|${reply.intent === null ? '' : plain(reply.intent)}|${partition}`;
}

function plain(part: string): string {
  return part.includes('|') || part.includes('%') ? part.replaceAll('%', '%25').replaceAll('|', '%7C') : part;
}

export function emptyCount(key: string, minute: number, reply: Pick<BotReply, 'botId' | 'channel' | 'intent'>, partition: number): Count {
  return {
    key, minute, botId: reply.botId, channel: reply.channel, intent: reply.intent, partition,
    replies: 0, outcomes: {}, latencyMillisSum: 0, latencyMillisMax: 0, latencyBuckets: new Array<number>(LATENCY_BOUNDS.length + 1).fill(0), changed: false,
  };
}

export function restoreCount(key: string, value: AnalyticsCount): Count {
  const buckets = LATENCY_BOUNDS.map((_, index) => value.latencyBuckets[index] ?? 0);
  return {
    key, minute: value.minute, botId: value.botId, channel: value.channel, intent: value.intent, partition: value.partition,
    replies: value.replies, outcomes: { ...value.outcomes }, latencyMillisSum: value.latencyMillisSum, latencyMillisMax: value.latencyMillisMax,
    latencyBuckets: [...buckets, value.latencyBuckets[LATENCY_BOUNDS.length] ?? 0], changed: false,
  };
}

/** Counts one reply; `accepted` is the acceptance time of the message that caused it. */
export function addReply(count: Count, reply: BotReply, accepted: number): void {
  // Clocks of two machines: a reply is never made before its message.
  const latency = Math.max(0, reply.createdAt - accepted);
  count.replies += 1;
  count.outcomes[reply.outcome] = (count.outcomes[reply.outcome] ?? 0) + 1;
  count.latencyMillisSum += latency;
  if (latency > count.latencyMillisMax) count.latencyMillisMax = latency;
  let bucket = 0;
  while (bucket < LATENCY_BOUNDS.length && latency > (LATENCY_BOUNDS[bucket] as number)) bucket += 1;
  count.latencyBuckets[bucket] = (count.latencyBuckets[bucket] as number) + 1;
  count.changed = true;
}

/** A copy: what is handed out does not change when the count goes on. */
export function toRecord(count: Count): AnalyticsCount {
  return {
    minute: count.minute, botId: count.botId, channel: count.channel, intent: count.intent, partition: count.partition,
    replies: count.replies, outcomes: { ...count.outcomes }, latencyMillisSum: count.latencyMillisSum, latencyMillisMax: count.latencyMillisMax,
    latencyBuckets: [...count.latencyBuckets],
  };
}
