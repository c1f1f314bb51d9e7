/**
 * One life of a stage in its consumer group: assignment, take-over, commits. What it holds of its partitions is in
 * in-flight.ts; what becomes of an input in the engine. Whoever starts it watches its progress (stage-runner.ts).
 *
 * One transaction a commit group (commit-loop.ts) holds what is finished over all partitions: outputs, states, dead letters,
 * offsets. The next group starts when the last has committed, so it is small when idle and grows with the load.
 */
import type { Clock, Timer } from '../../platform/clock.js';
import { ConfabError } from '../../platform/errors.js';
import type { AppendedOffsets, Assignment, EventLog, GroupListener, GroupMember, NewRecord, RecordBatch } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { FormedGroup } from './commit-group.js';
import { CommitLoop } from './commit-loop.js';
import type { Engine } from './engine.js';
import { InFlight } from './in-flight.js';
import type { Inputs } from './inputs.js';
import { PartitionShare } from './partition-share.js';
import type { RunnerMetrics } from './runner-metrics.js';
import { takeOver, type TakenPartition } from './take-over.js';
import { MAX_WINDOW_LOAD } from './window.js';
import type { Work } from './work.js';

export interface ConsumerOptions {
  /** Full names. */
  readonly group: string;
  readonly topics: readonly string[];
  readonly stateTopic: string | undefined;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RunnerMetrics;
  readonly inputs: Inputs;
  /** Whether a backlog within a partition may be put off. */
  readonly fair: boolean;
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
/** From one commit of several inputs to the next, on a log that is asked over the network (docs/adr/0218). */
const GATHER_MILLIS = 6;
/** A stage that commits seldom need not have every record at once: fewer requests for the log. */
const FETCHES_A_COMMIT = 4;

export class Consumer implements GroupListener {
  private member: GroupMember | undefined;
  readonly inFlight: InFlight;
  private instance: string;
  /** The name has been used in a commit, or may have been. */
  private tookOver = false;
  /** Names of before, until the next take-over has ended what they left open. */
  private readonly former: string[] = [];
  /** From the end of a take-over on, until its generation has ended or a commit has failed. */
  commits: CommitLoop | undefined;
  /** Has committed what it has done with an input. */
  worked = false;
  /** When the membership last showed that it lives, monotonic. */
  heardOfGroup: number;
  private idle: Timer | undefined;
  private closed = false;
  private abandoned = false;
  /** Take-overs one after the other, also where the member has stopped waiting for the one before. */
  private turn: Promise<void> = Promise.resolve();

  constructor(private readonly options: ConsumerOptions, readonly engine: Engine) {
    this.instance = options.newInstance();
    this.inFlight = new InFlight({ ...options, onInputs: (works) => { engine.add(works); } });
    this.heardOfGroup = options.clock.monotonic();
  }

  async start(): Promise<void> {
    const { log, group, topics, commitEvery = 0 } = this.options;
    this.member = await log.join({ group, topics, maxBatchRecords: MAX_WINDOW_LOAD / 4, gatherMillis: commitEvery / FETCHES_A_COMMIT }, this);
    if (this.closed) await this.member.close();
  }

  /** True while it owns what it was assigned and can commit. */
  get ready(): boolean { return this.commits !== undefined; }

  /** Finished work is waiting: for the engine. */
  readonly kick = (): void => { this.commits?.kick(); };

  assigned(assignment: Assignment): Promise<void> {
    this.heardOfGroup = this.options.clock.monotonic();
    if (this.abandoned) return Promise.resolve();
    const mine = this.turn.then(() => this.begin(assignment));
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  records(batch: RecordBatch): void {
    if (this.abandoned) return;
    this.inFlight.read(batch);
    this.watchIdle();
  }

  async revoking(): Promise<void> {
    if (!this.abandoned) await this.commits?.handOver();
  }

  failed(error: ConfabError, fatal: boolean): void {
    if (this.abandoned) return;
    this.heardOfGroup = this.options.clock.monotonic();
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
    this.inFlight.releaseAll('closed');
    await this.engine.close();
  }

  /** Ends a life that may be wedged anywhere: nothing is waited for, and nothing that comes of it later counts. */
  abandon(): void {
    this.abandoned = true;
    this.forget();
    void this.close().catch((error: unknown) => { this.options.logger.debug({ err: error }, 'an abandoned consumer'); });
  }

  private async begin(assignment: Assignment): Promise<void> {
    insistOn(assignment);
    // A commit of the last generation that is not decided yet: whether its work is done is read from the log, not guessed.
    if (this.commits?.busy === true) this.forget();
    this.commits?.abandon();
    this.commits = undefined;
    this.releaseExcept(new Set(assignment.partitions));
    await this.options.prepare?.();
    this.tookOver = true;
    const former = [...this.former];
    const taken = await takeOver(assignment, this.instance, former);
    this.former.splice(0, former.length);
    await this.gain(taken, assignment);
    this.inFlight.follow(assignment);
    await assignment.start(this.inFlight.shares.map((share) => ({ topic: share.topic, partition: share.partition, offset: share.window.nextOffset })));
    insistOn(assignment);
    if (this.abandoned) throw new ConfabError('CONFAB_CLOSED', { detail: this.options.group });
    this.commits = this.commitLoop(assignment);
    this.options.logger.info({ generation: assignment.generation, partitions: assignment.partitions.length, instance: this.instance }, 'partitions taken over');
    this.inFlight.steer(assignment);
    this.kick();
    this.watchIdle();
  }

  private async gain(taken: readonly TakenPartition[], assignment: Assignment): Promise<void> {
    const replaced = new Set<number>();
    for (const each of taken) if (!this.isKept(each)) replaced.add(each.partition);
    for (const share of this.inFlight.shares) if (replaced.has(share.partition)) this.inFlight.release(share, 'taken over by another process in between');
    for (const partition of replaced) this.engine.lose(partition);
    // All of them have ended before anything else happens, also when one fails.
    const gained = await Promise.allSettled([...replaced].map((partition) => this.engine.gain(partition)));
    const failed = gained.find((each) => each.status === 'rejected');
    if (failed !== undefined || assignment.signal.aborted) for (const partition of replaced) this.engine.lose(partition);
    if (failed !== undefined) throw failed.reason;
    insistOn(assignment);
    for (const each of taken) if (replaced.has(each.partition)) this.inFlight.own(new PartitionShare(each.topic, each.partition, each.offset, each.runs));
  }

  /** Nobody else was here since this process last committed: what is in flight stays good. */
  private isKept(taken: TakenPartition): boolean {
    const share = this.inFlight.share(taken.topic, taken.partition);
    return share !== undefined && !taken.foreign && share.committed.offset === taken.offset && share.committed.runs.join() === taken.runs.join();
  }

  private releaseExcept(partitions: ReadonlySet<number>): void {
    const left = new Set<number>();
    for (const share of this.inFlight.shares) {
      if (partitions.has(share.partition)) continue;
      this.inFlight.release(share, 'assigned to another process');
      left.add(share.partition);
    }
    for (const partition of left) this.engine.lose(partition);
  }

  private commitLoop(assignment: Assignment): CommitLoop {
    const { clock, logger, metrics, stateTopic, deadLetter, onFatal } = this.options;
    return new CommitLoop({
      assignment, instance: this.instance, engine: this.engine, clock, logger, metrics, stateTopic, deadLetter, onFatal,
      commitEvery: this.options.commitEvery ?? 0, gatherMillis: this.options.log.once ? 0 : GATHER_MILLIS,
      shares: () => this.inFlight.shares,
      onCommitted: (group, offsets) => { this.committed(group, offsets); },
      onFailed: () => { this.startOver(); },
    });
  }

  private committed(group: FormedGroup, offsets: AppendedOffsets): void {
    if (group.finished.length > 0) this.worked = true;
    this.engine.committed(group.finished, group.stateOffsets(offsets));
    this.options.onCommitted?.(group, this.options.clock.now());
    this.inFlight.committed(group);
    this.options.metrics.lag(this.inFlight.lag);
  }

  /** When idle, commits past trailing markers, so that the lag reads 0. */
  private watchIdle(): void {
    if (this.idle !== undefined || this.closed) return;
    this.idle = this.options.clock.after(IDLE_COMMIT, () => {
      this.idle = undefined;
      if (this.commits === undefined || !this.inFlight.shares.some((share) => share.isBehindCommit)) return;
      this.commits.idle();
      this.watchIdle();
    });
  }

  /** Forgets all that is not committed; the next take-over begins from the log, under a new name. */
  private forget(): void {
    this.commits?.abandon();
    this.commits = undefined;
    this.heardOfGroup = this.options.clock.monotonic();
    this.engine.clear();
    this.inFlight.releaseAll('a commit failed');
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
