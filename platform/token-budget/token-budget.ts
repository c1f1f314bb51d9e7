/**
 * Port: how many tokens somebody may still use in a window of time.
 *
 * Contract
 * - A window begins with the first token that is taken in it and lasts `perMillis`; then the count begins anew.
 * - `take` counts `tokens` and resolves with true, or counts nothing and resolves with false when they would exceed `limit`.
 *   All who share the adapter's store share the count, and two at once never exceed it together.
 * - `correct` adds what was used beyond what was taken, or gives back the rest; what is owed may exceed the limit.
 * - Neither rejects. A store that is away is no reason to refuse: the process counts for itself meanwhile.
 *
 * Adapters: memory.ts (this process), redis.ts (all processes). Contract suite: token-budget.contract.ts.
 */

export interface Allowance {
  /** Who uses them. */
  readonly name: string;
  readonly limit: number;
  readonly perMillis: number;
}

export interface TokenBudget {
  take(allowance: Allowance, tokens: number): Promise<boolean>;
  correct(allowance: Allowance, tokens: number): Promise<void>;
}
