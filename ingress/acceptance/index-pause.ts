/**
 * Whom to refuse at once after the index did not answer, so that others do not wait for it with them.
 *
 * Of a store on several servers one may be away: as long as another partition is answered, only the one that was not is refused.
 * Where nobody is answered all are, else each partition by itself would hold up the batches of all.
 */
import type { Clock } from '../../platform/clock.js';

/** Milliseconds of a refusal. */
export const PAUSE = 1_000;

export class IndexPause {
  private readonly until = new Map<number, number>();
  private allUntil = -Infinity;
  private answeredAt = -Infinity;

  constructor(private readonly clock: Pick<Clock, 'monotonic'>) {}

  /** Whether the partition is to be refused without asking. */
  holds(partition: number): boolean {
    const now = this.clock.monotonic();
    return now < Math.max(this.allUntil, this.until.get(partition) ?? -Infinity);
  }

  answered(partition: number): void {
    this.answeredAt = this.clock.monotonic();
    this.until.delete(partition);
  }

  failed(partition: number): void {
    const now = this.clock.monotonic();
    this.until.set(partition, now + PAUSE);
    if (now - this.answeredAt > PAUSE) this.allUntil = now + PAUSE;
  }
}
