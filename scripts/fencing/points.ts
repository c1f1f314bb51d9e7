/** Where a process is stopped: before the n-th request of a kind goes out, or after it went out and before its answer is read. */

export const KINDS = {
  Produce: 0, Fetch: 1, ListOffsets: 2, OffsetCommit: 8, OffsetFetch: 9, JoinGroup: 11, Heartbeat: 12, SyncGroup: 14, InitProducerId: 22, AddPartitionsToTxn: 24,
  AddOffsetsToTxn: 25, EndTxn: 26, TxnOffsetCommit: 28, DescribeTransactions: 65,
} as const;

/** A request to Kafka, or the script that writes states into Redis. */
export type Kind = keyof typeof KINDS | 'StateWrite';

export interface Point {
  readonly kind: Kind;
  /** Counted from the start of the process. */
  readonly nth: number;
  readonly side: 'before' | 'after';
}

export const nameOf = ({ kind, nth, side }: Point): string => `${side} ${kind} ${nth}`;

export function parsePoint(text: string): Point {
  const [side, kind, nth] = text.split(' ');
  if ((side !== 'before' && side !== 'after') || kind === undefined || !(kind === 'StateWrite' || kind in KINDS) || !Number.isInteger(Number(nth))) {
    throw new Error(`"${text}" is no point: it reads "before EndTxn 5"`);
  }
  return { side, kind: kind as Kind, nth: Number(nth) };
}

/** By which number a request of a commit belongs to one that is neither the first nor a retry of it. */
const STEADY = 5;

/** Of a take-over from a process that did not hand over, in the order in which they are sent; then the first commit, then one in full flight. */
const PLACES: readonly (readonly [Kind, number])[] = [
  ['JoinGroup', 1], ['JoinGroup', 2], ['SyncGroup', 1], ['OffsetFetch', 1], ['DescribeTransactions', 1], ['DescribeTransactions', 2], ['InitProducerId', 1], ['InitProducerId', 2],
  ['OffsetFetch', 2], ['ListOffsets', 1], ['OffsetCommit', 1], ['Fetch', 1], ['Heartbeat', 1],
  ['InitProducerId', 3], ['InitProducerId', 4], ['AddPartitionsToTxn', 1], ['EndTxn', 1],
  ['AddPartitionsToTxn', STEADY], ['AddOffsetsToTxn', STEADY], ['Produce', STEADY], ['TxnOffsetCommit', STEADY], ['EndTxn', STEADY], ['StateWrite', 2 * STEADY], ['Heartbeat', STEADY],
];

/** Every place between two requests. `brokers`: a commit sends a Produce to each of them. */
export function allPoints(brokers: number): Point[] {
  const more = Array.from({ length: brokers - 1 }, (_, i): readonly [Kind, number] => ['Produce', STEADY + 1 + i]);
  return [...PLACES, ...more].flatMap(([kind, nth]) => (['before', 'after'] as const).map((side) => ({ kind, nth, side })));
}
