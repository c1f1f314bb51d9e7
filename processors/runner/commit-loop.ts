/**
 * The commits of one generation: one group after the other, the next as soon as the last is decided. Where the last held
 * several inputs the next gathers a little first: every transaction costs the brokers the same, whatever it holds (docs/adr/0218).
 *
 * A loop belongs to one assignment and one instance name. Once it is abandoned, whatever its last commit comes to is
 * nobody's concern here: the next take-over reads the answer from the log.
 */
import type { Clock } from '../../platform/clock.js';
import { type ConfabError, isCode, toConfabError } from '../../platform/errors.js';
import type { AppendedOffsets, Assignment, NewRecord } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import { buildGroup, type FormedGroup } from './commit-group.js';
import type { Engine } from './engine.js';
import type { PartitionShare } from './partition-share.js';
import type { RunnerMetrics } from './runner-metrics.js';
import type { Finished, Work } from './work.js';

export interface CommitLoopOptions {
  readonly assignment: Assignment;
  readonly instance: string;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RunnerMetrics;
  readonly stateTopic: string | undefined;
  /** At most one commit in this many milliseconds. */
  readonly commitEvery: number;
  /** The same after a commit of several inputs. */
  readonly gatherMillis: number;
  /** Partitions owned now. */
  readonly shares: () => Iterable<PartitionShare>;
  readonly deadLetter: (work: Work, error: ConfabError) => NewRecord;
  readonly onCommitted: (group: FormedGroup, offsets: AppendedOffsets) => void;
  /** Nothing that is not committed may be used any more. */
  readonly onFailed: (error: ConfabError) => void;
  /** Even a dead letter is refused: the topics are not as the topology has them. */
  readonly onFatal: (error: ConfabError) => void;
}

/** Records a transaction holds at most. */
export const MAX_GROUP_RECORDS = 4000;
const FIRST_PAUSE = 50;
const MAX_PAUSE = 2000;
const POLL = 50;
/** Inputs of one commit from which on more are likely to come at once. */
const SEVERAL = 4;

export class CommitLoop {
  private running: Promise<void> | undefined;
  /** No group is begun any more. */
  private stopped = false;
  private abandoned = false;
  private last = -Infinity;
  /** It held several inputs. */
  private several = false;
  /** When a commit was last decided, monotonic. */
  decidedAt: number;
  /** Since when the commit that is under way has no answer; undefined between two tries. */
  askedAt: number | undefined;
  /** Since when the group that is being committed is tried. */
  triedSince: number | undefined;

  constructor(private readonly options: CommitLoopOptions) {
    this.decidedAt = options.clock.monotonic();
  }

  /** A commit is under way, or about to be: what it comes to is not known. */
  get busy(): boolean { return this.running !== undefined; }

  /** Finished work may be waiting. */
  kick(): void {
    if (this.running === undefined && !this.stopped && this.options.engine.hasFinished) this.run(() => this.commitAll());
  }

  /** Commits past trailing markers and gaps, where there is nothing else to commit. */
  idle(): void {
    if (this.running === undefined && !this.stopped) this.run(() => this.commitOnce());
  }

  /** Commits the offsets as they stand: only a member of the generation can. */
  prove(): void {
    if (this.running === undefined && !this.stopped) this.run(() => this.commitFinished([], [...this.options.shares()]));
  }

  /** The generation ends: what is finished is committed and every partition handed over, with no owner's name. */
  async handOver(): Promise<void> {
    this.stopped = true;
    await this.running;
    if (this.abandoned) return;
    this.run(async () => {
      const group = this.form('', this.options.engine.take(MAX_GROUP_RECORDS, this.options.shares()), [...this.options.shares()]);
      if (group.offsets.length === 0) return;
      try {
        await this.commit(group);
      } catch (error) {
        this.options.logger.warn({ err: error }, 'could not hand over: the next owner repeats what was not committed');
        this.fail(error);
      }
    });
    await this.running;
  }

  /** Results that are still to come are dropped. */
  abandon(): void {
    this.stopped = true;
    this.abandoned = true;
  }

  private run(work: () => Promise<void>): void {
    this.running = work().finally(() => { this.running = undefined; this.kick(); });
  }

  private async commitAll(): Promise<void> {
    while (!this.stopped && this.options.engine.hasFinished) {
      const wait = this.last + this.pause - this.options.clock.monotonic();
      // In small steps: a revocation is not to wait for a stage that aggregates.
      if (wait > 0) await this.options.clock.sleep(Math.min(POLL, wait));
      else await this.commitOnce();
    }
  }

  private get pause(): number { return this.several ? Math.max(this.options.commitEvery, this.options.gatherMillis) : this.options.commitEvery; }

  private async commitOnce(): Promise<void> {
    const finished = this.options.engine.take(MAX_GROUP_RECORDS, this.options.shares());
    const also = [...this.options.shares()].filter((share) => share.isBehindCommit);
    if (finished.length > 0 || also.length > 0) await this.commitFinished(finished, also);
  }

  /** Tries again while nothing was written and the generation lasts. */
  private async commitFinished(finished: readonly Finished[], also: readonly PartitionShare[]): Promise<void> {
    const { instance, logger, metrics, clock } = this.options;
    const group = this.form(instance, finished, also);
    if (group.offsets.length === 0) return;
    this.triedSince ??= clock.monotonic();
    for (let pause = FIRST_PAUSE; ; pause = Math.min(MAX_PAUSE, pause * 2)) {
      try {
        await this.commit(group);
        this.triedSince = undefined;
        return;
      } catch (error) {
        metrics.commitFailed(toConfabError(error).code);
        if (isCode(error, 'CONFAB_RECORD_TOO_LARGE') && finished.length > 0) { await this.isolate(finished, error); return; }
        const retry = isCode(error, 'CONFAB_LOG_UNAVAILABLE') && !this.stopped;
        logger.warn({ err: error, retry }, 'commit failed');
        if (!retry) { this.fail(error); return; }
        await clock.sleep(pause);
      }
    }
  }

  /** A record of the group is refused by the log: the input that it stems from is found by halves and buried, the others go on. */
  private async isolate(finished: readonly Finished[], error: ConfabError): Promise<void> {
    for (const { work } of finished) work.done = false;
    if (finished.length > 1) {
      const middle = finished.length >> 1;
      await this.commitFinished(finished.slice(0, middle), []);
      // Left out, the rest would stay open for good in a partition that stays, and later inputs would go before it.
      if (this.stopped) this.fail(error); else await this.commitFinished(finished.slice(middle), []);
      return;
    }
    const { work, buried } = finished[0] as Finished;
    if (buried === true) { this.options.onFatal(error); return; }
    await this.commitFinished([{ buried: true, work, records: [this.options.deadLetter(work, error)], state: undefined }], []);
    // What was processed behind it may rest on the state that is not written now.
    this.fail(error);
  }

  private form(owner: string, finished: readonly Finished[], also: readonly PartitionShare[]): FormedGroup {
    return buildGroup(finished, { owner, stateTopic: this.options.stateTopic, also });
  }

  private async commit(group: FormedGroup): Promise<void> {
    const { assignment, instance, clock, metrics } = this.options;
    this.last = clock.monotonic();
    this.askedAt = this.last;
    this.several = group.finished.length >= SEVERAL;
    const offsets = await assignment.commit(instance, group).finally(() => { this.askedAt = undefined; });
    this.decidedAt = clock.monotonic();
    metrics.committed(group.finished.length, group.records.length, (this.decidedAt - this.last) / 1000);
    if (!this.abandoned) this.options.onCommitted(group, offsets);
  }

  private fail(error: unknown): void {
    if (this.abandoned) return;
    this.abandon();
    this.options.onFailed(toConfabError(error));
  }
}
