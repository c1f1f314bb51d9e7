/**
 * The claim index in memory: for tests and for one process. Several handles may share one store, as nodes share a server.
 * It is bounded by refusing: a claim that is forgotten before its time would let its message in twice.
 */
import type { Clock } from '../../../platform/clock.js';
import { ConfabError } from '../../../platform/errors.js';
import { LEASE, type Claim, type ClaimAnswers, type ClaimIndex, type ClaimReads, type ClaimRequest, type RebuildTurn } from './claim-index.js';

interface Shard {
  ready: boolean;
  rebuild: { owner: string; lostAt: number; until: number } | undefined;
  readonly claims: Map<string, Claim>;
}

export interface MemoryClaimIndexOptions {
  readonly clock: Clock;
  readonly keepMillis: number;
  readonly store?: MemoryClaimStore;
  /** Claims of all partitions that are held at the same time, about 300 bytes each. Default 500,000. */
  readonly maxClaims?: number;
}

const RETRY_FULL = 60_000;

/** What several MemoryClaimIndex share. */
export class MemoryClaimStore {
  private shards = new Map<number, Shard>();

  shard(partition: number): Shard {
    let shard = this.shards.get(partition);
    if (!shard) this.shards.set(partition, shard = { ready: false, rebuild: undefined, claims: new Map() });
    return shard;
  }

  get size(): number {
    let size = 0;
    for (const { claims } of this.shards.values()) size += claims.size;
    return size;
  }

  /** Forgets what is past its time; claims stand in the order of their time, near enough. */
  sweep(before: number): void {
    for (const { claims } of this.shards.values()) {
      for (const [keyHash, claim] of claims) {
        if (claim.claimedAt > before) break;
        claims.delete(keyHash);
      }
    }
  }

  /** Everything is forgotten, as by FLUSHALL. */
  flush(): void { this.shards = new Map(); }
}

export class MemoryClaimIndex implements ClaimIndex {
  readonly kind = 'memory';
  private readonly clock: Clock;
  private readonly keepMillis: number;
  private readonly store: MemoryClaimStore;
  private readonly maxClaims: number;

  constructor(options: MemoryClaimIndexOptions) {
    this.clock = options.clock;
    this.keepMillis = options.keepMillis;
    this.store = options.store ?? new MemoryClaimStore();
    this.maxClaims = options.maxClaims ?? 500_000;
  }

  async claim(partition: number, requests: readonly ClaimRequest[]): Promise<ClaimAnswers | undefined> {
    const shard = this.store.shard(partition);
    if (!shard.ready) return undefined;
    this.makeRoom(requests.length);
    const now = this.clock.now();
    const known = requests.map(({ keyHash, messageId, bodyHash, logEnd }) => {
      const claim = this.get(shard, keyHash);
      if (!claim) shard.claims.set(keyHash, { messageId, bodyHash, logEnd, claimedAt: now, offset: null });
      return claim;
    });
    return { now, known };
  }

  async read(partition: number, keyHashes: readonly string[]): Promise<ClaimReads | undefined> {
    const shard = this.store.shard(partition);
    return shard.ready ? { now: this.clock.now(), claims: keyHashes.map((keyHash) => this.get(shard, keyHash)) } : undefined;
  }

  async confirm(partition: number, entries: readonly { keyHash: string; claim: Claim }[]): Promise<void> {
    const shard = this.store.shard(partition);
    for (const { keyHash, claim } of entries) {
      const standing = this.get(shard, keyHash);
      if (!standing || standing.messageId === claim.messageId) shard.claims.set(keyHash, claim);
    }
  }

  async release(partition: number, entries: readonly { keyHash: string; messageId: string; claimedAt: number }[]): Promise<void> {
    const shard = this.store.shard(partition);
    for (const { keyHash, messageId, claimedAt } of entries) {
      const claim = shard.claims.get(keyHash);
      if (claim?.messageId === messageId && claim.claimedAt === claimedAt && claim.offset === null) shard.claims.delete(keyHash);
    }
  }

  async beginRebuild(partition: number, owner: string): Promise<RebuildTurn> {
    const shard = this.store.shard(partition);
    const now = this.clock.now();
    if (shard.ready) return { state: 'ready' };
    if (shard.rebuild && shard.rebuild.owner !== owner && shard.rebuild.until > now) return { state: 'busy' };
    shard.rebuild = { owner, lostAt: shard.rebuild?.lostAt ?? now, until: now + LEASE };
    return { state: 'mine', lostAt: shard.rebuild.lostAt, now };
  }

  async fill(partition: number, owner: string, entries: readonly { keyHash: string; claim: Claim }[]): Promise<boolean> {
    const shard = this.store.shard(partition);
    if (shard.rebuild?.owner !== owner) return false;
    this.makeRoom(entries.length);
    shard.rebuild.until = this.clock.now() + LEASE;
    for (const { keyHash, claim } of entries) if (!this.get(shard, keyHash)) shard.claims.set(keyHash, claim);
    return true;
  }

  async finishRebuild(partition: number, owner: string): Promise<boolean> {
    const shard = this.store.shard(partition);
    if (shard.rebuild?.owner !== owner) return false;
    shard.rebuild = undefined;
    shard.ready = true;
    return true;
  }

  close(): Promise<void> { return Promise.resolve(); }

  /** @throws CONFAB_OVERLOADED nothing was claimed */
  private makeRoom(count: number): void {
    this.store.sweep(this.clock.now() - this.keepMillis);
    if (this.store.size + count <= this.maxClaims) return;
    throw new ConfabError('CONFAB_OVERLOADED', { detail: `${this.maxClaims} idempotency keys are remembered in the memory of this process; CONFAB_REDIS_URL gives them more room.`, retryAfterMs: RETRY_FULL });
  }

  private get(shard: Shard, keyHash: string): Claim | undefined {
    const claim = shard.claims.get(keyHash);
    if (claim && claim.claimedAt + this.keepMillis <= this.clock.now()) { shard.claims.delete(keyHash); return undefined; }
    return claim;
  }
}
