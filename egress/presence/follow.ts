/**
 * Follows presence.v1: whole first, then what is added. One look for all partitions at a time. While the log is away the views stay
 * as they are.
 */
import { nextTurn, type Clock } from '../../platform/clock.js';
import { ConfabError, isCode, toConfabError } from '../../platform/errors.js';
import type { EventLog, LogRecord } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { RecordCodec } from '../../schemas/codec.js';
import { decodeRecord } from '../../schemas/decode-record.js';
import type { Presence } from '../../schemas/types.js';
import { PartitionView } from './partition-view.js';

export interface PresenceFollowOptions {
  readonly log: EventLog;
  /** Full name. */
  readonly topic: string;
  readonly codec: RecordCodec<Presence>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Hears of each tombstone. */
  readonly gone: (key: string, offset: number) => void;
  /** The topic was made anew: nothing that was written stands any more. */
  readonly anew: () => void;
}

export interface Followed {
  readonly partition: number;
  view: PartitionView;
  next: number;
  /** Monotonic: when the last look began that read to the end. -Infinity: none yet. */
  lookedAt: number;
}

/** Records that are taken in one go. */
const SLICE = 500;

export class PresenceFollow {
  private readonly all = new Map<number, Followed>();
  private looking: Promise<void> | undefined;
  private failing = false;
  private closed = false;

  constructor(private readonly options: PresenceFollowOptions) {}

  /** Entries in memory. */
  get size(): number { return [...this.all.values()].reduce((sum, { view }) => sum + view.size, 0); }
  /** Milliseconds since the partition that is read least had been read. */
  get age(): number { return this.all.size === 0 ? Infinity : this.options.clock.monotonic() - Math.min(...[...this.all.values()].map(({ lookedAt }) => lookedAt)); }

  /** Partitions that were read to their end by a look that began at `since` or later. */
  readSince(since: number): Followed[] { return [...this.all.values()].filter(({ lookedAt }) => lookedAt >= since); }

  /** A view that misses nothing older than `age` milliseconds. @throws CONFAB_LOG_UNAVAILABLE, CONFAB_TOPIC_UNKNOWN, CONFAB_REGISTRY_UNAVAILABLE */
  async fresh(partition: number, age: number): Promise<PartitionView> {
    const since = this.options.clock.monotonic() - age;
    // A look that was under way may have begun too early; the one after it did not.
    for (let looks = 0; ; looks += 1) {
      const followed = this.all.get(partition);
      if (followed !== undefined && followed.lookedAt >= since) return followed.view;
      if (looks === 2) throw new ConfabError('CONFAB_DRAINING');
      await this.look();
    }
  }

  /** Reads what there is now. Those who ask at the same time share it. @throws as `fresh` */
  look(): Promise<void> {
    if (this.closed) return Promise.reject(new ConfabError('CONFAB_DRAINING'));
    this.looking ??= this.round().finally(() => { this.looking = undefined; });
    return this.looking;
  }

  /** The same, for what is tried again by itself: faults are logged once. False: it could not be read. */
  async tryLook(): Promise<boolean> {
    try {
      await this.look();
      this.failing = false;
      return true;
    } catch (error) {
      if (!this.failing && !this.closed) this.options.logger.warn({ err: toConfabError(error) }, 'presence cannot be read now; what was read goes on');
      this.failing = true;
      return false;
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.looking?.catch(() => { /* it was told to who asked */ });
  }

  private async round(): Promise<void> {
    const { log, topic, clock } = this.options;
    const begun = clock.monotonic();
    await Promise.all((await log.admin.bounds(topic)).map(({ partition, end }) => this.read(this.followed(partition), end, begun)));
  }

  private followed(partition: number): Followed {
    const known = this.all.get(partition);
    if (known !== undefined) return known;
    const followed = { partition, view: new PartitionView(), next: 0, lookedAt: -Infinity };
    this.all.set(partition, followed);
    return followed;
  }

  private async read(followed: Followed, end: number, begun: number): Promise<void> {
    const { log, topic, logger } = this.options;
    if (end < followed.next) {
      logger.warn({ topic, partition: followed.partition }, 'presence was made anew: it is read from its start');
      followed.next = 0;
      followed.view = new PartitionView();
      this.options.anew();
    }
    if (end > followed.next) {
      for await (const { records, nextOffset } of log.read(topic, followed.partition, followed.next, end)) {
        if (this.closed) return;
        for (const [i, record] of records.entries()) {
          await this.take(followed.view, record);
          // Frames have their turn.
          if (i % SLICE === SLICE - 1) await nextTurn();
        }
        followed.next = Math.max(followed.next, nextOffset);
      }
      followed.next = Math.max(followed.next, end);
    }
    followed.lookedAt = begun;
  }

  /** @throws CONFAB_REGISTRY_UNAVAILABLE: reading waits at it */
  private async take(view: PartitionView, { key, value, offset }: LogRecord): Promise<void> {
    if (key === null) return;
    if (value === null) {
      view.apply(key, undefined);
      this.options.gone(key, offset);
      return;
    }
    let read: Presence;
    try {
      read = await this.decode(value);
    } catch (error) {
      if (isCode(error, 'CONFAB_REGISTRY_UNAVAILABLE')) throw error;
      this.options.logger.error({ err: toConfabError(error), offset }, 'a record of presence cannot be read: it counts as not there');
      return;
    }
    view.apply(key, read);
  }

  private decode(value: Buffer): Promise<Presence> { return decodeRecord(this.options.codec, value); }
}
