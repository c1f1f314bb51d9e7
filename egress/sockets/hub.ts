/** The subscriptions of one node by conversation, and what they share: fan-out, outbox, log, metrics. */
import type { Clock } from '../../platform/clock.js';
import { isCode } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import { formatPosition } from '../../platform/position.js';
import type { Announcement, Fanout } from '../fanout/fanout.js';
import type { LogRecovery, Since } from './log-recovery.js';
import type { LogTopics } from '../log-topics.js';
import type { EgressMetrics } from '../metrics.js';
import type { Outbox, OutboxRead } from '../outbox/outbox.js';
import { SharedReads } from '../shared-reads.js';
import type { Subscription } from './subscription.js';

export interface HubOptions {
  readonly log: EventLog;
  readonly topics: LogTopics;
  readonly outbox: Outbox;
  readonly fanout: Fanout;
  readonly recovery: LogRecovery;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: EgressMetrics;
}

/** For conversations of which nothing is known, `ready` names a position this far back: everything unanswered lies after it. */
const LOOK_BACK = 600_000;
const RECENT_MILLIS = 10_000;
/** For so long the ends of the topics are taken for those of now. */
const ENDS_MILLIS = 1_000;
/** A second look after a lapse: the first may have come before every channel was subscribed again. */
const SECOND_LOOK = 1_000;
/** Outcomes of one look into the outbox: a client that missed more asks again, when it has taken these. */
const PAGE = 64;
/** Looks into the outbox at the same time: after a node has died thousands resume at once, and live frames must not wait for them. */
const READS = 64;
/** Bytes of outcomes that were read already and wait for sockets whose network is full, of all sockets together. */
const MOST_HELD = 64 * 1024 * 1024;

export class Hub {
  readonly topics: LogTopics;
  readonly recovery: LogRecovery;
  readonly clock: Clock;
  readonly logger: Logger;
  private readonly subscriptions = new Map<string, Set<Subscription>>();
  private readonly reads = new SharedReads<OutboxRead>(READS);
  private held = 0;
  private ends: { readonly at: number; readonly found: Promise<ReadonlyMap<number, Since>> } | undefined;
  private readonly recent = new Map<number, { readonly at: number; readonly position: Promise<string> }>();

  constructor(private readonly options: HubOptions) {
    this.topics = options.topics;
    this.recovery = options.recovery;
    this.clock = options.clock;
    this.logger = options.logger;
    options.fanout.listen({ announced: (list) => { this.announced(list); }, lapsed: () => { this.lapsed(); } });
  }

  /** Resolves when everything announced from now on reaches the subscription. @throws CONFAB_STATE_UNAVAILABLE */
  attach(subscription: Subscription): Promise<void> {
    const found = this.subscriptions.get(subscription.key);
    if (found) found.add(subscription); else this.subscriptions.set(subscription.key, new Set([subscription]));
    return this.options.fanout.subscribe(subscription.partition, subscription.key);
  }

  detach(subscription: Subscription): void {
    const found = this.subscriptions.get(subscription.key);
    if (!found?.delete(subscription) || found.size > 0) return;
    this.subscriptions.delete(subscription.key);
    this.options.fanout.unsubscribe(subscription.partition, subscription.key);
  }

  /** undefined when the outbox does not answer: the log does. */
  async readOutbox(subscription: Subscription, after: string): Promise<OutboxRead | undefined> {
    try {
      const { partition, key } = subscription;
      return await this.reads.run(`${key} ${after}`, () => this.options.outbox.read(partition, key, after, PAGE));
    } catch (thrown) {
      if (!isCode(thrown, 'CONFAB_STATE_UNAVAILABLE')) throw thrown;
      return undefined;
    }
  }

  /** False when too much is held already: it has to be read again. */
  hold(bytes: number): boolean {
    if (this.held + bytes > MOST_HELD) return false;
    this.held += bytes;
    return true;
  }

  letGo(bytes: number): void { this.held -= bytes; }

  /** A position that everything unanswered comes after, without looking for one conversation. */
  recentPosition(partition: number): Promise<string> {
    const known = this.recent.get(partition);
    const now = this.clock.now();
    if (known && now - known.at < RECENT_MILLIS) return known.position;
    const position = this.options.log.admin.offsetAt(this.topics.messages, partition, now - LOOK_BACK)
      .then((offset) => formatPosition(this.topics.epoch, offset, 0));
    this.recent.set(partition, { at: now, position });
    position.catch(() => { this.recent.delete(partition); });
    return position;
  }

  /** Where what comes from now on will stand in the log, or a moment before. */
  async endsOf(partition: number): Promise<Since> {
    const now = this.clock.now();
    if (this.ends === undefined || now - this.ends.at >= ENDS_MILLIS) {
      const ends = { at: now, found: this.readEnds() };
      this.ends = ends;
      ends.found.catch(() => { if (this.ends === ends) this.ends = undefined; });
    }
    return (await this.ends.found).get(partition) ?? { replies: 0, letters: 0 };
  }

  private async readEnds(): Promise<ReadonlyMap<number, Since>> {
    const { admin } = this.options.log;
    const [replies, letters] = await Promise.all([admin.bounds(this.topics.replies), admin.bounds(this.topics.deadLetters)]);
    const endsOfLetters = new Map(letters.map(({ partition, end }) => [partition, end]));
    return new Map(replies.map(({ partition, end }) => [partition, { replies: end, letters: endsOfLetters.get(partition) ?? 0 }]));
  }

  /** Shows something without a place to the other sockets of a conversation. */
  whisper(subscription: Subscription, from: string, frame: string): void {
    const announcement: Announcement = { key: subscription.key, position: '', prev: from, late: false, timestamp: this.clock.now(), frame };
    this.options.fanout.announce(subscription.partition, [announcement]).catch(() => { /* lossy by contract */ });
  }

  delivered(timestamp: number): void { this.options.metrics.turn((this.clock.now() - timestamp) / 1_000); }

  private announced(list: readonly Announcement[]): void {
    for (const announcement of list) {
      const found = this.subscriptions.get(announcement.key);
      if (found) for (const subscription of found) subscription.offer(announcement);
    }
  }

  private lapsed(): void {
    const recheck = (): void => { for (const found of this.subscriptions.values()) for (const subscription of found) subscription.recheck(); };
    recheck();
    this.clock.after(SECOND_LOOK, recheck);
  }
}
