/**
 * A board in Redis: one hash for the installation, `<prefix>nodes`. Who begins to post and who reads removes what has grown
 * old or is no entry; with the last process the hash goes too.
 */
import type { RedisConnection } from '../redis/redis.js';
import { ENTRY_MILLIS, freshEntries, type NodeBoard, type NodeEntry } from './node-board.js';

/** Entries so old are of processes that ended without a word. */
const FORGET = 6 * ENTRY_MILLIS;

export class RedisNodeBoard implements NodeBoard {
  private readonly key: string;
  private swept = false;

  constructor(private readonly redis: RedisConnection, options: { readonly prefix: string }) {
    this.key = `${options.prefix}nodes`;
  }

  async post(entry: NodeEntry): Promise<void> {
    await this.redis.call('CONFAB_STATE_UNAVAILABLE', async (client) => {
      await client.hset(this.key, entry.node, JSON.stringify(entry));
      await client.pexpire(this.key, FORGET);
    });
    // Processes that crash again and again leave an entry each, and perhaps nobody reads.
    if (!this.swept) { this.swept = true; await this.list(entry.at); }
  }

  async list(now: number): Promise<NodeEntry[]> {
    const all = await this.redis.call('CONFAB_STATE_UNAVAILABLE', (client) => client.hgetall(this.key));
    const left = Object.entries(all).filter(([, text]) => freshEntries([text], now, FORGET).length === 0).map(([node]) => node);
    if (left.length > 0) await this.redis.call('CONFAB_STATE_UNAVAILABLE', (client) => client.hdel(this.key, ...left));
    return freshEntries(Object.values(all), now);
  }

  async remove(node: string): Promise<void> {
    await this.redis.call('CONFAB_STATE_UNAVAILABLE', (client) => client.hdel(this.key, node));
  }
}
