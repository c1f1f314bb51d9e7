/**
 * Runs one stage in one process: membership, take-over, windows, commit groups, back-pressure (design: "The runner").
 *
 * One transaction a commit group holds what is finished over all partitions: outputs, states, dead letters, offsets. There
 * is no timer: the next group starts when the last has committed, so it is small when idle and grows with the load.
 */
import type { Clock, Timer } from '../../platform/clock.js';
import { type ConfabError, isCode, toConfabError } from '../../platform/errors.js';
import type { Assignment, EventLog, GroupListener, GroupMember, NewRecord, RecordBatch } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import { buildGroup, type FormedGroup } from './commit-group.js';
import type { Engine } from './engine.js';
import { PartitionShare } from './partition-share.js';
import type { RunnerMetrics } from './runner-metrics.js';
import { takeOver, type TakenPartition } from './take-over.js';
import { MAX_WINDOW_RECORDS } from './window.js';
import type { Finished, Work } from './work.js';

export interface StageRunnerOptions {
  readonly name: string;
  /** Full names. */
  readonly group: string;
  readonly topics: readonly string[];
  readonly stateTopic: string | undefined;
  readonly log: EventLog;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RunnerMetrics;
  /** A name that no other life of any process has: ULID. */
  readonly newInstance: () => string;
  readonly commitEvery?: number;
  /** Bytes of inputs in flight in this process. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Reads what must be known before the first input (the epoch of positions). */
  readonly prepare?: () => Promise<void>;
  /** The dead letter of an input whose output the log refuses. */
  readonly deadLetter: (work: Work, error: ConfabError) => NewRecord;
  readonly onFatal: (error: ConfabError) => void;
  /** Sampled work was committed. */
  readonly onCommitted?: (group: FormedGroup, committedAt: number) => void;
}

/** Records a transaction holds at most. */
export const MAX_GROUP_RECORDS = 4000;
const IDLE_COMMIT = 1000;

export class StageRunner implements GroupListener {
  private member: GroupMember | undefined;
  private assignment: Assignment | undefined;
  private readonly shares = new Map<string, PartitionShare>();
  private instance: string;
  /** Commits may start: between the end of a take-over and the end of its generation. */
  private active = false;
  private committing: Promise<void> | undefined;
  private lastCommit = -Infinity;
  private bytes = 0;
  private idle: Timer | undefined;
  private closed = false;

  constructor(private readonly options: StageRunnerOptions) {
    this.instance = options.newInstance();
  }

  async start(): Promise<void> {
    this.member = await this.options.log.join({ group: this.options.group, topics: this.options.topics, maxBatchRecords: MAX_WINDOW_RECORDS / 4 }, this);
  }

  /** True while it owns what it was assigned and can commit. */
  get ready(): boolean { return this.active; }

  /** Finished work is waiting: for the engine. */
  readonly kick = (): void => {
    if (this.committing !== undefined || !this.active || !this.options.engine.hasFinished) return;
    this.committing = this.commitLoop().finally(() => { this.committing = undefined; this.kick(); });
  };

  async assigned(assignment: Assignment): Promise<void> {
    this.assignment = assignment;
    this.releaseExcept(new Set(assignment.partitions));
    await this.options.prepare?.();
    const taken = await takeOver(assignment, this.instance);
    await this.gain(taken);
    await assignment.start([...this.shares.values()].map((share) => ({ topic: share.topic, partition: share.partition, offset: share.window.nextOffset })));
    for (const share of this.shares.values()) if (share.paused) assignment.pause([share]);
    this.active = true;
    this.options.logger.info({ generation: assignment.generation, partitions: assignment.partitions.length, instance: this.instance }, 'partitions taken over');
    this.kick();
    this.watchIdle();
  }

  records(batch: RecordBatch): void {
    const share = this.shares.get(`${batch.topic}/${batch.partition}`);
    if (share === undefined) return;
    share.endOffset = batch.endOffset;
    const records = batch.records.filter((record) => !share.window.isDone(record.offset));
    let bytes = 0;
    for (const record of records) bytes += record.value?.length ?? 0;
    share.bytes += bytes;
    this.bytes += bytes;
    this.options.metrics.read(batch.records.length, batch.records.length - records.length);
    if (records.length > 0) this.options.engine.add(share, records);
    share.window.cover(batch.nextOffset);
    this.throttle(share);
    this.watchIdle();
  }

  async revoking(): Promise<void> {
    this.active = false;
    await this.committing;
    const assignment = this.assignment;
    if (assignment === undefined || this.shares.size === 0) return;
    const group = this.form('', this.options.engine.take(MAX_GROUP_RECORDS), [...this.shares.values()]);
    try {
      await this.commit(assignment, group);
    } catch (error) {
      this.options.logger.warn({ err: error }, 'could not hand over: the next owner repeats what was not committed');
      this.forget();
    }
  }

  failed(error: ConfabError, fatal: boolean): void {
    this.options.logger.error({ err: error, fatal }, 'membership lost');
    this.forget();
    if (fatal) this.options.onFatal(error);
  }

  /** Commits what is finished, leaves the group, hands its partitions over. */
  async close(): Promise<void> {
    this.closed = true;
    this.idle?.cancel();
    await this.member?.close();
    this.active = false;
    for (const share of this.shares.values()) share.leave('closed');
    await this.options.engine.close();
  }

  /** Lag of what this process owns, in offsets. */
  get lag(): number {
    let lag = 0;
    for (const share of this.shares.values()) lag += Math.max(0, share.endOffset - share.committed.offset);
    return lag;
  }

  private async gain(taken: readonly TakenPartition[]): Promise<void> {
    const replaced = new Set<number>();
    for (const each of taken) if (!this.isKept(each)) replaced.add(each.partition);
    for (const share of [...this.shares.values()]) if (replaced.has(share.partition)) this.release(share, 'taken over by another process in between');
    for (const partition of replaced) this.options.engine.lose(partition);
    await Promise.all([...replaced].map((partition) => this.options.engine.gain(partition)));
    for (const each of taken) {
      if (!replaced.has(each.partition)) continue;
      this.shares.set(`${each.topic}/${each.partition}`, new PartitionShare(each.topic, each.partition, each.offset, each.runs));
    }
  }

  /** Nobody else was here since this process last committed: what is in flight stays good. */
  private isKept(taken: TakenPartition): boolean {
    const share = this.shares.get(`${taken.topic}/${taken.partition}`);
    return share !== undefined && !taken.foreign && share.committed.offset === taken.offset && share.committed.runs.join() === taken.runs.join();
  }

  private releaseExcept(partitions: ReadonlySet<number>): void {
    const left = new Set<number>();
    for (const share of [...this.shares.values()]) {
      if (partitions.has(share.partition)) continue;
      this.release(share, 'assigned to another process');
      left.add(share.partition);
    }
    for (const partition of left) this.options.engine.lose(partition);
  }

  private release(share: PartitionShare, reason: string): void {
    share.leave(reason);
    this.bytes -= share.bytes;
    this.shares.delete(`${share.topic}/${share.partition}`);
  }

  private async commitLoop(): Promise<void> {
    while (this.active && this.options.engine.hasFinished) {
      const wait = (this.options.commitEvery ?? 0) - (this.options.clock.monotonic() - this.lastCommit);
      if (wait > 0) await this.pauseUntil(wait);
      else await this.commitOnce();
    }
  }

  /** Keeps the loop taken while a stage that aggregates waits, but lets a revocation through at once. */
  private async pauseUntil(wait: number): Promise<void> {
    const end = this.options.clock.monotonic() + wait;
    while (this.active && this.options.clock.monotonic() < end) await this.options.clock.sleep(Math.min(50, wait));
  }

  private async commitOnce(): Promise<void> {
    const finished = this.options.engine.take(MAX_GROUP_RECORDS);
    const also = [...this.shares.values()].filter((share) => share.isBehindCommit);
    if (finished.length > 0 || also.length > 0) await this.commitFinished(finished, also);
  }

  /** Commits one group; tries again while nothing was written and the generation lasts, else begins anew. */
  private async commitFinished(finished: readonly Finished[], also: readonly PartitionShare[]): Promise<void> {
    const { assignment } = this;
    if (assignment === undefined) return;
    const group = this.form(this.instance, finished, also);
    for (let pause = 50; ; pause = Math.min(2000, pause * 2)) {
      try {
        await this.commit(assignment, group);
        return;
      } catch (error) {
        this.options.metrics.commitFailed(toConfabError(error).code);
        if (isCode(error, 'CONFAB_RECORD_TOO_LARGE') && finished.length > 0) return this.isolate(finished, error);
        const retry = isCode(error, 'CONFAB_LOG_UNAVAILABLE') && this.active && this.assignment === assignment;
        this.options.logger.warn({ err: error, retry }, 'commit failed');
        if (!retry) { this.startOver(); return; }
        await this.options.clock.sleep(pause);
      }
    }
  }

  /** A record of the group is refused by the log: the input that it stems from is found by halves and buried, the others go on. */
  private async isolate(finished: readonly Finished[], error: ConfabError): Promise<void> {
    for (const { work } of finished) work.done = false;
    if (finished.length > 1) {
      const middle = finished.length >> 1;
      await this.commitFinished(finished.slice(0, middle), []);
      if (this.active) await this.commitFinished(finished.slice(middle), []);
      return;
    }
    const { work, buried } = finished[0] as Finished;
    // Even its dead letter is refused: the topics are not as the topology has them.
    if (buried === true) { this.options.onFatal(error); return; }
    await this.commitFinished([{ buried: true, work, records: [this.options.deadLetter(work, error)], state: undefined }], []);
    // What was processed behind it may rest on the state that is not written now.
    this.startOver();
  }

  private form(owner: string, finished: readonly Finished[], also: readonly PartitionShare[]): FormedGroup {
    return buildGroup(finished, { owner, stateTopic: this.options.stateTopic, also });
  }

  private async commit(assignment: Assignment, group: FormedGroup): Promise<void> {
    const start = this.options.clock.monotonic();
    this.lastCommit = start;
    const offsets = await assignment.commit(this.instance, group);
    this.options.metrics.committed(group.finished.length, group.records.length, (this.options.clock.monotonic() - start) / 1000);
    for (const { share, offset, runs } of group.offsets) { share.committed = { offset, runs }; share.window.settle(); }
    for (const { work } of group.finished) {
      const bytes = work.rawValue?.length ?? 0;
      if (work.share.gone) continue;
      work.share.bytes -= bytes;
      this.bytes -= bytes;
    }
    this.options.engine.committed(group.finished, group.stateOffsets(offsets));
    this.options.onCommitted?.(group, this.options.clock.now());
    this.unthrottle();
    this.options.metrics.lag(this.lag);
  }

  private throttle(share: PartitionShare): void {
    if (share.paused || this.assignment === undefined) return;
    if (!share.window.isFull && this.bytes < (this.options.maxBytes ?? 64 * 1024 * 1024)) return;
    share.paused = true;
    this.steer((assignment) => { assignment.pause([share]); });
  }

  private unthrottle(): void {
    if (this.bytes > (this.options.maxBytes ?? 64 * 1024 * 1024) / 2) return;
    const free = [...this.shares.values()].filter((share) => share.paused && share.window.size < MAX_WINDOW_RECORDS / 2);
    if (free.length === 0) return;
    for (const share of free) share.paused = false;
    this.steer((assignment) => { assignment.resume(free); });
  }

  /** Pauses or resumes. When the generation has just ended there is nothing to steer: the next take-over sets it anew. */
  private steer(change: (assignment: Assignment) => void): void {
    try {
      if (this.assignment !== undefined) change(this.assignment);
    } catch (error) {
      if (!isCode(error, 'CONFAB_FENCED')) throw error;
    }
  }

  /** When idle, commits past trailing markers, so that the lag reads 0. */
  private watchIdle(): void {
    if (this.idle !== undefined || this.closed) return;
    this.idle = this.options.clock.after(IDLE_COMMIT, () => {
      this.idle = undefined;
      const behind = [...this.shares.values()].some((share) => share.isBehindCommit);
      if (!this.active || !behind) return;
      if (this.committing === undefined) this.committing = this.commitOnce().finally(() => { this.committing = undefined; this.kick(); });
      this.watchIdle();
    });
  }

  /** Forgets all that is not committed; the next assignment begins from the log, under a new name. */
  private forget(): void {
    this.active = false;
    this.options.engine.clear();
    for (const share of [...this.shares.values()]) this.release(share, 'a commit failed');
    this.instance = this.options.newInstance();
  }

  private startOver(): void {
    const joined = this.active;
    this.forget();
    if (!joined || this.closed) return;
    this.member?.rejoin().catch((error: unknown) => { this.options.logger.error({ err: error }, 'cannot join again'); });
  }
}
