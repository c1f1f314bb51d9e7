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

/** A record on its way, with where it stands in time. */
export interface Hop {
  readonly record: XrayRecord;
  /** From the acceptance of the message; of a record that does not say, as far as the hop before. */
  readonly sinceAccepted: number;
}

/** One message on its way: its records in the order in which a message passes the topics. */
export interface Journey {
  readonly key: string;
  readonly acceptedAt: string;
  /** What was said. */
  readonly title: string;
  readonly hops: readonly Hop[];
  /** From acceptance to the last hop that says when it was; 0 while there is none. */
  readonly millis: number;
}

const ORDER = ['messages.v1', 'intents.v1', 'replies.v1', 'dead-letters.v1', 'dialogue-states.v1', 'timers.v1', 'deliveries.v1'];

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
  const ordered = [...records].sort((one, other) => placeOf(one) - placeOf(other) || one.offset - other.offset);
  const message = ordered.find(({ topic }) => topic === 'messages.v1');
  let sinceAccepted = 0;
  const hops = ordered.map((record) => { sinceAccepted = record.sinceAcceptedMs ?? sinceAccepted; return { record, sinceAccepted }; });
  return {
    key, hops, acceptedAt: (message ?? ordered[0])?.acceptedAt ?? '', title: message?.summary ?? 'Without a message',
    millis: Math.max(0, ...hops.map((hop) => hop.sinceAccepted)),
  };
}

function placeOf({ topic }: XrayRecord): number {
  const place = ORDER.indexOf(topic);
  return place < 0 ? ORDER.length : place;
}
