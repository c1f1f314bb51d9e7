/**
 * Where retention has cut topics: of messages before these offsets it cannot be said that something is missing, because it may
 * have been removed. A topic that still begins at offset 0 was never cut.
 */
import { CLOCK_ALLOWANCE } from '../../platform/event-log/scan.js';
import { decodeRecord } from '../../schemas/decode-record.js';
import { topicName, topology, type RecordOf } from '../../topology/topology.js';
import type { RecordCodec } from '../../schemas/codec.js';
import type { SourceOptions } from './source.js';
import type { Audited } from './spans.js';

/** Records carry the acceptance time of their message; those of neighbours may differ by what acceptance and clocks allow. */
export const SKEW = 2 * CLOCK_ALLOWANCE;
/** How long after its message a state may be written that says no time of its own. */
const STATE_LAG = 60 * 60 * 1000;

/** Offsets in messages.v1. */
export interface Floors {
  readonly intents: number;
  readonly replies: number;
  /** Of any outcome. */
  readonly outcomes: number;
  readonly states: number;
  /** Milliseconds: of minutes before it, counts and replies may be incomplete. */
  readonly counted: number;
}

/** Until when the messages may be of which a topic has lost records; −Infinity when it was never cut. */
async function cutOf(options: SourceOptions & { readonly now: number }, topic: Audited): Promise<number> {
  const { log, codec, prefix, partition, now } = options;
  const name = topicName(prefix, topic);
  const span = (await log.admin.bounds(name)).find((one) => one.partition === partition);
  if (span === undefined || span.start === 0) return -Infinity;
  const { config } = await log.topic(name);
  const retained = now - Number(config['retention.ms'] ?? 0);
  for await (const { records } of log.read(name, partition, span.start, span.end)) {
    const first = records[0];
    if (first === undefined) continue;
    const recordCodec = codec.of(topology.topics[topic].record) as RecordCodec<RecordOf<Audited>>;
    const value = first.value === null ? undefined : await decodeRecord(recordCodec, first.value).catch(() => undefined);
    // Records stand in the order in which they were made: all that were removed are older than the first that is kept.
    const made = madeAt(value);
    return made === undefined ? Math.max(first.timestamp + STATE_LAG, retained) : Math.max(made, first.timestamp);
  }
  return retained;
}

function madeAt(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { createdAt, detectedAt, closes, at } = value as { createdAt?: unknown; detectedAt?: unknown; closes?: unknown; at?: unknown };
  const found = createdAt ?? detectedAt ?? (closes === undefined ? undefined : at);
  return typeof found === 'number' ? found : undefined;
}

/** `base`: where the audit begins; nothing lies before it. */
export async function floorsOf(options: SourceOptions & { readonly now: number }, base: number): Promise<Floors> {
  const { log, prefix, partition } = options;
  const after = async (cut: number): Promise<number> => cut === -Infinity ? base : Math.max(base, await log.admin.offsetAt(topicName(prefix, 'messages.v1'), partition, cut + SKEW));
  const cuts = { intents: await cutOf(options, 'intents.v1'), replies: await cutOf(options, 'replies.v1'), letters: await cutOf(options, 'dead-letters.v1'), states: await cutOf(options, 'dialogue-states.v1'), counts: await cutOf(options, 'analytics.v1') };
  const replies = await after(cuts.replies);
  return {
    intents: await after(cuts.intents), replies, outcomes: Math.max(replies, await after(cuts.letters)), states: Math.max(replies, await after(cuts.states)),
    counted: Math.max(cuts.replies, cuts.counts) + SKEW,
  };
}
