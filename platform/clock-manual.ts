import type { Clock, Timer } from './clock.js';

interface Pending { due: number; order: number; run: () => void }

/** A clock that moves only when told to: for tests and simulations. */
export class ManualClock implements Clock {
  private time: number;
  private readonly start: number;
  private order = 0;
  private pending: Pending[] = [];

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.start = start;
    this.time = start;
  }

  now(): number { return this.time; }
  monotonic(): number { return this.time - this.start; }

  after(millis: number, run: () => void): Timer {
    const entry: Pending = { due: this.time + Math.max(0, millis), order: this.order++, run };
    this.pending.push(entry);
    return { cancel: () => { this.pending = this.pending.filter((other) => other !== entry); } };
  }

  sleep(millis: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) { reject(signal.reason as Error); return; }
      const timer = this.after(millis, resolve);
      signal?.addEventListener('abort', () => { timer.cancel(); reject(signal.reason as Error); }, { once: true });
    });
  }

  /** Number of timers and sleepers that wait for the clock to move. */
  get waiting(): number { return this.pending.length; }

  /** Moves the time forward and runs, in order, all that falls due; lets promises settle between two of them. */
  async advance(millis: number): Promise<void> {
    const end = this.time + millis;
    for (;;) {
      await settle();
      const next = this.pending
        .filter((entry) => entry.due <= end)
        .sort((a, b) => a.due - b.due || a.order - b.order)[0];
      if (!next) break;
      this.pending = this.pending.filter((entry) => entry !== next);
      this.time = Math.max(this.time, next.due);
      next.run();
    }
    this.time = end;
    await settle();
  }
}

/** Lets every promise that can settle without input or output do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => { setImmediate(resolve); });
}
