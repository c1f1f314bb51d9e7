/** How many frames a client may send: a bucket of `burst`, filled again at `perSecond`. The clock is asked only when it is empty. */

export interface FrameLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** Frames of clients that follow conversations: the burst is for those that subscribe to thousands at once. */
export const FRAMES: FrameLimit = { perSecond: 500, burst: 20_000 };
/** Pings, and pongs that nobody asked for. */
export const CONTROL_FRAMES: FrameLimit = { perSecond: 5, burst: 50 };

export class Allowance {
  private left: number;
  private filled: number;

  constructor(private readonly limit: FrameLimit, now: number) {
    this.left = limit.burst;
    this.filled = now;
  }

  /** False: it is too many. */
  take(clock: { monotonic(): number }): boolean {
    if (this.left < 1) {
      const now = clock.monotonic();
      this.left = Math.min(this.limit.burst, this.left + ((now - this.filled) / 1_000) * this.limit.perSecond);
      this.filled = now;
      if (this.left < 1) return false;
    }
    this.left -= 1;
    return true;
  }
}
