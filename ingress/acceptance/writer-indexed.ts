/**
 * Acceptance over a log without `once` (Kafka): claim, append, confirm.
 *
 * A batch is claimed in one call per partition, appended in one call, confirmed in the background. The steps are ordered so
 * that a crash between any two of them leaves either nothing or a claim that the log can settle (resolver.ts).
 */
import type { Clock } from '../../platform/clock.js';
import { ConfabError, toConfabError } from '../../platform/errors.js';
import type { Appender } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import { formatPosition } from '../../platform/position.js';
import { type AcceptanceMetrics, noMetrics } from './acceptance-metrics.js';
import { appendError, mayBeWritten } from './append-errors.js';
import type { Claim, ClaimAnswers, ClaimIndex } from './claim-index/claim-index.js';
import { Confirmer } from './confirmer.js';
import { IndexPause, PAUSE } from './index-pause.js';
import type { BatchWriter, Pending } from './pending.js';
import type { Rebuilder } from './rebuilder.js';
import type { Resolver } from './resolver.js';

export interface IndexedWriterOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly appender: Appender;
  readonly index: ClaimIndex;
  readonly resolver: Resolver;
  readonly rebuilder: Rebuilder;
  readonly epoch: string;
  /** Ends of the partitions when the writer was made. */
  readonly ends: readonly number[];
  /** Writes an entry anew whose claim was given up. */
  readonly requeue: (pending: Pending) => void;
  readonly metrics?: AcceptanceMetrics;
}

/** How long a caller waits for another's claim to be decided. */
const RESOLVE_LIMIT = 5000;

export class IndexedWriter implements BatchWriter {
  private readonly options: IndexedWriterOptions;
  private readonly metrics: AcceptanceMetrics;
  private readonly confirmer: Confirmer;
  private readonly ends: number[];
  /** Keys that this process has claimed and not decided: a second request follows the first without asking the index. */
  private readonly own = new Map<string, Pending>();
  private readonly pause: IndexPause;

  constructor(options: IndexedWriterOptions) {
    this.options = options;
    this.metrics = options.metrics ?? noMetrics;
    this.confirmer = new Confirmer(options);
    this.pause = new IndexPause(options.clock);
    this.ends = [...options.ends];
  }

  async write(batch: readonly Pending[], finished: (pending: Pending) => void): Promise<void> {
    const ready: Pending[] = [];
    const keyed: Pending[] = [];
    for (const pending of batch) {
      if (pending.settled) { finished(pending); continue; }
      if (pending.keyHash === null) { ready.push(pending); continue; }
      const first = this.own.get(pending.keyHash);
      if (first) { (first.followers ??= []).push(pending); continue; }
      this.own.set(pending.keyHash, pending);
      keyed.push(pending);
      ready.push(pending);
    }
    const refused = keyed.length > 0 ? await this.claim(keyed, finished) : undefined;
    await this.append(refused && refused.size > 0 ? ready.filter((pending) => !refused.has(pending)) : ready, finished);
  }

  async close(): Promise<void> {
    this.options.rebuilder.close();
    await this.confirmer.close();
    await this.options.appender.close();
    await this.options.index.close();
  }

  /** Claims by partition; returns those that are not to be appended. */
  private async claim(keyed: readonly Pending[], finished: (pending: Pending) => void): Promise<ReadonlySet<Pending>> {
    const out = new Set<Pending>();
    const byPartition = new Map<number, Pending[]>();
    for (const pending of keyed) {
      const group = byPartition.get(pending.partition);
      if (group) group.push(pending); else byPartition.set(pending.partition, [pending]);
    }
    await Promise.all([...byPartition].map(async ([partition, group]) => {
      try {
        const answers = await this.claimGroup(partition, group);
        for (const [at, pending] of group.entries()) this.claimed(pending, answers.known[at], answers.now, out, finished);
      } catch (thrown) {
        for (const pending of group) { out.add(pending); this.fail(pending, toConfabError(thrown), finished); }
      }
    }));
    return out;
  }

  /** @throws CONFAB_INDEX_REBUILDING */
  private async claimGroup(partition: number, group: readonly Pending[]): Promise<ClaimAnswers> {
    const { index, rebuilder } = this.options;
    if (this.pause.holds(partition)) throw new ConfabError('CONFAB_INDEX_REBUILDING', { detail: 'The index of idempotency keys does not answer.', retryAfterMs: PAUSE });
    const logEnd = this.ends[partition] ?? 0;
    let answers: ClaimAnswers | undefined;
    try {
      answers = await index.claim(partition, group.map((pending) => ({ keyHash: pending.keyHash ?? '', messageId: pending.messageId, bodyHash: pending.bodyHash, logEnd })));
    } catch (thrown) {
      this.pause.failed(partition);
      throw thrown;
    }
    this.pause.answered(partition);
    if (!answers) {
      rebuilder.lost(partition);
      throw new ConfabError('CONFAB_INDEX_REBUILDING', { retryAfterMs: 5000 });
    }
    return answers;
  }

  private claimed(pending: Pending, known: Claim | undefined, now: number, out: Set<Pending>, finished: (pending: Pending) => void): void {
    if (!known) {
      // The claim's time is the record's: past the bound of the topic the log refuses it.
      pending.record = { ...pending.record, timestamp: now };
      pending.claimLogEnd = this.ends[pending.partition] ?? 0;
      return;
    }
    out.add(pending);
    if (known.offset !== null) this.answerKnown(pending, known, known.offset, finished);
    else void this.resolve(pending, known, now, finished);
  }

  /** Outside of the batch: others do not wait for it. */
  private async resolve(pending: Pending, claim: Claim, now: number, finished: (pending: Pending) => void): Promise<void> {
    const { clock } = this.options;
    // The search in the log may take long when the log is slow; the caller need not.
    const timer = clock.after(RESOLVE_LIMIT, () => {
      const error = new ConfabError('CONFAB_OUTCOME_UNKNOWN', { retryAfterMs: 5000 });
      for (const each of [pending, ...pending.followers ?? []]) each.refuse(error);
    });
    try {
      if (claim.bodyHash !== pending.bodyHash) throw new ConfabError('CONFAB_IDEMPOTENCY_KEY_REUSED');
      const resolution = await this.options.resolver.resolve(pending, claim, now);
      if (resolution.outcome === 'accepted') { this.answerKnown(pending, resolution.claim, resolution.claim.offset, finished); return; }
      // From the claim on, with those that follow it.
      if (pending.keyHash !== null) this.own.delete(pending.keyHash);
      const followers = pending.followers ?? [];
      pending.followers = undefined;
      this.options.requeue(pending);
      for (const follower of followers) this.options.requeue(follower);
    } catch (thrown) {
      this.fail(pending, toConfabError(thrown), finished);
    } finally {
      timer.cancel();
    }
  }

  private answerKnown(pending: Pending, claim: Claim, offset: number, finished: (pending: Pending) => void): void {
    this.end(pending, (each) => {
      if (claim.bodyHash !== each.bodyHash) { each.refuse(new ConfabError('CONFAB_IDEMPOTENCY_KEY_REUSED')); return; }
      this.metrics.duplicates(1);
      each.accept({ messageId: claim.messageId, position: formatPosition(this.options.epoch, offset, 0), duplicate: true });
    }, finished);
  }

  private async append(ready: readonly Pending[], finished: (pending: Pending) => void): Promise<void> {
    // Who was told meanwhile that nothing was written must be told the truth.
    const entries = ready.filter((pending) => !pending.settled);
    if (entries.length < ready.length) this.giveUp(ready.filter((pending) => pending.settled), finished);
    if (entries.length === 0) return;
    for (const pending of entries) pending.sent = true;
    try {
      const offsets = await this.options.appender.append(entries.map((pending) => pending.record));
      this.appended(entries, offsets, finished);
    } catch (thrown) {
      this.options.logger.warn({ err: thrown, records: entries.length }, 'messages could not be appended');
      const error = appendError(thrown);
      this.metrics.refused(error.code);
      if (mayBeWritten(thrown)) for (const pending of entries) this.fail(pending, error, finished);
      else this.giveUp(entries, finished, error);
    }
  }

  private appended(entries: readonly Pending[], offsets: readonly number[], finished: (pending: Pending) => void): void {
    const { epoch } = this.options;
    for (let i = 0; i < entries.length; i += 1) {
      const pending = entries[i] as Pending;
      const offset = offsets[i] ?? 0;
      if (offset >= (this.ends[pending.partition] ?? 0)) this.ends[pending.partition] = offset + 1;
      const position = formatPosition(epoch, offset, 0);
      pending.accept({ messageId: pending.messageId, position, duplicate: false });
      if (pending.keyHash === null) { finished(pending); continue; }
      this.confirmer.confirm(pending.partition, pending.keyHash, claimOf(pending, offset));
      this.end(pending, (each) => {
        if (each.bodyHash !== pending.bodyHash) each.refuse(new ConfabError('CONFAB_IDEMPOTENCY_KEY_REUSED'));
        else each.accept({ messageId: pending.messageId, position, duplicate: true });
      }, finished);
    }
    this.metrics.accepted(entries.length);
    this.confirmer.flush();
  }

  /** Nothing of them was written: their claims are freed, so that a repeat is accepted at once. */
  private giveUp(entries: readonly Pending[], finished: (pending: Pending) => void, error = new ConfabError('CONFAB_LOG_UNAVAILABLE', { retryAfterMs: 1000 })): void {
    for (const pending of entries) {
      if (pending.keyHash !== null) this.confirmer.release(pending.partition, pending.keyHash, pending.messageId, pending.record.timestamp);
      this.fail(pending, error, finished);
    }
    this.confirmer.flush();
  }

  private fail(pending: Pending, error: ConfabError, finished: (pending: Pending) => void): void {
    this.end(pending, (each) => { each.refuse(error); }, finished);
  }

  /** Answers an entry and those that follow it, and forgets its key. */
  private end(pending: Pending, answer: (pending: Pending) => void, finished: (pending: Pending) => void): void {
    if (pending.keyHash !== null && this.own.get(pending.keyHash) === pending) this.own.delete(pending.keyHash);
    answer(pending);
    finished(pending);
    for (const follower of pending.followers ?? []) { answer(follower); finished(follower); }
    pending.followers = undefined;
  }
}

function claimOf(pending: Pending, offset: number): Claim {
  return { messageId: pending.messageId, bodyHash: pending.bodyHash, claimedAt: pending.record.timestamp, logEnd: pending.claimLogEnd, offset };
}
