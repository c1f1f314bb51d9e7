/** Rings when the earliest of several times has come. Times are wall clock, which may be set: it looks again now and then. */
import type { Clock, Timer } from '../../platform/clock.js';

/** Longest sleep: a clock that was set forward is noticed, and no timer of Node is longer than it can be. Milliseconds. */
const LONGEST = 30_000;

export class Alarm {
  private timer: Timer | undefined;
  private at = Infinity;

  constructor(private readonly clock: Clock, private readonly ring: () => void) {}

  /** The earliest time now; Infinity for none. */
  set(at: number): void {
    if (at === this.at && this.timer !== undefined) return;
    this.cancel();
    this.at = at;
    if (at === Infinity) return;
    this.timer = this.clock.after(Math.min(LONGEST, Math.max(0, at - this.clock.now())), () => {
      this.timer = undefined;
      if (this.clock.now() < at) this.set(at); else this.ring();
    });
  }

  cancel(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.at = Infinity;
  }
}
