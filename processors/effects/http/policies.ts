/**
 * What keeps an action that fails or lags from harming the rest: a bound on calls under way, tries within the time that the
 * call has, and a rest for a server that is down. One set for each action of a bot, shared by all of its conversations here.
 */
import { BrokenCircuitError, BulkheadRejectedError, ConsecutiveBreaker, DelegateBackoff, bulkhead, circuitBreaker, handleWhen, retry, type BulkheadPolicy, type CircuitBreakerPolicy } from 'cockatiel';
import type { Clock } from '../../../platform/clock.js';
import { ConfabError, isCode, type ErrorCode } from '../../../platform/errors.js';
import type { ActionDefinition } from '../../bot/action.js';
import { isRepeatable } from './request.js';

export interface GuardedCall {
  readonly signal: AbortSignal;
  /** Monotonic, milliseconds. */
  readonly deadline: number;
  /** Told before each try beyond the first. */
  readonly onRetry: () => void;
}

interface Guards { readonly places: BulkheadPolicy; readonly breaker: CircuitBreakerPolicy }

/** Where another try can help; the first four are also what a server that is down looks like. */
const DOWN: readonly ErrorCode[] = ['CONFAB_ACTION_UNREACHABLE', 'CONFAB_ACTION_SERVER_FAILED', 'CONFAB_ACTION_RATE_LIMITED', 'CONFAB_ACTION_TIMEOUT'];
const WORTH_ANOTHER_TRY: readonly ErrorCode[] = ['CONFAB_ACTION_UNREACHABLE', 'CONFAB_ACTION_SERVER_FAILED', 'CONFAB_ACTION_RATE_LIMITED'];
const MAX_PAUSE = 10_000;
/** Actions that are remembered. A bot that is edited leaves its former ones behind. */
const MOST = 1000;

export class Policies {
  private readonly guards = new Map<string, Guards>();

  constructor(private readonly clock: Clock) {}

  /**
   * Makes the call, again where that helps and may be. @throws what the last try threw, CONFAB_ACTION_BUSY, CONFAB_ACTION_RESTING
   * @param owner whose action it is: bots of the same name share what they call
   */
  async run<T>(owner: string, action: ActionDefinition, call: GuardedCall, attempt: () => Promise<T>): Promise<T> {
    const { places, breaker } = this.of(owner, action);
    try {
      // The signal is looked at inside: cockatiel leaves its queue standing behind one that was cancelled while it waited.
      return await places.execute(() => {
        call.signal.throwIfAborted();
        return this.tries(action, call).execute(({ attempt: count }) => {
          call.signal.throwIfAborted();
          if (count > 0) call.onRetry();
          return breaker.execute(attempt);
        });
      });
    } catch (error) {
      if (error instanceof BulkheadRejectedError) throw new ConfabError('CONFAB_ACTION_BUSY');
      if (error instanceof BrokenCircuitError) throw new ConfabError('CONFAB_ACTION_RESTING');
      throw error;
    }
  }

  /** Tries as long as the next one can begin before the deadline. */
  private tries(action: ActionDefinition, { deadline }: GuardedCall): ReturnType<typeof retry> {
    const { attempts, pause } = action.retry;
    let made = 0;
    const pauseAfter = (error: unknown): number => Math.min(MAX_PAUSE, Math.max(pause * 2 ** made, error instanceof ConfabError ? error.retryAfterMs ?? 0 : 0));
    const policy = handleWhen((error) => isRepeatable(action) && WORTH_ANOTHER_TRY.some((code) => isCode(error, code)) && this.clock.monotonic() + pauseAfter(error) < deadline);
    return retry(policy, {
      maxAttempts: attempts,
      backoff: new DelegateBackoff(({ result }) => {
        const wait = pauseAfter('error' in result ? result.error : undefined);
        made += 1;
        return wait;
      }),
    });
  }

  private of(owner: string, action: ActionDefinition): Guards {
    const { concurrency, queue, breaker } = action;
    const name = JSON.stringify([owner, action.name, action.origin, concurrency, queue, breaker]);
    let found = this.guards.get(name);
    if (found === undefined) {
      found = {
        places: bulkhead(concurrency, queue),
        breaker: circuitBreaker(handleWhen((error) => DOWN.some((code) => isCode(error, code))), { halfOpenAfter: breaker.rest, breaker: new ConsecutiveBreaker(breaker.failures) }),
      };
    } else this.guards.delete(name);
    // Set again: the order of the map is the order of use.
    this.guards.set(name, found);
    if (this.guards.size > MOST) for (const oldest of this.guards.keys()) { this.guards.delete(oldest); break; }
    return found;
  }
}
