/**
 * Follows a compacted topic of one partition: everything that it holds first, then what is added, looked for several times
 * a second. While the log is away the view stays as it is. A topic that was made anew is read from its start.
 */
import type { Clock, Timer } from '../../platform/clock.js';
import { toConfabError } from '../../platform/errors.js';
import type { EventLog, LogRecord } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';

export interface TopicFollowOptions {
  readonly log: EventLog;
  /** Full name. */
  readonly topic: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Takes the records of one batch; what it throws is logged, and the batch counts as taken. */
  readonly take: (records: readonly LogRecord[]) => void;
  /** The topic was made anew: what was taken of the former one counts no more. */
  readonly anew: () => void;
  /** Default 250 ms: a step of a roll-out shall be there within 2 s, training included. */
  readonly pollMillis?: number;
}

const POLL_MILLIS = 250;

export class TopicFollow {
  private next = 0;
  private timer: Timer | undefined;
  private round: Promise<void> | undefined;
  private closed = false;
  private failing = false;

  constructor(private readonly options: TopicFollowOptions) {}

  /** The offset up to which it has read. */
  get position(): number { return this.next; }

  /** Reads all that is there. @throws CONFAB_LOG_UNAVAILABLE, CONFAB_TOPIC_UNKNOWN */
  async prime(): Promise<void> {
    const { log, topic } = this.options;
    await this.readTo(await log.settledEnd(topic, 0));
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
    const { log, topic, logger } = this.options;
    try {
      const end = (await log.admin.bounds(topic))[0]?.end ?? 0;
      if (end < this.next) { logger.warn({ topic }, 'a followed topic was made anew: it is read from its start'); this.next = 0; this.options.anew(); }
      if (end > this.next) await this.readTo(end);
      this.failing = false;
    } catch (error) {
      if (!this.failing && !this.closed) logger.warn({ err: toConfabError(error), topic }, 'a followed topic cannot be read now; what was read goes on');
      this.failing = true;
    }
  }

  private async readTo(end: number): Promise<void> {
    const { log, topic, take, logger } = this.options;
    for await (const { records, nextOffset } of log.read(topic, 0, this.next, end)) {
      if (this.closed) return;
      try { take(records); } catch (error) { logger.error({ err: error, topic }, 'a record of a followed topic was not taken'); }
      this.next = Math.max(this.next, nextOffset);
    }
    this.next = Math.max(this.next, end);
  }
}
