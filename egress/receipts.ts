/**
 * What clients report as received or read, written to deliveries.v1: cumulative, so only the newest position of each
 * conversation and state is kept, and a second's worth is one append. Lost with the process: the client reports again.
 */
import type { Clock, Timer } from '../platform/clock.js';
import type { Appender } from '../platform/event-log/event-log.js';
import type { Logger } from '../platform/observability/logger.js';
import type { RecordCodec } from '../schemas/codec.js';
import type { DeliveryUpdate } from '../schemas/types.js';

export interface ReceiptsOptions {
  readonly appender: Appender;
  readonly topic: string;
  readonly codec: RecordCodec<DeliveryUpdate>;
  readonly clock: Clock;
  readonly logger: Logger;
}

const EVERY = 1_000;
const MAX_WAITING = 20_000;

export class Receipts {
  private waiting = new Map<string, { key: string; partition: number; update: DeliveryUpdate }>();
  private timer: Timer | undefined;
  private flushing: Promise<void> = Promise.resolve();

  constructor(private readonly options: ReceiptsOptions) {}

  add(partition: number, key: string, state: 'delivered' | 'read', position: string): void {
    const name = `${state} ${key}`;
    const known = this.waiting.get(name);
    if (known ? known.update.position >= position : this.waiting.size >= MAX_WAITING) return;
    this.waiting.set(name, { key, partition, update: { position, state, channel: 'web', providerId: null, errorCode: null, at: this.options.clock.now() } });
    this.timer ??= this.options.clock.after(EVERY, () => { this.timer = undefined; this.flush(); });
  }

  async close(): Promise<void> {
    this.timer?.cancel();
    this.flush();
    await this.flushing;
  }

  private flush(): void {
    const { appender, topic, codec, logger } = this.options;
    const records = [...this.waiting.values()].map(({ key, partition, update }) => ({ topic, partition, key, value: codec.encode(update), timestamp: update.at }));
    this.waiting = new Map();
    if (records.length === 0) return;
    this.flushing = appender.append(records).then(() => undefined, (error: unknown) => { logger.warn({ err: error, count: records.length }, 'receipts were not written'); });
  }
}
