/** Records of a conversation as the X-ray gets them, put together by message. */

/** A record on a topic of the log: docs/frames.md, confab.xray.v1. */
export interface XrayRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly position: string | null;
  readonly messageId: string | null;
  readonly stage: string;
  readonly acceptedAt: string;
  readonly at: string | null;
  readonly sinceAcceptedMs: number | null;
  readonly sincePreviousMs: number | null;
  readonly intent?: string | null;
  readonly confidence?: number;
  readonly summary: string;
  readonly value: unknown;
  readonly stateChange?: readonly { readonly path: string; readonly from: unknown; readonly to: unknown }[] | null;
  readonly clipped?: boolean;
}

/** One message on its way: its records in the order of their making. */
export interface Journey {
  readonly key: string;
  readonly acceptedAt: string;
  /** What was said. */
  readonly title: string;
  readonly hops: readonly XrayRecord[];
  /** From acceptance to the last hop that says when it was; 0 while there is none. */
  readonly millis: number;
}

/** The order in which a message passes the topics: for records that do not say when they were made. */
const ORDER = ['messages.v1', 'intents.v1', 'dialogue-states.v1', 'replies.v1', 'dead-letters.v1'];

/** At most so many messages are kept in sight. */
const MOST = 50;

export const keyOf = ({ topic, partition, offset }: XrayRecord): string => `${topic} ${partition} ${offset}`;

/** Newest message first. A record that came twice, after a reconnect, stands once. */
export function journeysOf(records: Iterable<XrayRecord>): Journey[] {
  const groups = new Map<string, Map<string, XrayRecord>>();
  for (const record of records) {
    const group = record.position ?? record.messageId ?? '';
    const hops = groups.get(group) ?? new Map<string, XrayRecord>();
    groups.set(group, hops.set(keyOf(record), record));
  }
  return [...groups].sort(([one], [other]) => (one < other ? 1 : -1)).slice(0, MOST).map(([key, hops]) => journeyOf(key, [...hops.values()]));
}

function journeyOf(key: string, records: readonly XrayRecord[]): Journey {
  const hops = [...records].sort((one, other) => (one.sinceAcceptedMs ?? 0) - (other.sinceAcceptedMs ?? 0) || placeOf(one) - placeOf(other));
  const message = hops.find(({ topic }) => topic === 'messages.v1');
  return {
    key, hops, acceptedAt: (message ?? hops[0])?.acceptedAt ?? '', title: message?.summary ?? 'Without a message',
    millis: Math.max(0, ...hops.map(({ sinceAcceptedMs }) => sinceAcceptedMs ?? 0)),
  };
}

function placeOf({ topic }: XrayRecord): number {
  const place = ORDER.indexOf(topic);
  return place < 0 ? ORDER.length : place;
}
