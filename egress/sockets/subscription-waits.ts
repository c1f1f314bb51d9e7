/** What a subscription does while it has to wait: it tells its client, and tries again. */
import type { Clock, Timer } from '../../platform/clock.js';
import { ConfabError, toConfabError } from '../../platform/errors.js';

const RECOVERING_MILLIS = 5_000;
const RETRY_MILLIS = 1_000;

interface Waiter {
  readonly conversationId: string;
  readonly hub: { readonly clock: Clock };
  readonly outlet: { deliverLossy(frame: string): boolean; error(error: ConfabError, conversationId: string): void };
  /** Nobody is there any more. */
  readonly cancelled: boolean;
}

/** Tries again as long as the socket is there: log or Redis may be away for a while. */
export async function attempt<T>(waiter: Waiter, work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work();
    } catch (thrown) {
      const error = toConfabError(thrown);
      if (waiter.cancelled || !error.retryable) throw error;
      if (tries === 0) waiter.outlet.error(new ConfabError(error.code, { detail: 'The subscription waits; it goes on by itself.', retryAfterMs: RETRY_MILLIS }), waiter.conversationId);
      await waiter.hub.clock.sleep(RETRY_MILLIS);
      if (waiter.cancelled) throw error;
    }
  }
}

/** Tells the client every 5 s that its `ready` is still to come. Returns how to stop. */
export function noticeOften(waiter: Waiter): () => void {
  let timer: Timer;
  const arm = (): void => {
    timer = waiter.hub.clock.after(RECOVERING_MILLIS, () => {
      if (waiter.cancelled) return;
      waiter.outlet.deliverLossy(JSON.stringify({ type: 'recovering', conversationId: waiter.conversationId }));
      arm();
    });
  };
  arm();
  return () => { timer.cancel(); };
}
