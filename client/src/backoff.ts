const BASE = 500;
const MOST = 30_000;

/**
 * Milliseconds before try number `attempt` (from 0): exponential with full jitter, so that clients which lost a server together
 * do not come back together. What the server asked for is waited for in any case.
 */
export function backoff(attempt: number, random: () => number, retryAfterMs = 0): number {
  return Math.ceil(retryAfterMs + random() * Math.min(MOST, BASE * 2 ** Math.min(attempt, 10)));
}
