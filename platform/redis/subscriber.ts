/**
 * Sharded subscriptions that are renewed by their owner (ADR 0116): on one server here, on the nodes of a cluster in
 * cluster-subscriber.ts.
 *
 * A connection is asked for a sign of life every few seconds: of one that was cut without a word, or whose server hangs,
 * nothing would ever be heard again, and nobody would know.
 */
import type { Redis } from 'ioredis';
import type { Clock, Timer } from '../clock.js';

/** Who subscribes, and so knows what is to be subscribed again when the connection was lost. */
export interface SubscriptionOwner {
  /** Every channel that is wanted now, in groups of one slot. */
  wanted(): Iterable<readonly string[]>;
  /** All of them are subscribed again; messages may have been missed until now. */
  lapsed(): void;
}

export interface Subscriber {
  /** Channels of one slot. Resolves when everything published from now on arrives. Rejects with an error of the client. */
  ssubscribe(...channels: string[]): Promise<unknown>;
  sunsubscribe(...channels: string[]): Promise<unknown>;
  on(event: 'smessage', run: (channel: string, message: string) => void): unknown;
  disconnect(): void;
}

/** Between two signs of life; as much again as a command may take, and a dead connection is given up. */
export const HEARTBEAT_MILLIS = 5_000;

/** Calls `run` again and again, `millis` after the last has ended, until it is cancelled. */
export function repeatedly(clock: Clock, millis: number, run: () => Promise<unknown>): Timer {
  let cancelled = false;
  let timer: Timer;
  const arm = (): void => {
    if (cancelled) return;
    timer = clock.after(millis, () => { void run().catch(() => undefined).then(arm); });
  };
  arm();
  return { cancel: () => { cancelled = true; timer.cancel(); } };
}

/** Subscriptions on one server, behind Sentinels or not. `client` connects again by itself. */
export function serverSubscriber(client: Redis, owner: SubscriptionOwner, clock: Clock): Subscriber {
  let first = true;
  client.on('ready', () => {
    if (!first) void renew(client, owner);
    first = false;
  });
  client.connect().catch(() => { /* it goes on trying; commands on it report */ });
  const heartbeat = repeatedly(clock, HEARTBEAT_MILLIS, async () => {
    if (client.status !== 'ready') return;
    await client.ping().catch(() => { if (client.status === 'ready') client.disconnect(true); });
  });
  client.once('end', () => { heartbeat.cancel(); });
  return client;
}

/**
 * Subscribes again what is wanted. The client could do that by itself, but it lets go of the promises (a failure would be an
 * error that nobody caught) and forgets what was not confirmed when the connection is lost once more.
 */
async function renew(client: Redis, owner: SubscriptionOwner): Promise<void> {
  try {
    // All are written in this turn: what is unsubscribed later goes out after them.
    await Promise.all([...owner.wanted()].map((group) => client.ssubscribe(...group)));
    owner.lapsed();
  } catch {
    // Not all are: a new connection tries again.
    if (client.status === 'ready') client.disconnect(true);
  }
}
