/** What a comparison takes and gives. */
import type { BotReply, Message } from '../../schemas/types.js';

/** One input of a recorded conversation. */
export interface RecordedTurn {
  readonly message: Message;
  readonly position: string;
  /** Acceptance time, milliseconds. */
  readonly at: number;
  /** What it came to; null when it had no reply. */
  readonly reply: Recorded | null;
}

export type Recorded = Pick<BotReply, 'outcome' | 'parts' | 'intent'> & Partial<Pick<BotReply, 'effects' | 'prev'>>;

export interface Recording {
  /** `<tenant>/<conversationId>`. */
  readonly key: string;
  readonly turns: readonly RecordedTurn[];
}

export type Verdict = 'same' | 'changed' | 'newlyAnswered' | 'newlyFailed';

/** A side of a turn, as people read it. */
export interface Said {
  readonly outcome: string;
  readonly intent: string | null;
  readonly texts: readonly string[];
  /** Quick replies and buttons. */
  readonly offers: readonly string[];
}

export interface TurnDifference {
  readonly conversation: string;
  readonly position: string;
  /** From 1. */
  readonly turn: number;
  readonly kind: string;
  readonly said: string;
  readonly verdict: Exclude<Verdict, 'same'>;
  readonly before: Said;
  readonly after: Said;
  /** The flow that the turn ran first; null where there was none. */
  readonly flow: string | null;
  /** Effects that the recording has no answer for: what the bot said is what it says when they fail. */
  readonly missing: readonly string[];
  /** Why it could not be played. */
  readonly error: string | null;
}

export type Counts = Readonly<Record<Verdict, number>> & { readonly turns: number };

export interface Comparison {
  readonly bot: string;
  readonly newVersion: string;
  /** `recorded`, or the version that it is compared with. */
  readonly against: string;
  readonly conversations: number;
  /** Of which the beginning is not in the recording: their first turns may differ for that alone. */
  readonly begunBefore: number;
  readonly totals: Counts;
  /** Turns with an effect that the recording has no answer for. */
  readonly withMissingEffects: number;
  /** By the intent that the new version acts on; '' for none. */
  readonly intents: readonly ({ readonly name: string } & Counts)[];
  readonly flows: readonly ({ readonly name: string } & Counts)[];
  /** In the order of the recording, at most so many as were asked for. */
  readonly differences: readonly TurnDifference[];
  readonly left: number;
}
