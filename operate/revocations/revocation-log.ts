/** revocations.v1 as operators use it: one record for each thing that is revoked, and the newest counts. */
import { revocationKey, type RevocationRule, type RevocationTarget } from '../../platform/auth/revocations.js';
import type { Clock } from '../../platform/clock.js';
import { isCode } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import type { Codec, RecordCodec } from '../../schemas/codec.js';
import { decodeRecord } from '../../schemas/decode-record.js';
import type { Revocation } from '../../schemas/types.js';
import { topicName } from '../../topology/topology.js';
import { appendOnce, type KeyedRecord } from '../append-once.js';
import { fieldsOf } from './revocation.js';

export interface RevocationLogOptions {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly prefix: string;
}

export interface RevocationOrder {
  readonly target: RevocationTarget;
  /** Milliseconds. Default: now, and the rest of this second, since tokens tell seconds. Not for one token. */
  readonly issuedBefore?: number | undefined;
  /** Milliseconds: when the last of the tokens has ended by itself. Default: not known, so it is kept for good. */
  readonly until?: number | undefined;
  readonly reason?: string | undefined;
}

/** Records of tokens that have ended which one revocation takes away. */
const TIDIED = 1_000;

export class RevocationLog {
  constructor(private readonly options: RevocationLogOptions) {}

  /** What is in force, newest first. @throws CONFAB_LOG_UNAVAILABLE, CONFAB_TOPIC_UNKNOWN */
  async list(): Promise<Revocation[]> {
    const now = this.options.clock.now();
    return [...(await this.read()).values()].filter(({ until }) => until === null || until > now).sort((a, b) => b.revokedAt - a.revokedAt);
  }

  /**
   * Refuses the tokens from now on. One that was revoked before stays revoked at least as far. Takes away what is about tokens
   * that have ended. The same again is nothing new: it may be repeated. @throws CONFAB_LOG_UNAVAILABLE, CONFAB_LOG_OUTCOME_UNKNOWN
   */
  async revoke({ target, issuedBefore, until, reason }: RevocationOrder, by: string): Promise<Revocation> {
    const now = this.options.clock.now();
    const all = await this.read();
    const key = revocationKey(target);
    const before = all.get(key);
    const seconds = target.kind === 'token' ? null : issuedBefore === undefined ? Math.floor(now / 1_000) + 1 : Math.ceil(issuedBefore / 1_000);
    const wider = widest({ issuedBefore: seconds, until: until ?? null }, before !== undefined && (before.until === null || before.until > now) ? before : undefined);
    const record: Revocation = { ...fieldsOf(target), ...wider, reason: reason ?? null, revokedBy: by, revokedAt: now };
    const ended = [...all].filter(([name, one]) => name !== key && one.until !== null && one.until <= now).slice(0, TIDIED);
    await this.append([{ key, value: this.options.codec.of('Revocation').encode(record) }, ...ended.map(([name]) => ({ key: name, value: null }))]);
    return record;
  }

  /** Takes a revocation back: tokens that have not ended hold again. */
  async withdraw(target: RevocationTarget): Promise<void> {
    await this.append([{ key: revocationKey(target), value: null }]);
  }

  private async read(): Promise<Map<string, Revocation>> {
    const { log, prefix } = this.options;
    const codec = this.options.codec.of('Revocation');
    const name = topicName(prefix, 'revocations.v1');
    const all = new Map<string, Revocation>();
    for await (const { records } of log.read(name, 0, 0, await log.settledEnd(name, 0))) {
      for (const { key, value } of records) {
        if (key === null) continue;
        all.delete(key);
        const found = value === null ? undefined : await readable(codec, value);
        if (found !== undefined) all.set(key, found);
      }
    }
    return all;
  }

  private append(records: readonly KeyedRecord[]): Promise<void> {
    return appendOnce(this.options, topicName(this.options.prefix, 'revocations.v1'), records);
  }
}

/** What nobody can read (nodes refuse all that its key names) keeps nobody from revoking more. @throws CONFAB_REGISTRY_UNAVAILABLE */
async function readable(codec: RecordCodec<Revocation>, value: Buffer): Promise<Revocation | undefined> {
  try {
    return await decodeRecord(codec, value);
  } catch (error) {
    if (isCode(error, 'CONFAB_REGISTRY_UNAVAILABLE')) throw error;
    return undefined;
  }
}

/** What refuses all that either of the two refuses. */
function widest(wanted: RevocationRule, before: RevocationRule | undefined): RevocationRule {
  if (before === undefined) return wanted;
  return {
    issuedBefore: wanted.issuedBefore === null || before.issuedBefore === null ? null : Math.max(wanted.issuedBefore, before.issuedBefore),
    until: wanted.until === null || before.until === null ? null : Math.max(wanted.until, before.until),
  };
}
