/** One record of a conversation as people look at it: decoded, JSON only, with its place, its times and what it changed. */

/** Topics of a conversation, in the order in which a message passes them. */
export const STORY_TOPICS = ['messages.v1', 'intents.v1', 'replies.v1', 'dead-letters.v1', 'dialogue-states.v1', 'timers.v1', 'deliveries.v1'] as const;
export type StoryTopic = (typeof STORY_TOPICS)[number];

/** One thing that is different from the state before; `from` or `to` is null where it was or is not there. */
export interface StateChange {
  /** Such as `handedOff` or `slots.tracking_number`. */
  readonly path: string;
  readonly from: unknown;
  readonly to: unknown;
}

export interface RecordView {
  /** Name in the topology, without prefix. */
  readonly topic: StoryTopic;
  readonly partition: number;
  readonly offset: number;
  /** Position of the message that it belongs to (index 00); null when the record does not say. */
  readonly position: string | null;
  readonly messageId: string | null;
  /** Who wrote it: ingress, intent, dialogue, egress, or for a dead letter the stage that gave up. */
  readonly stage: string;
  /** Acceptance of the message, RFC 3339. */
  readonly acceptedAt: string;
  /** When it was made, where the record says so. */
  readonly at: string | null;
  readonly sinceAcceptedMs: number | null;
  /** Since the hop before it that has a time. */
  readonly sincePreviousMs: number | null;
  readonly intent?: string | null;
  /** 0 to 1. */
  readonly confidence?: number;
  /** What it says, in a few words, on one line. */
  readonly summary: string;
  /** The record itself; null for a tombstone; `{"undecodable", "reason"}` for bytes that are no record. */
  readonly value: unknown;
  /** Of a DialogueState: what is different from the one before. Null when the one before is not known. */
  readonly stateChange?: readonly StateChange[] | null;
  /** True when long texts or bytes of `value` were cut. */
  readonly clipped?: boolean;
}
