/**
 * What clients report as received or read: shown to the other sockets of the conversation within 50 ms, and written to
 * deliveries.v1 once a second. It is cumulative, so only the newest position of each state waits: for the log one a conversation,
 * for the others one a socket. However often clients repeat themselves, there is one record and one announcement in that time. Lost with the process, or while log
 * or Redis are away for long: the client reports again when it comes back. Outcomes never wait for any of it.
 */
import type { Clock, Timer } from '../../platform/clock.js';
import { ConfabError } from '../../platform/errors.js';
import type { Appender } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import { parsePosition } from '../../platform/position.js';
import type { RecordCodec } from '../../schemas/codec.js';
import type { DeliveryUpdate } from '../../schemas/types.js';
import type { Announcement, Fanout } from '../fanout/fanout.js';
import type { KnownEnds } from './known-ends.js';
import { formatNotice, type ReceiptState } from './receipt-notice.js';

export interface ReceiptsOptions {
  readonly appender: Appender;
  readonly topic: string;
  readonly codec: RecordCodec<DeliveryUpdate>;
  readonly fanout: Pick<Fanout, 'announce'>;
  readonly ends: KnownEnds;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** What a receipt needs of the subscription that it comes by. */
export interface ReceiptSource {
  readonly partition: number;
  /** `<tenant>/<conversationId>`. */
  readonly key: string;
  readonly conversationId: string;
  /** Whether the client has a position: it was sent here; it says that it had it before; or it cannot have it. */
  reach(position: string): 'sent' | 'earlier' | 'never';
}

export interface Receipt {
  readonly state: ReceiptState;
  readonly position: string;
  /** The socket. */
  readonly from: string;
}

type Entry = Receipt & Pick<ReceiptSource, 'partition' | 'key' | 'conversationId'> & { readonly at: number };

const SHOWN_EVERY = 50;
const WRITTEN_EVERY = 1_000;
const MAX_WAITING = 20_000;

const refused = (): ConfabError => new ConfabError('CONFAB_RECEIPT_INVALID');

export class Receipts {
  private readonly live: Gathered;
  private readonly log: Gathered;

  constructor(private readonly options: ReceiptsOptions) {
    const { clock, logger } = options;
    this.live = new Gathered(clock, SHOWN_EVERY, (entries) => this.show(entries), () => { /* lossy by contract */ });
    this.log = new Gathered(clock, WRITTEN_EVERY, (entries) => this.write(entries), (error, count) => { logger.warn({ err: error, count }, 'receipts were not written'); });
  }

  /**
   * At once for what was sent on the subscription; else when the log has answered whether the place exists.
   * @throws CONFAB_RECEIPT_INVALID the client cannot have the position; CONFAB_LOG_UNAVAILABLE (in the promise)
   */
  report(source: ReceiptSource, receipt: Receipt): Promise<void> | undefined {
    const reach = source.reach(receipt.position);
    if (reach === 'never') throw refused();
    if (reach === 'earlier') {
      const known = this.options.ends.has(source.partition, parsePosition(receipt.position).offset);
      if (known !== true) return this.takeIf(known, source, receipt);
    }
    this.take(source, receipt);
    return undefined;
  }

  async close(): Promise<void> {
    await this.live.close();
    await this.log.close();
  }

  private async takeIf(known: boolean | Promise<boolean>, source: ReceiptSource, receipt: Receipt): Promise<void> {
    let exists: boolean;
    try {
      exists = await known;
    } catch (cause) {
      throw new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: 'The receipt was not taken; the subscription goes on.', retryAfterMs: 1_000, cause });
    }
    if (!exists) throw refused();
    this.take(source, receipt);
  }

  private take(source: ReceiptSource, receipt: Receipt): void {
    const { partition, key, conversationId } = source;
    const entry: Entry = { ...receipt, partition, key, conversationId, at: this.options.clock.now() };
    // Each socket is to hear of the others, also of what it has reported itself; the log need not know who it was.
    this.live.add(`${entry.state} ${entry.from} ${key}`, entry);
    this.log.add(`${entry.state} ${key}`, entry);
  }

  private async show(entries: readonly Entry[]): Promise<void> {
    const byPartition = new Map<number, Announcement[]>();
    for (const { partition, key, conversationId, state, position, from, at } of entries) {
      const announcement: Announcement = {
        key, position: '', prev: formatNotice({ state, position, from }), late: false, timestamp: at,
        frame: JSON.stringify({ type: 'receipt', conversationId, position, state }),
      };
      const list = byPartition.get(partition);
      if (list) list.push(announcement); else byPartition.set(partition, [announcement]);
    }
    await Promise.all([...byPartition].map(([partition, list]) => this.options.fanout.announce(partition, list)));
  }

  private async write(entries: readonly Entry[]): Promise<void> {
    const { appender, topic, codec } = this.options;
    await appender.append(entries.map(({ partition, key, position, state, at }) => (
      { topic, partition, key, value: codec.encode({ position, state, channel: 'web', providerId: null, errorCode: null, at }), timestamp: at })));
  }
}

/** The newest under each name, handed on together after a while, and the next only when that is done. */
class Gathered {
  private waiting = new Map<string, Entry>();
  private timer: Timer | undefined;
  private running: Promise<void> | undefined;

  constructor(
    private readonly clock: Clock, private readonly millis: number,
    private readonly run: (entries: readonly Entry[]) => Promise<void>, private readonly failed: (error: unknown, count: number) => void,
  ) {}

  /** Nothing when a newer one waits, or too many others do. */
  add(name: string, entry: Entry): void {
    const known = this.waiting.get(name);
    if (known ? known.position >= entry.position : this.waiting.size >= MAX_WAITING) return;
    this.waiting.set(name, entry);
    this.arm();
  }

  async close(): Promise<void> {
    this.timer?.cancel();
    await this.running;
    this.timer?.cancel();
    if (this.waiting.size > 0) await this.flush();
  }

  private arm(): void {
    if (this.running === undefined) this.timer ??= this.clock.after(this.millis, () => { this.timer = undefined; void this.flush(); });
  }

  private flush(): Promise<void> {
    const entries = [...this.waiting.values()];
    this.waiting = new Map();
    this.running = this.run(entries).catch((error: unknown) => { this.failed(error, entries.length); }).then(() => {
      this.running = undefined;
      if (this.waiting.size > 0) this.arm();
    });
    return this.running;
  }
}
