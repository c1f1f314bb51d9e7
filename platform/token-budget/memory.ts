/** Token budget of one process; a restart begins anew. */
import type { Clock } from '../clock.js';
import type { Allowance, TokenBudget } from './token-budget.js';

interface Window { readonly ends: number; used: number }

/** Windows that are kept; over-full, those that have ended are let go. */
const MOST = 10_000;

export class MemoryTokenBudget implements TokenBudget {
  private readonly windows = new Map<string, Window>();

  constructor(private readonly clock: Clock) {}

  take(allowance: Allowance, tokens: number): Promise<boolean> {
    const window = this.window(allowance);
    if (window.used + tokens > allowance.limit) return Promise.resolve(false);
    window.used += tokens;
    return Promise.resolve(true);
  }

  correct(allowance: Allowance, tokens: number): Promise<void> {
    const window = this.window(allowance);
    window.used = Math.max(0, window.used + tokens);
    return Promise.resolve();
  }

  private window({ name, perMillis }: Allowance): Window {
    const now = this.clock.now();
    const found = this.windows.get(name);
    if (found !== undefined && found.ends > now) return found;
    if (this.windows.size >= MOST) for (const [key, { ends }] of this.windows) if (ends <= now) this.windows.delete(key);
    const window = { ends: now + perMillis, used: 0 };
    this.windows.set(name, window);
    return window;
  }
}
