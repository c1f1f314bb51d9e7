/** The claim index in Redis: one script per partition of a micro-batch, keys of a partition in one slot. */
import { createHash } from 'node:crypto';
import type { RedisConnection } from '../../../platform/redis/redis.js';
import { LEASE, type Claim, type ClaimAnswers, type ClaimIndex, type ClaimReads, type ClaimRequest, type RebuildTurn } from './claim-index.js';
import { BEGIN, CLAIM, CONFIRM, FILL, FINISH, READ, RELEASE } from './redis-scripts.js';

export interface RedisClaimIndexOptions {
  /** Made with a short command time-out (500 ms): while Redis hangs, messages with a key must be refused soon. Closed by its maker. */
  readonly redis: RedisConnection;
  /** CONFAB_PREFIX. */
  readonly prefix: string;
  /** Epoch of positions: an index of another log is none. */
  readonly epoch: string;
  readonly keepMillis: number;
}

type Arguments = readonly (string | number)[];

class Script {
  readonly sha: string;
  constructor(readonly text: string) { this.sha = createHash('sha1').update(text).digest('hex'); }
}

const scripts = {
  claim: new Script(CLAIM), read: new Script(READ), confirm: new Script(CONFIRM), release: new Script(RELEASE),
  begin: new Script(BEGIN), fill: new Script(FILL), finish: new Script(FINISH),
} as const;

export class RedisClaimIndex implements ClaimIndex {
  readonly kind = 'redis';
  private readonly options: RedisClaimIndexOptions;
  /** Per partition the generation and the count that this node saw last. */
  private readonly seen = new Map<number, { gen: string; seq: number }>();

  constructor(options: RedisClaimIndexOptions) { this.options = options; }

  async claim(partition: number, requests: readonly ClaimRequest[]): Promise<ClaimAnswers | undefined> {
    const { epoch, keepMillis } = this.options;
    const seen = this.seen.get(partition);
    const values: (string | number)[] = [epoch, seen?.gen ?? '', seen?.seq ?? 0, keepMillis];
    for (const { messageId, bodyHash, logEnd } of requests) values.push(messageId, bodyHash, logEnd);
    const answer = await this.run(scripts.claim, this.keys(partition, requests.map(({ keyHash }) => keyHash)), values) as (string | number)[];
    if (answer.length === 0) { this.seen.delete(partition); return undefined; }
    const [now, gen, seq, ...known] = answer;
    this.remember(partition, String(gen), Number(seq));
    return { now: Number(now), known: known.map((text) => parseClaim(String(text))) };
  }

  async read(partition: number, keyHashes: readonly string[]): Promise<ClaimReads | undefined> {
    const answer = await this.run(scripts.read, this.keys(partition, keyHashes), [this.options.epoch]) as (string | number)[];
    if (answer.length === 0) return undefined;
    return { now: Number(answer[0]), claims: answer.slice(1).map((text) => parseClaim(String(text))) };
  }

  async confirm(partition: number, entries: readonly { keyHash: string; claim: Claim }[]): Promise<void> {
    const values: (string | number)[] = [this.options.keepMillis];
    for (const { claim } of entries) values.push(claim.messageId, claimText(claim), claim.claimedAt);
    await this.run(scripts.confirm, this.keys(partition, entries.map(({ keyHash }) => keyHash)), values);
  }

  async release(partition: number, entries: readonly { keyHash: string; messageId: string; claimedAt: number }[]): Promise<void> {
    await this.run(scripts.release, this.keys(partition, entries.map(({ keyHash }) => keyHash)), entries.flatMap(({ messageId, claimedAt }) => [messageId, claimedAt]));
  }

  async beginRebuild(partition: number, owner: string): Promise<RebuildTurn> {
    const [state, lostAt, now] = await this.run(scripts.begin, this.rebuildKeys(partition, []), [this.options.epoch, owner, LEASE]) as (string | number)[];
    return state === 'mine' ? { state, lostAt: Number(lostAt), now: Number(now) } : { state: state as 'ready' | 'busy' };
  }

  async fill(partition: number, owner: string, entries: readonly { keyHash: string; claim: Claim }[]): Promise<boolean> {
    const values: (string | number)[] = [owner, LEASE, this.options.keepMillis];
    for (const { claim } of entries) values.push(claimText(claim), claim.claimedAt);
    return await this.run(scripts.fill, this.rebuildKeys(partition, entries.map(({ keyHash }) => keyHash)), values) === 1;
  }

  async finishRebuild(partition: number, owner: string): Promise<boolean> {
    return await this.run(scripts.finish, this.rebuildKeys(partition, []), [this.options.epoch, owner]) === 1;
  }

  close(): Promise<void> { return Promise.resolve(); }

  private remember(partition: number, gen: string, seq: number): void {
    const seen = this.seen.get(partition);
    if (seen?.gen === gen) seen.seq = Math.max(seen.seq, seq);
    else this.seen.set(partition, { gen, seq });
  }

  private base(partition: number): string { return `${this.options.prefix}confab:keys:{i${partition}}`; }

  private keys(partition: number, keyHashes: readonly string[]): string[] {
    const base = this.base(partition);
    return [base, ...keyHashes.map((keyHash) => `${base}:${keyHash}`)];
  }

  private rebuildKeys(partition: number, keyHashes: readonly string[]): string[] {
    const [base = '', ...claims] = this.keys(partition, keyHashes);
    return [base, `${base}:turn`, ...claims];
  }

  private run(script: Script, keys: readonly string[], values: Arguments): Promise<unknown> {
    return this.options.redis.call('CONFAB_INDEX_REBUILDING', async (client) => {
      const rest = [...keys, ...values];
      try {
        return await client.evalsha(script.sha, keys.length, ...rest);
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error;
        return client.eval(script.text, keys.length, ...rest);
      }
    });
  }
}

function claimText(claim: Claim): string {
  return `${claim.messageId} ${claim.bodyHash} ${claim.claimedAt} ${claim.logEnd} ${claim.offset ?? '-'}`;
}

function parseClaim(text: string): Claim | undefined {
  if (text === '') return undefined;
  const [messageId = '', bodyHash = '', claimedAt, logEnd, offset] = text.split(' ');
  return { messageId, bodyHash, claimedAt: Number(claimedAt), logEnd: Number(logEnd), offset: offset === '-' ? null : Number(offset) };
}
