/**
 * Decides what became of a claim that was not confirmed: another request with the same key has it in hand, or its process
 * died between claim and confirmation.
 *
 * Up to 1 s it waits for the confirmation. Then, while the claim is younger than DOUBT_MILLIS, nobody can know
 * (503 OUTCOME_UNKNOWN); past it the log knows: what stands there is confirmed, what does not is claimed anew.
 */
import type { Clock } from '../../platform/clock.js';
import { ConfabError } from '../../platform/errors.js';
import { DOUBT_MILLIS, type Claim, type ClaimIndex } from './claim-index/claim-index.js';
import type { LogReader } from './log-reader.js';
import type { Pending } from './pending.js';

export interface ResolverOptions {
  readonly clock: Clock;
  readonly index: ClaimIndex;
  readonly reader: LogReader;
  /** Waits for others that may be under way at once; beyond it OUTCOME_UNKNOWN is the answer at once. */
  readonly maxWaiting?: number;
}

/** What became of the claim. */
export type Resolution =
  | { readonly outcome: 'accepted'; readonly claim: Claim & { readonly offset: number } }
  /** The claim is gone: the message may be claimed and written anew. */
  | { readonly outcome: 'free' };

/** Waits between two looks at a claim, milliseconds; together 1 s. */
const LOOKS = [20, 30, 50, 100, 200, 300, 300];
const MAX_WAITING = 500;

export class Resolver {
  private readonly options: ResolverOptions;
  private waiting = 0;
  /** One search a partition at a time: a storm of repeats reads the log once after the other, not all at once. */
  private readonly searches = new Map<number, Promise<unknown>>();

  constructor(options: ResolverOptions) { this.options = options; }

  /** @throws CONFAB_OUTCOME_UNKNOWN, CONFAB_INDEX_REBUILDING, CONFAB_LOG_UNAVAILABLE */
  async resolve(pending: Pending, claim: Claim, now: number): Promise<Resolution> {
    if (this.waiting >= (this.options.maxWaiting ?? MAX_WAITING)) throw unknown(claim, now);
    this.waiting += 1;
    try {
      return await this.settle(pending, claim, now);
    } finally {
      this.waiting -= 1;
    }
  }

  private async settle(pending: Pending, first: Claim, firstNow: number): Promise<Resolution> {
    const keyHash = pending.keyHash ?? '';
    let claim = first;
    let now = firstNow;
    // A claim that is past doubt is not going to be confirmed by anybody: no use to wait.
    for (const wait of now - claim.claimedAt >= DOUBT_MILLIS ? [] : LOOKS) {
      await this.options.clock.sleep(wait);
      const reads = await this.options.index.read(pending.partition, [keyHash]);
      if (!reads) throw new ConfabError('CONFAB_INDEX_REBUILDING', { retryAfterMs: 2000 });
      const standing = reads.claims[0];
      if (!standing) return { outcome: 'free' };
      claim = standing;
      now = reads.now;
      if (isConfirmed(claim)) return { outcome: 'accepted', claim };
    }
    if (now - claim.claimedAt < DOUBT_MILLIS) throw unknown(claim, now);
    return this.askTheLog(pending.partition, keyHash, claim, now);
  }

  private async askTheLog(partition: number, keyHash: string, claim: Claim, now: number): Promise<Resolution> {
    const { index, reader } = this.options;
    const { found, whole } = await this.oneAtATime(partition, async () => {
      const to = await reader.boundAfter(partition, claim.claimedAt);
      return reader.find(partition, new Set([keyHash]), claim.logEnd, to);
    });
    const written = found.get(keyHash);
    if (written) {
      const confirmed = { ...claim, messageId: written.messageId, bodyHash: written.bodyHash, claimedAt: written.claimedAt, offset: written.offset ?? 0 };
      await index.confirm(partition, [{ keyHash, claim: confirmed }]);
      return { outcome: 'accepted', claim: confirmed };
    }
    if (!whole) throw unknown(claim, now);
    await index.release(partition, [{ keyHash, messageId: claim.messageId, claimedAt: claim.claimedAt }]);
    return { outcome: 'free' };
  }

  private oneAtATime<T>(partition: number, search: () => Promise<T>): Promise<T> {
    const before = this.searches.get(partition) ?? Promise.resolve();
    const mine = before.then(search, search);
    const settled = mine.catch(() => undefined);
    this.searches.set(partition, settled);
    return mine.finally(() => { if (this.searches.get(partition) === settled) this.searches.delete(partition); });
  }
}

function isConfirmed(claim: Claim): claim is Claim & { offset: number } { return claim.offset !== null; }

function unknown(claim: Claim, now: number): ConfabError {
  return new ConfabError('CONFAB_OUTCOME_UNKNOWN', {
    detail: 'An earlier request with this key has not been decided yet.', retryAfterMs: Math.max(1000, claim.claimedAt + DOUBT_MILLIS - now),
  });
}
