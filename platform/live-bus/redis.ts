/** Live bus over Redis's sharded publish and subscribe: on the channel that the fan-out of the conversation listens on. */
import { partitionOf } from '../partitioner.js';
import type { RedisConnection } from '../redis/redis.js';
import type { LiveBus, LiveFrame } from './live-bus.js';
import { formatOrigin, liveChannel } from './live-channel.js';

export interface RedisLiveBusOptions {
  /** As of the fan-out. */
  readonly prefix?: string;
  /** Of `messages.v1`. */
  readonly partitions: number;
}

/** Frames under way to a Redis that is slow or away; beyond them nothing more is published. */
const MOST_WAITING = 1000;

export class RedisLiveBus implements LiveBus {
  private waiting = 0;
  private closed = false;

  constructor(private readonly redis: RedisConnection, private readonly options: RedisLiveBusOptions) {}

  publish(frame: LiveFrame): void {
    if (this.closed || this.waiting >= MOST_WAITING) return;
    this.waiting += 1;
    const { prefix = '', partitions } = this.options;
    const channel = liveChannel(prefix, partitionOf(frame.key, partitions), frame.key);
    // The line of an announcement (egress/fanout/redis.ts) without time and position.
    this.redis.client.spublish(channel, `-0  ${formatOrigin(frame)}\n${frame.frame}`)
      .catch(() => { /* lossy by contract */ })
      .finally(() => { this.waiting -= 1; });
  }

  /** The connection belongs to whoever made it. */
  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }
}
