/**
 * Sharded subscriptions on the nodes of a cluster: one connection to each master that has channels of ours.
 *
 * Where a slot lives is asked of the cluster's own client. A connection on which anything happens that was not asked for (it
 * ends, it says MOVED, the server takes a subscription away because the slot has gone elsewhere) is dropped as a whole, and so
 * is one that gives no sign of life; a slot that has moved is found at the next look at the latest. Whatever is wanted and not
 * subscribed where it belongs is then subscribed there, and the owner is told that messages may have been missed.
 */
import { EventEmitter } from 'node:events';
import { Command, type Cluster, type Redis } from 'ioredis';
import type { Clock, Timer } from '../clock.js';
import { HEARTBEAT_MILLIS, repeatedly, type Subscriber, type SubscriptionOwner } from './subscriber.js';

export interface ClusterSubscriberOptions {
  readonly cluster: Cluster;
  /** A connection to one node that never connects again by itself. */
  readonly open: (host: string, port: number) => Redis;
  readonly owner: SubscriptionOwner;
  readonly clock: Clock;
  /** Milliseconds until the next try; null: no more. */
  readonly backOff: (times: number) => number | null;
}

/** What a subscription is tried again after, while slots move: about a second in all. */
const TRIES = [20, 80, 300, 600] as const;

export class ClusterSubscriber extends EventEmitter implements Subscriber {
  /** By `host:port`. */
  private readonly nodes = new Map<string, Redis>();
  /** The node on whose connection a slot's channels are subscribed, or are being so. */
  private readonly places = new Map<number, string>();
  /** Slots whose channels were on a connection that is gone: all that is wanted of them has to be subscribed again. */
  private readonly stale = new Set<number>();
  private realigning: Promise<void> | undefined;
  private retry: Timer | undefined;
  private failures = 0;
  private again = false;
  private closed = false;
  private readonly heartbeat: Timer;

  constructor(private readonly options: ClusterSubscriberOptions) {
    super();
    this.heartbeat = repeatedly(options.clock, HEARTBEAT_MILLIS, () => this.look());
    // The client has learned where slots live now.
    options.cluster.on('refresh', this.refreshed);
  }

  async ssubscribe(...channels: string[]): Promise<unknown> {
    const slot = slotOf(channels);
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.place(slot, channels);
      } catch (thrown) {
        const pause = TRIES[tries];
        if (pause === undefined || this.closed) throw thrown;
        await this.refresh();
        await this.options.clock.sleep(pause);
      }
    }
  }

  async sunsubscribe(...channels: string[]): Promise<unknown> {
    const node = this.nodes.get(this.places.get(slotOf(channels)) ?? '');
    return node === undefined ? 0 : node.sunsubscribe(...channels);
  }

  disconnect(): void {
    this.closed = true;
    this.heartbeat.cancel();
    this.retry?.cancel();
    this.options.cluster.off('refresh', this.refreshed);
    for (const node of this.nodes.values()) node.disconnect();
    this.nodes.clear();
  }

  private readonly refreshed = (): void => { if (this.isMisplaced()) this.realignSoon(); };

  /** Subscribes channels where their slot lives. */
  private async place(slot: number, channels: readonly string[]): Promise<unknown> {
    const home = this.homeOf(slot);
    if (home === undefined) throw new Error('Cluster isn\'t ready');
    const place = this.places.get(slot);
    // What was subscribed at the place before is subscribed here by the next realignment, which tells of the lapse.
    if (place !== undefined && place !== home) { this.realignSoon(); throw new Error('The slot has moved'); }
    this.places.set(slot, home);
    return this.nodeAt(home).ssubscribe(...channels);
  }

  private homeOf(slot: number): string | undefined { return this.options.cluster.slots[slot]?.[0]; }

  private nodeAt(address: string): Redis {
    const known = this.nodes.get(address);
    if (known) return known;
    const cut = address.lastIndexOf(':');
    const node = this.options.open(address.slice(0, cut), Number(address.slice(cut + 1)));
    this.nodes.set(address, node);
    node.on('smessage', (channel: string, message: string) => { this.emit('smessage', channel, message); });
    node.on('moved', () => { node.disconnect(); });
    // A subscription that the server takes away comes as an answer that no command waits for.
    node.on('error', () => { node.disconnect(); });
    node.once('end', () => { this.lost(address, node); });
    node.connect().catch(() => { /* it ends */ });
    return node;
  }

  private lost(address: string, node: Redis): void {
    if (this.nodes.get(address) !== node) return;
    this.nodes.delete(address);
    for (const [slot, place] of this.places) if (place === address) { this.places.delete(slot); this.stale.add(slot); }
    this.realignSoon();
  }

  /** Signs of life of all connections, and whether the slots are still where they were. */
  private async look(): Promise<void> {
    await Promise.all([...this.nodes.values()].filter(({ status }) => status === 'ready').map((node) => node.ping().catch(() => { node.disconnect(); })));
    if (this.isMisplaced()) this.realignSoon();
  }

  private isMisplaced(): boolean {
    for (const [slot, place] of this.places) if (this.homeOf(slot) !== place) return true;
    return false;
  }

  private realignSoon(): void {
    if (this.closed) return;
    if (this.realigning !== undefined) { this.again = true; return; }
    this.retry?.cancel();
    const wait = this.options.backOff(this.failures) ?? 0;
    this.retry = this.options.clock.after(this.failures === 0 ? 10 : wait, () => {
      this.retry = undefined;
      this.realigning = this.realign().finally(() => {
        this.realigning = undefined;
        if (this.again || this.failures > 0) { this.again = false; this.realignSoon(); }
      });
    });
  }

  /** Subscribes what is wanted and not where it belongs. */
  private async realign(): Promise<void> {
    await this.refresh();
    if (this.closed) return;
    const moves: { slot: number; channels: readonly string[] }[] = [];
    for (const channels of this.options.owner.wanted()) {
      const slot = slotOf(channels);
      const place = this.places.get(slot);
      const home = this.homeOf(slot);
      if (place !== home || this.stale.has(slot)) moves.push({ slot, channels });
    }
    // What is subscribed elsewhere from now on would arrive twice.
    for (const { slot, channels } of moves) this.leave(slot, channels);
    this.stale.clear();
    // All are written in this turn: what is unsubscribed later goes out after them.
    const done = await Promise.allSettled(moves.map(({ slot, channels }) => this.place(slot, channels)));
    const failed = done.filter(({ status }) => status === 'rejected').length;
    done.forEach(({ status }, i) => { if (status === 'rejected') this.stale.add(moves[i]?.slot ?? -1); });
    this.failures = failed > 0 ? this.failures + 1 : 0;
    if (done.length > failed && !this.closed) this.options.owner.lapsed();
  }

  /** What is at an old place is given up there; a server that no longer has the slot has taken it away already. */
  private leave(slot: number, channels: readonly string[]): void {
    const place = this.places.get(slot);
    this.places.delete(slot);
    if (place === undefined || place === this.homeOf(slot)) return;
    const node = this.nodes.get(place);
    if (node?.status === 'ready') node.sunsubscribe(...channels).catch(() => { /* the connection is gone */ });
  }

  private refresh(): Promise<void> {
    return new Promise((resolve) => { this.options.cluster.refreshSlotsCache(() => { resolve(); }); });
  }
}

/** The slot of channels that share one. */
function slotOf(channels: readonly string[]): number {
  const slot = new Command('ssubscribe', [channels[0] ?? '']).getSlot();
  return typeof slot === 'number' ? slot : 0;
}
