/**
 * Writes outcomes into the claim index, in the background and in batches. A confirmation that is lost costs no exactness: the
 * log settles the claim later. It is tried again once, so that a short absence of the index costs no repeat its answer.
 */
import type { Clock } from '../../platform/clock.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Claim, ClaimIndex } from './claim-index/claim-index.js';

interface Outcomes {
  readonly confirmed: { readonly keyHash: string; readonly claim: Claim }[];
  readonly released: { readonly keyHash: string; readonly messageId: string; readonly claimedAt: number }[];
}

const RETRY = 500;

export class Confirmer {
  private readonly options: { readonly clock: Clock; readonly logger: Logger; readonly index: ClaimIndex };
  private outcomes = new Map<number, Outcomes>();
  private readonly running = new Set<Promise<void>>();
  private closed = false;

  constructor(options: { readonly clock: Clock; readonly logger: Logger; readonly index: ClaimIndex }) { this.options = options; }

  confirm(partition: number, keyHash: string, claim: Claim): void { this.of(partition).confirmed.push({ keyHash, claim }); }

  release(partition: number, keyHash: string, messageId: string, claimedAt: number): void { this.of(partition).released.push({ keyHash, messageId, claimedAt }); }

  /** Sends what has gathered. */
  flush(): void {
    const outcomes = this.outcomes;
    if (outcomes.size === 0) return;
    this.outcomes = new Map();
    for (const [partition, each] of outcomes) {
      const work = this.send(partition, each);
      this.running.add(work);
      void work.finally(() => { this.running.delete(work); });
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    this.flush();
    await Promise.all(this.running);
  }

  private of(partition: number): Outcomes {
    let outcomes = this.outcomes.get(partition);
    if (!outcomes) this.outcomes.set(partition, outcomes = { confirmed: [], released: [] });
    return outcomes;
  }

  private async send(partition: number, { confirmed, released }: Outcomes): Promise<void> {
    const { clock, index, logger } = this.options;
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      try {
        if (confirmed.length > 0) await index.confirm(partition, confirmed);
        if (released.length > 0) await index.release(partition, released);
        return;
      } catch (error) {
        if (attempt === 2 || this.closed) { logger.warn({ err: error, partition, keys: confirmed.length + released.length }, 'claims of idempotency keys stay unconfirmed; the log settles them'); return; }
        await clock.sleep(RETRY);
      }
    }
  }
}
