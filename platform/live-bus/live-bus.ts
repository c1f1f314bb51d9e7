/**
 * Port: shows sockets what is passing: that the bot is at work, and the beginning of a reply that is being made. From the
 * stage dialogue to whatever egress has the sockets of the conversation.
 *
 * Contract
 * - Lossy: nothing that is published is kept, repeated or resumed, and nobody learns whether it arrived. What counts is on
 *   the log. So `publish` never throws, never waits, and while the way is blocked it drops what comes.
 * - Frames of one conversation that do arrive, arrive in the order in which they were published.
 * - A frame names the message on whose outcome the work is (`before`): a socket that has the outcome gets it no more, so a
 *   frame that comes late shows nothing that is over.
 *
 * Adapters: memory.ts (one process), redis.ts (the conversation's channel of the fan-out). Contract suite: live-bus.contract.ts.
 */

export interface LiveFrame {
  /** `<tenant>/<conversationId>`. */
  readonly key: string;
  /** Position of the message that is being answered (index 00). */
  readonly before: string;
  /** Place in the run of frames of one reply, from 0; null for a frame that stands alone. A run with a gap goes no further. */
  readonly index: number | null;
  /** JSON, for the sockets as it is. */
  readonly frame: string;
}

export interface LiveBus {
  publish(frame: LiveFrame): void;
  close(): Promise<void>;
}

/** Where nobody looks. */
export const noLiveBus: LiveBus = { publish: () => { /* nobody looks */ }, close: () => Promise.resolve() };
