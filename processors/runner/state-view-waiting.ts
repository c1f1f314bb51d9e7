/**
 * Conversations whose state cannot be read now, because the store or the log does not answer. One look at a time, with a
 * growing pause, asks for all of them; what comes in behind waits without asking.
 */
import type { Clock } from '../../platform/clock.js';
import type { Logger } from '../../platform/observability/logger.js';

export interface WaitingOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly partition: number;
  /** Brings the states of these keys into the cache. */
  readonly load: (keys: readonly string[]) => Promise<void>;
}

interface Waiter { readonly promise: Promise<void>; readonly resolve: () => void }

const FIRST_PAUSE = 50;
const MAX_PAUSE = 2000;
/** Keys of one look. */
const CHUNK = 256;

export class Waiting {
  private readonly waiters = new Map<string, Waiter>();
  private readonly stopped = new AbortController();
  private looking = false;

  constructor(private readonly options: WaitingOptions) {}

  /** True while there is no use in asking the store. */
  get isAway(): boolean { return this.looking; }

  /** Puts keys aside until their states are there. */
  add(keys: readonly string[], reason: unknown): void {
    for (const key of keys) void this.wait(key);
    if (this.looking || this.waiters.size === 0 || this.stopped.signal.aborted) return;
    const { logger, partition } = this.options;
    logger.warn({ err: reason, partition }, 'states cannot be read: conversations of the partition that are not in memory wait');
    this.looking = true;
    void this.look().finally(() => { this.looking = false; });
  }

  /** Settles when the key's state is in the cache, or the partition has left; never rejects. */
  wait(key: string): Promise<void> {
    let waiter = this.waiters.get(key);
    if (waiter === undefined) {
      let resolve = (): void => undefined;
      const promise = new Promise<void>((done) => { resolve = done; });
      waiter = { promise, resolve };
      this.waiters.set(key, waiter);
    }
    return waiter.promise;
  }

  has(key: string): boolean { return this.waiters.has(key); }

  /** The partition has left: nobody is to wait for it. */
  stop(): void {
    this.stopped.abort(new Error('the partition has left'));
    this.settle([...this.waiters.keys()]);
  }

  private async look(): Promise<void> {
    const { clock, load, logger, partition } = this.options;
    const { signal } = this.stopped;
    const began = clock.monotonic();
    for (let pause = FIRST_PAUSE; !signal.aborted && this.waiters.size > 0;) {
      const keys = [...this.waiters.keys()].slice(0, CHUNK);
      try {
        await clock.sleep(pause, signal);
        await load(keys);
        this.settle(keys);
        pause = 0;
      } catch (error) {
        if (!signal.aborted) logger.debug({ err: error, partition }, 'states cannot be read yet');
        pause = Math.min(MAX_PAUSE, Math.max(FIRST_PAUSE, pause * 2));
      }
    }
    if (!signal.aborted) logger.info({ partition, millis: Math.round(clock.monotonic() - began) }, 'states can be read again');
  }

  private settle(keys: readonly string[]): void {
    for (const key of keys) {
      this.waiters.get(key)?.resolve();
      this.waiters.delete(key);
    }
  }
}
