import { createHash } from 'node:crypto';
import type { Principal } from './auth.js';
import type { Clock } from '../clock.js';

/**
 * Principals of verified tokens, until they end. Bounded: the oldest entry makes room. Tokens themselves are kept as keys in
 * memory only while they are short; of long ones a hash stands for them.
 */
export class TokenCache {
  private readonly entries = new Map<string, Principal>();
  private readonly clock: Clock;
  private readonly size: number;

  constructor(clock: Clock, size: number) {
    this.clock = clock;
    this.size = size;
  }

  get(token: string): Principal | undefined {
    const key = keyOf(token);
    const principal = this.entries.get(key);
    if (principal === undefined) return undefined;
    if (principal.expiresAt !== undefined && principal.expiresAt <= this.clock.now()) {
      this.entries.delete(key);
      return undefined;
    }
    return principal;
  }

  set(token: string, principal: Principal): void {
    if (this.entries.size >= this.size) {
      const oldest = this.entries.keys().next();
      if (!oldest.done) this.entries.delete(oldest.value);
    }
    this.entries.set(keyOf(token), principal);
  }
}

/** Cheaper than a hash for common tokens, bounded in memory for huge ones. */
function keyOf(token: string): string {
  return token.length <= 1024 ? token : createHash('sha256').update(token).digest('base64');
}
