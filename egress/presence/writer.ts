/**
 * Writes what this node holds to presence.v1: changes once they have settled, in batches; a lease for each partition now and then;
 * and tombstones when it goes. Nothing waits for it, and what could not be written is written later.
 */
import type { Clock, Timer } from '../../platform/clock.js';
import { toConfabError } from '../../platform/errors.js';
import type { Appender, NewRecord } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { RecordCodec } from '../../schemas/codec.js';
import type { Presence } from '../../schemas/types.js';
import { HeldConversations, type Place, type Snapshot, type Who } from './held.js';
import type { PresenceMetrics } from './presence-metrics.js';
import { entryKey, leaseKey } from './presence-keys.js';
import type { PresenceTimes } from './presence-times.js';

export interface PresenceWriterOptions {
  readonly appender: Appender;
  /** Full name. */
  readonly topic: string;
  readonly codec: RecordCodec<Presence>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: PresenceMetrics;
  readonly node: string;
  readonly times: PresenceTimes;
}

/** Records of one append: they are made in one go, while frames wait. */
const BATCH = 500;

export class PresenceWriter {
  private readonly held: HeldConversations;
  private flushTimer: Timer | undefined;
  private flushing: Promise<void> | undefined;
  private renewTimer: Timer | undefined;
  private renewing: Promise<void> | undefined;
  /** By the wall clock, as what others judge by. */
  private renewedAt: number;
  /** Partitions in which a lease of this node stands. */
  private leased = new Set<number>();
  private failing = false;
  private closed = false;

  constructor(private readonly options: PresenceWriterOptions) {
    this.held = new HeldConversations(options.times);
    this.renewedAt = options.clock.now();
    options.metrics.holds(() => this.held.size);
  }

  start(): void { this.armRenewal(this.options.times.renew); }

  came(place: Place, who: Who): void {
    this.held.came(place, who, this.options.clock.now());
    this.armFlush();
  }

  left(place: Place, who: Who): void {
    this.held.left(place, who, this.options.clock.now());
    this.armFlush();
  }

  /** A tombstone under a key of this node stands on the log. */
  swept(conversation: string, offset: number): void {
    if (this.held.swept(conversation, offset, this.options.clock.now())) this.armFlush();
  }

  /** The topic was made anew. */
  allAgain(): void {
    this.held.allAgain(this.options.clock.now());
    this.armFlush();
  }

  /** Partitions in which it holds something. */
  private partitions(): Set<number> {
    const found = new Set<number>();
    for (const { partition } of this.held.values()) found.add(partition);
    return found;
  }

  /** Takes back all that this node has said. Bounded by the deadlines of the log. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    this.flushTimer?.cancel();
    this.renewTimer?.cancel();
    await Promise.all([this.flushing, this.renewing]);
    const all = this.held.takeAll();
    for (let i = 0; i < all.length; i += BATCH) if (!await this.write(all.slice(i, i + BATCH))) break;
    await this.append([...this.leased].map((partition) => this.lease(partition, null)));
    await this.options.appender.close();
  }

  private armFlush(): void {
    if (this.closed || this.flushing !== undefined) return;
    this.flushTimer ??= this.options.clock.after(this.options.times.come, () => {
      this.flushTimer = undefined;
      this.flushing = this.flush().finally(() => {
        this.flushing = undefined;
        if (this.held.waiting > 0) this.armFlush();
      });
    });
  }

  private async flush(): Promise<void> {
    for (;;) {
      const batch = this.held.take(this.options.clock.now(), BATCH);
      if (batch.length === 0 || !await this.write(batch)) return;
    }
  }

  private async write(batch: readonly Snapshot[]): Promise<boolean> {
    const { clock, metrics } = this.options;
    const offsets = await this.append(batch.map((one) => this.record(one)));
    for (const [i, one] of batch.entries()) {
      if (offsets === undefined) this.held.failed(one, clock.now()); else this.held.written(one, offsets[i] ?? -1, clock.now());
    }
    if (offsets !== undefined) for (const { sockets } of batch) metrics.wrote(sockets === 0 ? 'left' : 'present');
    return offsets !== undefined;
  }

  private record({ held, sockets, users }: Snapshot): NewRecord {
    const { topic, codec, clock, node, times } = this.options;
    const now = clock.now();
    return {
      topic, partition: held.partition, key: entryKey(held.key, node), timestamp: now,
      value: sockets === 0 ? null : codec.encode({
        node, sockets, since: held.since, until: now + times.lease,
        users: users.filter((one) => one.sockets > 0).map(({ user: { subject, role, since }, sockets: own }) => ({ userId: subject, role, sockets: own, since })),
      }),
    };
  }

  private lease(partition: number, until: number | null): NewRecord {
    const { topic, codec, clock, node } = this.options;
    const now = clock.now();
    return { topic, partition, key: leaseKey(node), timestamp: now, value: until === null ? null : codec.encode({ node, sockets: 0, since: now, until, users: [] }) };
  }

  private armRenewal(millis: number): void {
    if (this.closed) return;
    this.renewTimer = this.options.clock.after(millis, () => {
      this.renewing = this.renew().then((done) => { this.renewing = undefined; this.armRenewal(done ? this.options.times.renew : this.options.times.renew / 5); });
    });
  }

  private async renew(): Promise<boolean> {
    const { clock, times, logger, metrics } = this.options;
    const now = clock.now();
    if (now - this.renewedAt > times.lease) {
      // Stopped and continued, or without the log: meanwhile others may have taken away what it had.
      if (this.held.size > 0) logger.warn({ millis: now - this.renewedAt }, 'presence was not renewed in time: all entries of this node are written again');
      this.held.allAgain(now);
    } else {
      for (const held of this.held.values()) if (held.offset >= 0 && now - held.writtenAt > times.refresh) this.held.again(held, now);
    }
    if (this.held.waiting > 0) this.armFlush();
    const wanted = this.partitions();
    const records = [...[...wanted].map((partition) => this.lease(partition, now + times.lease)), ...[...this.leased].filter((partition) => !wanted.has(partition)).map((partition) => this.lease(partition, null))];
    if (records.length > 0 && await this.append(records) === undefined) {
      // It may have been written.
      for (const partition of wanted) this.leased.add(partition);
      return false;
    }
    for (let i = 0; i < records.length; i += 1) metrics.wrote('lease');
    this.leased = wanted;
    this.renewedAt = now;
    return true;
  }

  /** Undefined: it was not written, or nobody knows. */
  private async append(records: readonly NewRecord[]): Promise<readonly number[] | undefined> {
    if (records.length === 0) return [];
    try {
      const offsets = await this.options.appender.append(records);
      this.failing = false;
      return offsets;
    } catch (error) {
      if (!this.failing) this.options.logger.warn({ err: toConfabError(error), records: records.length }, 'presence was not written; it is tried again');
      this.failing = true;
      return undefined;
    }
  }
}
