import type { Clock, Timer } from './clock.js';

interface Pending { readonly due: number; readonly order: number; readonly run: () => void }

/** A clock that moves only when told to: for tests and simulations. */
export class ManualClock implements Clock {
  private time: number;
  private readonly start: number;
  private order = 0;
  /** In the order in which they run. */
  private readonly pending: Pending[] = [];

  constructor(start = Date.UTC(2026, 0, 1)) {
    this.start = start;
    this.time = start;
  }

  now(): number { return this.time; }
  monotonic(): number { return this.time - this.start; }

  after(millis: number, run: () => void): Timer {
    const entry: Pending = { due: this.time + Math.max(0, millis), order: this.order++, run };
    this.pending.splice(this.placeOf(entry), 0, entry);
    return {
      cancel: () => {
        const at = this.placeOf(entry);
        if (this.pending[at] === entry) this.pending.splice(at, 1);
      },
    };
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
      const next = this.pending[0];
      if (!next || next.due > end) break;
      this.pending.shift();
      this.time = Math.max(this.time, next.due);
      next.run();
    }
    this.time = end;
    await settle();
  }

  /** Jumps: what falls due on the way runs once, at the end, as in a process that was stopped meanwhile. */
  async leap(millis: number): Promise<void> {
    await settle();
    this.time += millis;
    await this.advance(0);
  }

  /** Where an entry stands, or would stand. */
  private placeOf({ due, order }: Pending): number {
    let low = 0;
    let high = this.pending.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = this.pending[middle] as Pending;
      if (other.due < due || (other.due === due && other.order < order)) low = middle + 1; else high = middle;
    }
    return low;
  }
}

/** Lets every promise that can settle without input or output do so. */
export function settle(): Promise<void> {
  return new Promise((resolve) => { setImmediate(resolve); });
}
