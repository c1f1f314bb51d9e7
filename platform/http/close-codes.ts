/** WebSocket close codes: a protocol of their own (docs: protocol, "Close codes"). */
import type { ErrorCode } from '../errors.js';

export const CloseCode = {
  /** Do not reconnect: done. */
  DONE: 1000,
  /** Reconnect: the node goes away. */
  GOING_AWAY: 1001,
  /** Do not reconnect: a binary frame. */
  BINARY: 1003,
  /** Do not reconnect: the frame is too large. */
  TOO_LARGE: 1009,
  /** Reconnect: the node restarts. */
  RESTARTING: 1012,
  /** Reconnect after a while: the node is at its limit. */
  OVERLOADED: 1013,
  /** Reconnect and resume: the client reads too slowly. */
  SLOW_CONSUMER: 4000,
  /** Reconnect with a new token. */
  TOKEN_EXPIRED: 4003,
  /** Do not reconnect. */
  UNAUTHENTICATED: 4100,
  FORBIDDEN: 4101,
  PROTOCOL_ERROR: 4102,
  /** Asked for more subscriptions again after an `error` frame. */
  TOO_MANY_SUBSCRIPTIONS: 4103,
} as const;

export type CloseCode = (typeof CloseCode)[keyof typeof CloseCode];

/** The reason of a close: JSON, always within the 123 bytes that a close frame takes. */
export function closeReason(code: ErrorCode, retryAfterMs?: number): string {
  return retryAfterMs === undefined ? `{"code":"${code}"}` : `{"code":"${code}","retryAfterMs":${Math.ceil(retryAfterMs)}}`;
}

/** The close code for an error that ends a socket as a whole. */
export function closeCodeOf(code: ErrorCode): CloseCode {
  switch (code) {
    case 'CONFAB_TOKEN_MISSING': case 'CONFAB_TOKEN_INVALID': case 'CONFAB_TOKEN_EXPIRED': case 'CONFAB_TOKEN_REVOKED': return CloseCode.UNAUTHENTICATED;
    case 'CONFAB_SCOPE_MISSING': case 'CONFAB_CONVERSATION_FORBIDDEN': case 'CONFAB_USER_MISMATCH': return CloseCode.FORBIDDEN;
    case 'CONFAB_FRAME_TOO_LARGE': return CloseCode.TOO_LARGE;
    case 'CONFAB_SLOW_CONSUMER': return CloseCode.SLOW_CONSUMER;
    case 'CONFAB_SUBSCRIPTION_LIMIT': return CloseCode.TOO_MANY_SUBSCRIPTIONS;
    case 'CONFAB_DRAINING': return CloseCode.RESTARTING;
    case 'CONFAB_OVERLOADED': case 'CONFAB_LOG_UNAVAILABLE': case 'CONFAB_RATE_LIMITED': case 'CONFAB_KEYS_UNAVAILABLE': case 'CONFAB_INTERNAL': return CloseCode.OVERLOADED;
    default: return CloseCode.PROTOCOL_ERROR;
  }
}
