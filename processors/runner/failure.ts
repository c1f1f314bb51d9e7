/** What becomes of an input that fails: tried again in place, within the stage's budget, or to the dead letters. */
import { ConfabError } from '../../platform/errors.js';

export const FIRST_BACKOFF = 100;
export const MAX_BACKOFF = 5000;

export interface Attempted {
  /** Attempts so far, the failed one included. */
  readonly attempts: number;
  /** Milliseconds since the first one began. */
  readonly spent: number;
  /** Milliseconds that one input may take, retries included. */
  readonly budget: number;
}

/** Milliseconds until the next attempt; undefined when no other is made: it would not help, or not end within the budget. */
export function pauseBefore(error: ConfabError, { attempts, spent, budget }: Attempted): number | undefined {
  const pause = Math.min(MAX_BACKOFF, FIRST_BACKOFF * 2 ** (attempts - 1));
  return error.retryable && spent + pause <= budget ? pause : undefined;
}

/** The stage has not answered within its budget. */
export function timedOut(budget: number): ConfabError {
  return new ConfabError('CONFAB_STAGE_TIMEOUT', { detail: `${budget} ms have passed.` });
}
