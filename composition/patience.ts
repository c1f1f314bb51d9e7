/** What a process stands on may come up after it: a machine that boots starts everything at once. */
import type { Clock } from '../platform/clock.js';
import { ConfabError } from '../platform/errors.js';
import type { Logger } from '../platform/observability/logger.js';

export interface Patience {
  readonly clock: Clock;
  readonly logger: Logger;
  /** On the monotonic clock, milliseconds: what fails after that is told. One end for all that a start waits for. */
  readonly until: number;
}

const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 4000;

/** Calls `open` again while it fails with an error that may pass. @throws the last error when the time is over, any other at once */
export async function patiently<T>({ clock, logger, until }: Patience, what: string, open: () => Promise<T>): Promise<T> {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      return await open();
    } catch (error) {
      if (!(error instanceof ConfabError && error.retryable) || clock.monotonic() + pause > until) throw error;
      logger.warn({ code: error.code, reason: error.detail }, `${what} is not there yet: trying again`);
      await clock.sleep(pause);
    }
  }
}
