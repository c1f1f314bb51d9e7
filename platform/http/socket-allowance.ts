/** How many frames a client may send: a bucket of `burst`, filled again at `perSecond`. The clock is asked only when it is empty. */

export interface FrameLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** Frames of clients that follow conversations: the burst is for those that subscribe to ten thousand at once. */
export const FRAMES: FrameLimit = { perSecond: 1_000, burst: 12_000 };
/** Pings, and pongs that nobody asked for. */
export const CONTROL_FRAMES: FrameLimit = { perSecond: 5, burst: 50 };

const BREATH = 64;

export class Allowance {
  private left: number;
  private filled: number;

  constructor(private readonly limit: FrameLimit, now: number) {
    this.left = limit.burst;
    this.filled = now;
  }

  /** So many were taken that it is for others to be read first. */
  get breath(): boolean { return Math.floor(this.left) % BREATH === 0; }

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
