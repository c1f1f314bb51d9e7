/**
 * Presence: who is connected in a conversation, on any node, as presence.v1 says it (ADR 0217).
 *
 * This node writes what it holds, follows the topic, puts back what somebody took away by mistake, and writes the tombstones of dead
 * nodes: at once in the partitions that it owns in the egress group, later in others.
 */
import type { Clock, Timer } from '../../platform/clock.js';
import { ConfabError, toConfabError } from '../../platform/errors.js';
import type { Appender, EventLog } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Metrics } from '../../platform/observability/metrics.js';
import type { Codec } from '../../schemas/codec.js';
import { topicName } from '../../topology/topology.js';
import { PresenceFollow } from './follow.js';
import type { Place, Who } from './held.js';
import type { Entry } from './partition-view.js';
import { parsePresenceKey } from './presence-keys.js';
import { PresenceMetrics } from './presence-metrics.js';
import { presenceTimes, type PresenceTimes } from './presence-times.js';
import { PresenceWriter } from './writer.js';

export interface PresenceOptions {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** CONFAB_PREFIX. */
  readonly prefix: string;
  /** This process: ULID of its start. */
  readonly node: string;
  /** Partitions that this process owns in the egress group. */
  readonly owned: () => Iterable<number>;
  readonly times?: PresenceTimes;
}

/** Tombstones of one append. */
const BATCH = 500;
/** An answer misses nothing that stood on the log so long ago. */
const ANSWER_AGE = 500;
const PATIENCE = 5_000;

export class PresenceService {
  private readonly times: PresenceTimes;
  private readonly topic: string;
  private readonly metrics: PresenceMetrics;
  private readonly writer: PresenceWriter;
  private readonly follow: PresenceFollow;
  private timer: Timer | undefined;
  private round: Promise<void> | undefined;
  private closed = false;

  private constructor(private readonly options: PresenceOptions, private readonly appender: Appender) {
    const { log, codec: codecs, clock, logger, prefix, node } = options;
    const codec = codecs.of('Presence');
    this.times = options.times ?? presenceTimes();
    this.topic = topicName(prefix, 'presence.v1');
    this.metrics = new PresenceMetrics(options.metrics);
    this.writer = new PresenceWriter({ appender, topic: this.topic, codec, clock, logger, metrics: this.metrics, node, times: this.times });
    this.follow = new PresenceFollow({
      log, topic: this.topic, codec, clock, logger,
      gone: (key, offset) => {
        const parsed = parsePresenceKey(key);
        if (parsed?.node === node && parsed.conversation !== '') this.writer.swept(parsed.conversation, offset);
      },
      anew: () => { this.writer.allAgain(); },
    });
    this.metrics.seen(() => this.follow.size, () => this.follow.age);
  }

  static async open(options: PresenceOptions): Promise<PresenceService> {
    return new PresenceService(options, await options.log.appender());
  }

  start(): void {
    this.writer.start();
    this.arm();
  }

  /** A socket follows a conversation from now on. */
  came(place: Place, who: Who): void { this.writer.came(place, who); }
  /** It does not any more. */
  left(place: Place, who: Who): void { this.writer.left(place, who); }

  /** @throws CONFAB_LOG_UNAVAILABLE, CONFAB_VIEW_BEHIND it could not be read within five seconds */
  async of({ key, partition }: Place): Promise<readonly Entry[]> {
    const { clock } = this.options;
    const enough = new AbortController();
    try {
      const view = await Promise.race([
        this.follow.fresh(partition, ANSWER_AGE),
        clock.sleep(PATIENCE, enough.signal).then((): never => { throw new ConfabError('CONFAB_VIEW_BEHIND', { retryAfterMs: 1_000 }); }),
      ]);
      return view.of(key, clock.now());
    } finally {
      enough.abort();
    }
  }

  /** Takes back what this node has said. */
  async close(): Promise<void> {
    this.closed = true;
    this.timer?.cancel();
    await this.round;
    await this.follow.close();
    await this.writer.close();
  }

  private arm(): void {
    if (this.closed) return;
    this.timer = this.options.clock.after(this.times.look, () => {
      this.round = this.turn()
        .catch((error: unknown) => { this.options.logger.warn({ err: toConfabError(error) }, 'presence of dead nodes was not tidied up; it is tried again'); })
        .then(() => { this.arm(); });
    });
  }

  private async turn(): Promise<void> {
    const owned = new Set(this.options.owned());
    const { clock } = this.options;
    // Of before the look: a process that is stopped after it, and goes on, judges nobody by what it read long ago.
    const [begun, now] = [clock.monotonic(), clock.now()];
    if (await this.follow.tryLook()) await this.sweep(owned, begun, now);
  }

  /** What had ended at `now`, by views that are newer: whoever had renewed is not taken for dead. */
  private async sweep(owned: ReadonlySet<number>, begun: number, now: number): Promise<void> {
    const { clock, node } = this.options;
    const { skew, grace } = this.times;
    for (const { partition, view } of this.follow.readSince(begun)) {
      const keys = view.ended(now - skew - (owned.has(partition) ? 0 : grace), node);
      for (let i = 0; i < keys.length && !this.closed; i += BATCH) {
        const batch = keys.slice(i, i + BATCH);
        await this.appender.append(batch.map((key) => ({ topic: this.topic, partition, key, value: null, timestamp: clock.now() })));
        this.metrics.wrote('swept', batch.length);
      }
    }
  }
}
