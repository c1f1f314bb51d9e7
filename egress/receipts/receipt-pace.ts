import { ConfabError } from '../../platform/errors.js';

const WINDOW = 1_000;
/** Receipts of one socket in a second: so many, and as many more for each conversation that it follows. */
const SOME = 20;
const EACH = 4;

/**
 * How often one socket may report: its fields, made with the first receipt. Receipts are cumulative, so a client that reports
 * twice a second and state is well within it.
 */
export class ReceiptPace {
  private began = -Infinity;
  private count = 0;

  /** False: it is too often, and was said before. @throws CONFAB_RATE_LIMITED the first time in the second */
  allows(now: number, subscriptions: number): boolean {
    if (Math.abs(now - this.began) >= WINDOW) { this.began = now; this.count = 0; }
    const most = SOME + EACH * subscriptions;
    this.count += 1;
    if (this.count === most + 1) throw new ConfabError('CONFAB_RATE_LIMITED', { detail: `A socket reports at most ${most} receipts a second; they are cumulative.`, retryAfterMs: Math.ceil(WINDOW - (now - this.began)) });
    return this.count <= most;
  }
}
