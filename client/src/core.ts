/** What the parts of a client share. */
import { backoff } from './backoff.js';
import type { Http } from './http.js';
import type { Frame } from './link.js';
import type { ClientClock, StorageLike } from './platform.js';

export interface Core {
  readonly clock: ClientClock;
  readonly random: () => number;
  readonly http: Http;
  readonly storage: StorageLike | undefined;
  /** What waits to be accepted in all conversations. */
  readonly queue: { size: number; readonly limit: number };
  /** False when the socket is not open. */
  send(frame: Frame): boolean;
}

/** Waits before the next try; what `begun` is given ends the wait early. */
export function pause({ clock, random }: Pick<Core, 'clock' | 'random'>, tries: number, retryAfterMs?: number, begun?: (end: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.after(backoff(tries, random, retryAfterMs), resolve);
    begun?.(() => { timer.cancel(); resolve(); });
  });
}
