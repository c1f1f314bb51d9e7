/** A board in Redis: one hash for the installation, `<prefix>nodes`; who reads removes what has grown old. */
import type { RedisConnection } from '../redis.js';
import { ENTRY_MILLIS, freshEntries, type NodeBoard, type NodeEntry } from './node-board.js';

/** Entries so old are of processes that ended without a word. */
const FORGET = 6 * ENTRY_MILLIS;

export class RedisNodeBoard implements NodeBoard {
  private readonly key: string;

  constructor(private readonly redis: RedisConnection, options: { readonly prefix: string }) {
    this.key = `${options.prefix}nodes`;
  }

  async post(entry: NodeEntry): Promise<void> {
    await this.redis.call('CONFAB_STATE_UNAVAILABLE', (client) => client.hset(this.key, entry.node, JSON.stringify(entry)));
  }

  async list(now: number): Promise<NodeEntry[]> {
    const all = await this.redis.call('CONFAB_STATE_UNAVAILABLE', (client) => client.hgetall(this.key));
    const old = Object.entries(all).filter(([, text]) => freshEntries([text], now - FORGET).length === 0).map(([node]) => node);
    if (old.length > 0) await this.redis.call('CONFAB_STATE_UNAVAILABLE', (client) => client.hdel(this.key, ...old));
    return freshEntries(Object.values(all), now);
  }

  async remove(node: string): Promise<void> {
    await this.redis.call('CONFAB_STATE_UNAVAILABLE', (client) => client.hdel(this.key, node));
  }
}
