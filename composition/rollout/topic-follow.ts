/**
 * Follows a compacted topic of one partition: everything that it holds first, then what is added, looked for several times
 * a second. While the log is away the view stays as it is. A topic that was made anew is read from its start. Records of a
 * newer release are read by their own schema, which is looked up once; while the registry is away reading waits at them.
 */
import type { Clock, Timer } from '../../platform/clock.js';
import { isCode, toConfabError } from '../../platform/errors.js';
import type { EventLog, LogRecord } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { RecordCodec } from '../../schemas/codec.js';
import { decodeRecord } from '../../schemas/decode-record.js';

/** What stands under a key; null: it was taken away. */
export interface Followed<T> { readonly key: string | null; readonly value: T | null; readonly offset: number }

export interface TopicFollowOptions<T> {
  readonly log: EventLog;
  /** Full name. */
  readonly topic: string;
  readonly codec: RecordCodec<T>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Takes the records of one batch that can be read; what it throws is logged, and the batch counts as taken. */
  readonly take: (records: readonly Followed<T>[]) => void;
  /** The topic was made anew: what was taken of the former one counts no more. */
  readonly anew: () => void;
  /** Hears, before the batch is taken, of each record of it that nobody can read; default: it counts as not there. */
  readonly unread?: (key: string | null, offset: number) => void;
  /** Default 250 ms: a step of a roll-out shall be there within 2 s, training included. */
  readonly pollMillis?: number;
}

const POLL_MILLIS = 250;

export class TopicFollow<T> {
  private next = 0;
  private timer: Timer | undefined;
  private round: Promise<void> | undefined;
  private closed = false;
  private failing = false;
  private lookedAt: number | undefined;

  constructor(private readonly options: TopicFollowOptions<T>) {}

  /** The offset up to which it has read. */
  get position(): number { return this.next; }

  /** Milliseconds since all that was there had been read; Infinity: never yet. */
  get age(): number { return this.lookedAt === undefined ? Infinity : this.options.clock.monotonic() - this.lookedAt; }

  /** Reads all that is there. @throws CONFAB_LOG_UNAVAILABLE, CONFAB_TOPIC_UNKNOWN, CONFAB_REGISTRY_UNAVAILABLE */
  async prime(): Promise<void> {
    const { log, topic } = this.options;
    const begun = this.options.clock.monotonic();
    await this.readTo(await log.settledEnd(topic, 0));
    this.lookedAt = begun;
  }

  start(): void { this.schedule(); }

  async close(): Promise<void> {
    this.closed = true;
    this.timer?.cancel();
    await this.round;
  }

  private schedule(): void {
    if (this.closed) return;
    this.timer = this.options.clock.after(this.options.pollMillis ?? POLL_MILLIS, () => {
      this.round = this.look().finally(() => { this.schedule(); });
    });
  }

  private async look(): Promise<void> {
    const { log, topic, logger, clock } = this.options;
    const begun = clock.monotonic();
    try {
      const end = (await log.admin.bounds(topic))[0]?.end ?? 0;
      if (end < this.next) { logger.warn({ topic }, 'a followed topic was made anew: it is read from its start'); this.next = 0; this.options.anew(); }
      if (end > this.next) await this.readTo(end);
      this.failing = false;
      this.lookedAt = begun;
    } catch (error) {
      if (!this.failing && !this.closed) logger.warn({ err: toConfabError(error), topic }, 'a followed topic cannot be read now; what was read goes on');
      this.failing = true;
    }
  }

  private async readTo(end: number): Promise<void> {
    const { log, topic, take, logger } = this.options;
    for await (const { records, nextOffset } of log.read(topic, 0, this.next, end)) {
      const read = await this.decoded(records);
      if (this.closed) return;
      try { take(read); } catch (error) { logger.error({ err: error, topic }, 'a record of a followed topic was not taken'); }
      this.next = Math.max(this.next, nextOffset);
    }
    this.next = Math.max(this.next, end);
  }

  /** What nobody can read counts as not there. @throws CONFAB_REGISTRY_UNAVAILABLE: nothing of the batch counts as read */
  private async decoded(records: readonly LogRecord[]): Promise<Followed<T>[]> {
    const { codec, topic, logger, unread } = this.options;
    const read: Followed<T>[] = [];
    for (const { key, value, offset } of records) {
      try {
        read.push({ key, offset, value: value === null ? null : await decodeRecord(codec, value) });
      } catch (error) {
        if (isCode(error, 'CONFAB_REGISTRY_UNAVAILABLE')) throw error;
        logger.error({ err: error, topic, offset }, 'a record of a followed topic cannot be read: it counts as not there');
        unread?.(key, offset);
      }
    }
    return read;
  }
}
