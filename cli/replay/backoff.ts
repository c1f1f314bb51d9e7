import type { Random } from '../../platform/random.js';

/** How long to wait before try number `attempt` (from 1): doubles up to the bound, with jitter. */
export function backoff(attempt: number, random: Random, base = 50, most = 2000): number {
  return Math.min(most, base * 2 ** Math.min(attempt - 1, 16)) * (0.5 + random.float() / 2);
}
