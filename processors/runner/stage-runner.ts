/**
 * Runs one stage in one process: membership, take-over, windows, commit groups, back-pressure (design: "The runner").
 *
 * One transaction a commit group (commit-loop.ts) holds what is finished over all partitions: outputs, states, dead letters,
 * offsets. There is no timer: the next group starts when the last has committed, so it is small when idle and grows with
 * the load.
 */
import type { Clock, Timer } from '../../platform/clock.js';
import { ConfabError, isCode } from '../../platform/errors.js';
import type { AppendedOffsets, Assignment, EventLog, GroupListener, GroupMember, NewRecord, RecordBatch } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { FormedGroup } from './commit-group.js';
import { CommitLoop } from './commit-loop.js';
import type { Engine } from './engine.js';
import { PartitionShare } from './partition-share.js';
import type { RunnerMetrics } from './runner-metrics.js';
import { takeOver, type TakenPartition } from './take-over.js';
import { MAX_WINDOW_RECORDS } from './window.js';
import type { Work } from './work.js';

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

const IDLE_COMMIT = 1000;

export class StageRunner implements GroupListener {
  private member: GroupMember | undefined;
  private assignment: Assignment | undefined;
  private readonly shares = new Map<string, PartitionShare>();
  private instance: string;
  /** The name has been used in a commit, or may have been. */
  private tookOver = false;
  /** Names of before, until the next take-over has ended what they left open. */
  private readonly former: string[] = [];
  /** From the end of a take-over on, until its generation has ended or a commit has failed. */
  private commits: CommitLoop | undefined;
  private bytes = 0;
  private idle: Timer | undefined;
  private closed = false;
  /** Take-overs one after the other, also where the member has stopped waiting for the one before. */
  private turn: Promise<void> = Promise.resolve();

  constructor(private readonly options: StageRunnerOptions) {
    this.instance = options.newInstance();
  }

  async start(): Promise<void> {
    this.member = await this.options.log.join({ group: this.options.group, topics: this.options.topics, maxBatchRecords: MAX_WINDOW_RECORDS / 4 }, this);
  }

  /** True while it owns what it was assigned and can commit. */
  get ready(): boolean { return this.commits !== undefined; }

  /** Finished work is waiting: for the engine. */
  readonly kick = (): void => { this.commits?.kick(); };

  assigned(assignment: Assignment): Promise<void> {
    const mine = this.turn.then(() => this.begin(assignment));
    this.turn = mine.catch(() => undefined);
    return mine;
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
    await this.commits?.handOver();
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
    this.commits?.abandon();
    this.commits = undefined;
    for (const share of this.shares.values()) share.leave('closed');
    await this.options.engine.close();
  }

  /** Lag of what this process owns, in offsets. */
  get lag(): number {
    let lag = 0;
    for (const share of this.shares.values()) lag += Math.max(0, share.endOffset - share.committed.offset);
    return lag;
  }

  private async begin(assignment: Assignment): Promise<void> {
    insistOn(assignment);
    // A commit of the last generation that is not decided yet: whether its work is done is read from the log, not guessed.
    if (this.commits?.busy === true) this.forget();
    this.commits?.abandon();
    this.commits = undefined;
    this.assignment = assignment;
    this.releaseExcept(new Set(assignment.partitions));
    await this.options.prepare?.();
    this.tookOver = true;
    const former = [...this.former];
    const taken = await takeOver(assignment, this.instance, former);
    this.former.splice(0, former.length);
    await this.gain(taken, assignment);
    await assignment.start([...this.shares.values()].map((share) => ({ topic: share.topic, partition: share.partition, offset: share.window.nextOffset })));
    insistOn(assignment);
    for (const share of this.shares.values()) if (share.paused) assignment.pause([share]);
    this.commits = this.commitLoop(assignment);
    this.options.logger.info({ generation: assignment.generation, partitions: assignment.partitions.length, instance: this.instance }, 'partitions taken over');
    // What has left may have been all that filled the bound: nothing else would wake the partitions that waited.
    this.unthrottle();
    this.kick();
    this.watchIdle();
  }

  private async gain(taken: readonly TakenPartition[], assignment: Assignment): Promise<void> {
    const replaced = new Set<number>();
    for (const each of taken) if (!this.isKept(each)) replaced.add(each.partition);
    for (const share of [...this.shares.values()]) if (replaced.has(share.partition)) this.release(share, 'taken over by another process in between');
    for (const partition of replaced) this.options.engine.lose(partition);
    // All of them have ended before anything else happens, also when one fails.
    const gained = await Promise.allSettled([...replaced].map((partition) => this.options.engine.gain(partition)));
    const failed = gained.find((each) => each.status === 'rejected');
    if (failed !== undefined || assignment.signal.aborted) for (const partition of replaced) this.options.engine.lose(partition);
    if (failed !== undefined) throw failed.reason;
    insistOn(assignment);
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

  private commitLoop(assignment: Assignment): CommitLoop {
    const { engine, clock, logger, metrics, stateTopic, deadLetter, onFatal } = this.options;
    return new CommitLoop({
      assignment, instance: this.instance, engine, clock, logger, metrics, stateTopic, deadLetter, onFatal,
      commitEvery: this.options.commitEvery ?? 0,
      shares: () => this.shares.values(),
      onCommitted: (group, offsets) => { this.committed(group, offsets); },
      onFailed: () => { this.startOver(); },
    });
  }

  private committed(group: FormedGroup, offsets: AppendedOffsets): void {
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
      if (this.commits === undefined || ![...this.shares.values()].some((share) => share.isBehindCommit)) return;
      this.commits.idle();
      this.watchIdle();
    });
  }

  /** Forgets all that is not committed; the next take-over begins from the log, under a new name. */
  private forget(): void {
    this.commits?.abandon();
    this.commits = undefined;
    this.options.engine.clear();
    for (const share of [...this.shares.values()]) this.release(share, 'a commit failed');
    if (this.tookOver) this.former.push(this.instance);
    this.tookOver = false;
    this.instance = this.options.newInstance();
  }

  private startOver(): void {
    this.forget();
    if (this.closed) return;
    this.member?.rejoin().catch((error: unknown) => { this.options.logger.error({ err: error }, 'cannot join again'); });
  }
}

/** What began in a generation must not go on when it has ended. @throws CONFAB_FENCED */
function insistOn(assignment: Assignment): void {
  if (assignment.signal.aborted) throw new ConfabError('CONFAB_FENCED', { detail: `generation ${assignment.generation} has ended` });
}
