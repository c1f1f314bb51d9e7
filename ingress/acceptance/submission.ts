/** What the routes hand to acceptance, and what comes back. */
import type { ConfabError } from '../../platform/errors.js';
import type { Message } from '../../schemas/types.js';

export interface Accepted {
  readonly messageId: string;
  /** Position of the message. */
  readonly position: string;
  /** True when an earlier request with the same key was accepted: messageId and position are its. */
  readonly duplicate: boolean;
}

/**
 * One message on its way to the log. An object with a method instead of a promise, so that a socket with thousands of
 * messages in flight pays for no promise or closure each.
 */
export interface Submission {
  readonly tenant: string;
  readonly conversationId: string;
  /** With `idempotencyKeyHash` and `bodyHash` when the request has a key. */
  readonly message: Message;
  /** Of a sampled trace only. */
  readonly traceparent: string | undefined;
  /** Called exactly once, never before `submit` has returned. One of the two is set. */
  done(error: ConfabError | undefined, accepted: Accepted | undefined): void;
}
