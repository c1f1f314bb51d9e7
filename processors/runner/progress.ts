/**
 * Liveness is progress: judges whether a consumer does what there is to do (design: "The runner").
 *
 * Heartbeats prove nothing, and neither does a commit of markers. Stuck is: a membership of which nothing is heard, a commit
 * or a read without an answer, an input that is neither processed nor waits for something that ends by itself, a record on
 * the log that is not fetched. An effect that takes its time within the stage's budget is none of these.
 */
import type { Clock } from '../../platform/clock.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Consumer } from './consumer.js';
import type { PartitionShare } from './partition-share.js';

export interface ProgressOptions {
  readonly consumer: Consumer;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Full names. */
  readonly topics: readonly string[];
  /** Milliseconds that one input may take, retries included. */
  readonly budget: number;
  /** Grows with what is read back when partitions are taken over. */
  readonly restored: () => number;
}

export type StuckReason = 'membership' | 'commit' | 'processing' | 'fetching' | 'rereading' | 'log';

export interface Stuck {
  readonly reason: StuckReason;
  readonly detail: string;
  /** Whether another consumer may do better. Not when it is the log that says no. */
  readonly replace: boolean;
}

/** Without progress for so long it is stuck. With LOOK_EVERY and a question to the log it is told within 30 s. */
export const STUCK_AFTER = 20_000;
export const LOOK_EVERY = 2000;
/** A member that has committed nothing for so long commits its offsets again: a group that has dropped it refuses. */
const PROVE_AFTER = 10_000;

/** What was seen of a partition, and since when it has been so. */
interface Seen { committed: string; lowWater: number; batches: number; movedAt: number; lowWaterAt: number; unfetchedAt: number | undefined }

export class Progress {
  private readonly seen = new Map<PartitionShare, Seen>();
  private activity = { count: -1, at: 0 };
  private restored = { count: -1, at: 0 };
  private lookedAt: number;
  private asking: number | undefined;
  private unfetched: string | undefined;
  private nothingLeft = false;

  constructor(private readonly options: ProgressOptions) {
    this.lookedAt = options.clock.monotonic();
  }

  /** It has committed work, or there is none: more than that it holds its place. */
  get proven(): boolean { return this.options.consumer.worked || this.nothingLeft; }

  /** To be called every LOOK_EVERY. */
  look(): Stuck | undefined {
    const now = this.options.clock.monotonic();
    // The process itself stood still: nobody could make progress, and what waits outside has not been heard yet.
    if (now - this.lookedAt > STUCK_AFTER / 2) this.forgive(now);
    this.lookedAt = now;
    const { consumer } = this.options;
    this.note(now);
    if (consumer.commits === undefined) return this.membership(now);
    return this.commit(now) ?? this.processing(now) ?? this.fetching(now);
  }

  private forgive(now: number): void {
    const { consumer, logger } = this.options;
    logger.warn({ millis: Math.round(now - this.lookedAt) }, 'the process stood still');
    consumer.heardOfGroup = now;
    this.activity = { count: -1, at: now };
    this.seen.clear();
    this.asking = undefined;
    this.unfetched = undefined;
    const { commits } = consumer;
    if (commits?.askedAt !== undefined) commits.askedAt = now;
  }

  private note(now: number): void {
    const { consumer, restored } = this.options;
    if (consumer.engine.activity !== this.activity.count) this.activity = { count: consumer.engine.activity, at: now };
    if (restored() !== this.restored.count) this.restored = { count: restored(), at: now };
    const shares = new Set(consumer.inFlight.shares);
    for (const share of [...this.seen.keys()]) if (!shares.has(share)) this.seen.delete(share);
    for (const share of shares) {
      const { window: { lowWater }, batches } = share;
      // By what it says: the same offsets are committed again and again to prove the membership.
      const committed = `${share.committed.offset}:${share.committed.runs.join()}`;
      const seen = this.seen.get(share);
      if (seen === undefined) { this.seen.set(share, { committed, lowWater, batches, movedAt: now, lowWaterAt: now, unfetchedAt: undefined }); continue; }
      if (seen.batches !== batches) Object.assign(seen, { batches, movedAt: now, unfetchedAt: undefined });
      if (seen.committed !== committed) Object.assign(seen, { committed, movedAt: now });
      if (seen.lowWater !== lowWater) Object.assign(seen, { lowWater, lowWaterAt: now });
    }
  }

  private membership(now: number): Stuck | undefined {
    const since = Math.max(this.options.consumer.heardOfGroup, this.restored.at);
    return now - since < STUCK_AFTER ? undefined : { reason: 'membership', detail: 'it has no place in its group, and hears nothing', replace: true };
  }

  private commit(now: number): Stuck | undefined {
    const { commits, inFlight } = this.options.consumer;
    if (commits === undefined) return undefined;
    if (commits.askedAt !== undefined && now - commits.askedAt >= STUCK_AFTER) return { reason: 'commit', detail: 'a commit has no answer', replace: true };
    if (commits.triedSince !== undefined && now - commits.triedSince >= STUCK_AFTER) return { reason: 'commit', detail: 'the log takes no commits', replace: false };
    const reads = inFlight.readsAgainSince;
    if (reads !== undefined && now - reads >= STUCK_AFTER) return { reason: 'rereading', detail: 'what was put off cannot be read', replace: true };
    if (now - commits.decidedAt >= PROVE_AFTER) commits.prove();
    return undefined;
  }

  private processing(now: number): Stuck | undefined {
    const { consumer: { engine }, budget } = this.options;
    for (const [share, { movedAt, lowWaterAt }] of this.seen) {
      const first = share.window.firstOpen;
      if (first === undefined || engine.waits(first)) continue;
      const idle = now - Math.max(movedAt, this.activity.at) >= STUCK_AFTER;
      if (idle || now - lowWaterAt >= budget + 2 * STUCK_AFTER) return { reason: 'processing', detail: `${share.topic}/${share.partition}: offset ${first.offset} is not processed`, replace: true };
    }
    return undefined;
  }

  private fetching(now: number): Stuck | undefined {
    if (this.unfetched !== undefined) return { reason: 'fetching', detail: this.unfetched, replace: true };
    if (this.asking !== undefined) return now - this.asking < STUCK_AFTER ? undefined : { reason: 'log', detail: 'the log does not answer', replace: false };
    const idle = [...this.seen.keys()].filter((share) => share.window.size === 0 && share.postponed.size === 0 && !(share.paused && this.options.consumer.inFlight.isHeavy));
    this.nothingLeft ||= this.seen.size === 0;
    if (idle.length === 0) return undefined;
    this.asking = now;
    void this.askLog(idle).catch((error: unknown) => { this.options.logger.debug({ err: error }, 'the log cannot be asked for its end'); }).finally(() => { this.asking = undefined; });
    return undefined;
  }

  /** Whether the log has records that these partitions were not handed. */
  private async askLog(idle: readonly PartitionShare[]): Promise<void> {
    const { log, clock, topics } = this.options;
    let left = idle.length < this.seen.size;
    for (const topic of topics) {
      const ends = new Map((await log.admin.bounds(topic)).map(({ partition, end }) => [partition, end]));
      for (const share of idle) {
        const seen = this.seen.get(share);
        const end = ends.get(share.partition) ?? 0;
        if (share.topic !== topic || seen === undefined || share.gone || end <= share.window.nextOffset) continue;
        const now = clock.monotonic();
        left = true;
        seen.unfetchedAt ??= now;
        if (now - seen.unfetchedAt < STUCK_AFTER - LOOK_EVERY) continue;
        if (await this.hasRecord(share, end)) this.unfetched = `${topic}/${share.partition}: offset ${share.window.nextOffset} is not fetched, the log ends at ${end}`;
        else seen.unfetchedAt = undefined;
      }
    }
    this.nothingLeft ||= !left;
  }

  /** Markers take offsets too. Still true only if nothing was handed over meanwhile. */
  private async hasRecord({ topic, partition, window }: PartitionShare, end: number): Promise<boolean> {
    const from = window.nextOffset;
    for await (const { records } of this.options.log.read(topic, partition, from, end)) if (records.length > 0) return window.nextOffset === from;
    return false;
  }
}
