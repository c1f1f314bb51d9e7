/** What a caller hears when an append failed. */
import { ConfabError, isCode } from '../../platform/errors.js';

/** True when the failed append may still have been written. */
export function mayBeWritten(thrown: unknown): boolean {
  return isCode(thrown, 'CONFAB_LOG_OUTCOME_UNKNOWN') || !(thrown instanceof ConfabError);
}

export function appendError(thrown: unknown): ConfabError {
  return mayBeWritten(thrown)
    ? new ConfabError('CONFAB_OUTCOME_UNKNOWN', { cause: thrown, retryAfterMs: 15_000 })
    : new ConfabError('CONFAB_LOG_UNAVAILABLE', { cause: thrown, retryAfterMs: 1000 });
}
