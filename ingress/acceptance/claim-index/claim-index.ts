/**
 * Port: the index of idempotency keys, for logs without the power `once`.
 *
 * It is a view of messages.v1 of the last 24 hours plus the claims of messages that are on their way. It is kept per
 * partition of messages.v1, so that each call touches one slot of a clustered store, and one partition is lost and rebuilt
 * without the others. Time is the store's own: claims of different nodes compare.
 *
 * Why a key is accepted once: a message is appended only while its claim is younger than `appendMillis` (the log refuses
 * older timestamps, and the claim's time is the record's timestamp). So a claim older than `doubtMillis` either stands in
 * the log already or never will, and who reads the log from `logEnd` on knows which.
 * Adapters: memory.ts, redis.ts. Contract suite: claim-index.contract.ts.
 */

export interface Claim {
  readonly messageId: string;
  readonly bodyHash: string;
  /** The store's time of the claim, milliseconds; the record's timestamp. */
  readonly claimedAt: number;
  /** An end of the partition that was seen before the claim: the message cannot stand below it. */
  readonly logEnd: number;
  /** Offset in messages.v1 once the append was confirmed. */
  readonly offset: number | null;
}

export interface ClaimRequest {
  readonly keyHash: string;
  readonly messageId: string;
  readonly bodyHash: string;
  readonly logEnd: number;
}

export interface ClaimAnswers {
  /** The store's time. */
  readonly now: number;
  /** One for each request: undefined: claimed, at `now`; else the claim that stood there already. */
  readonly known: readonly (Claim | undefined)[];
}

export interface ClaimReads {
  readonly now: number;
  readonly claims: readonly (Claim | undefined)[];
}

export type RebuildTurn =
  | { readonly state: 'ready' }
  /** Another node is at it. */
  | { readonly state: 'busy' }
  /** It is the caller's turn. `lostAt`: claims older than that may be lost and still be on their way to the log. */
  | { readonly state: 'mine'; readonly lostAt: number; readonly now: number };

/** All methods throw CONFAB_INDEX_REBUILDING when the store does not answer; what was asked may have been done. */
export interface ClaimIndex {
  readonly kind: 'memory' | 'redis';
  /**
   * Claims keys of one partition, in one atomic step. Of equal keys in one call the first is claimed.
   * undefined: the partition's index is lost (flushed, rolled back, of another log): nothing was claimed; rebuild it.
   */
  claim(partition: number, requests: readonly ClaimRequest[]): Promise<ClaimAnswers | undefined>;
  /** Looks without claiming; undefined: lost. */
  read(partition: number, keyHashes: readonly string[]): Promise<ClaimReads | undefined>;
  /** Writes down what the log has: over the same message's claim, or where there is none. Another message's is left alone. */
  confirm(partition: number, entries: readonly { readonly keyHash: string; readonly claim: Claim }[]): Promise<void>;
  /** Gives claims up that were not appended; only where exactly this unconfirmed claim stands. */
  release(partition: number, entries: readonly { readonly keyHash: string; readonly messageId: string; readonly claimedAt: number }[]): Promise<void>;
  /** Asks for the turn to rebuild. It lasts `LEASE` and is prolonged by `fill`. */
  beginRebuild(partition: number, owner: string): Promise<RebuildTurn>;
  /** Adds confirmed claims; those that are there stay. False: the turn is lost (flushed again, or too slow): begin anew. */
  fill(partition: number, owner: string, entries: readonly { readonly keyHash: string; readonly claim: Claim }[]): Promise<boolean>;
  /** The partition's index is whole from now on. False: the turn is lost. */
  finishRebuild(partition: number, owner: string): Promise<boolean>;
  close(): Promise<void>;
}

/** Past this age a claim is in the log or never will be: the topic takes appends for 10 s (message.timestamp.before.max.ms), 5 s are for clocks that differ. */
export const DOUBT_MILLIS = 15_000;
/** How long a turn to rebuild lasts without progress. */
export const LEASE = 10_000;
