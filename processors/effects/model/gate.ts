/**
 * The door to a language model: so many questions at once and no more, and none for a while after it has failed again and
 * again, so that nobody waits for what will not come. By the process's clock, so that tests and simulation move it.
 */
import type { Clock } from '../../../platform/clock.js';
import { ConfabError, isCode } from '../../../platform/errors.js';

export interface GateOptions {
  readonly clock: Clock;
  /** Questions under way at once in this process. */
  readonly concurrency: number;
  /** Failures in a row after which it rests. */
  readonly failures?: number;
  readonly restMillis?: number;
}

export class Gate {
  private underWay = 0;
  private failed = 0;
  private restsUntil = -Infinity;
  private trying = false;

  constructor(private readonly options: GateOptions) {}

  /**
   * Runs `ask`, or refuses at once.
   * @throws CONFAB_MODEL_BUSY too many are under way; CONFAB_MODEL_UNAVAILABLE it rests; else what `ask` throws
   */
  async pass<T>(ask: () => Promise<T>): Promise<T> {
    const { clock, concurrency, failures = 5, restMillis = 10_000 } = this.options;
    if (this.underWay >= concurrency) throw new ConfabError('CONFAB_MODEL_BUSY', { detail: 'Too many questions are under way in this process.' });
    if (this.failed >= failures && (this.trying || clock.monotonic() < this.restsUntil)) throw new ConfabError('CONFAB_MODEL_UNAVAILABLE', { detail: 'It has failed too often and rests.' });
    // After the rest one question tries for all.
    const tries = this.failed >= failures;
    if (tries) this.trying = true;
    this.underWay += 1;
    try {
      const result = await ask();
      this.failed = 0;
      return result;
    } catch (thrown) {
      if (isDown(thrown)) { this.failed += 1; this.restsUntil = clock.monotonic() + restMillis; } else if (thrown instanceof ConfabError) this.failed = 0;
      throw thrown;
    } finally {
      this.underWay -= 1;
      if (tries) this.trying = false;
    }
  }
}

/** What asking again at once would not mend. */
function isDown(thrown: unknown): boolean {
  return isCode(thrown, 'CONFAB_MODEL_UNAVAILABLE', 'CONFAB_MODEL_TIMEOUT', 'CONFAB_MODEL_CUT', 'CONFAB_MODEL_BUSY', 'CONFAB_MODEL_REFUSED');
}
