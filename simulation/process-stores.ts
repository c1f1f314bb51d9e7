/** What a process shares with others beside the log, each behind a link: state, claims, outbox, fan-out. */
import type { Announcement, Fanout, FanoutListener } from '../egress/fanout/fanout.js';
import type { Outbox } from '../egress/outbox/outbox.js';
import type { ClaimIndex } from '../ingress/acceptance/claim-index/claim-index.js';
import { ConfabError } from '../platform/errors.js';
import type { StateStore } from '../platform/state/state-store.js';
import type { Failures, Link } from './link.js';

const failing = (code: 'CONFAB_STATE_UNAVAILABLE' | 'CONFAB_INDEX_REBUILDING'): Failures => {
  const error = (): ConfabError => new ConfabError(code, { detail: 'simulated' });
  return { refused: error, silent: error };
};
const STATE = failing('CONFAB_STATE_UNAVAILABLE');
const CLAIMS = failing('CONFAB_INDEX_REBUILDING');

export function remoteState(store: StateStore, link: Link): StateStore {
  return {
    kind: store.kind,
    read: (view, partition, keys) => link.call('read', () => store.read(view, partition, keys), STATE),
    write: (view, partition, entries, watermark, expected) => link.call('write', () => store.write(view, partition, entries, watermark, expected), STATE),
    reset: (view, partition, epoch) => link.call('reset', () => store.reset(view, partition, epoch), STATE),
    check: () => link.call('check', () => store.check(), STATE),
    close: () => Promise.resolve(),
  };
}

export function remoteIndex(index: ClaimIndex, link: Link): ClaimIndex {
  return {
    kind: index.kind,
    claim: (partition, requests) => link.call('claim', () => index.claim(partition, requests), CLAIMS),
    read: (partition, keys) => link.call('read', () => index.read(partition, keys), CLAIMS),
    confirm: (partition, entries) => link.call('confirm', () => index.confirm(partition, entries), CLAIMS),
    release: (partition, entries) => link.call('release', () => index.release(partition, entries), CLAIMS),
    beginRebuild: (partition, owner) => link.call('begin rebuild', () => index.beginRebuild(partition, owner), CLAIMS),
    fill: (partition, owner, entries) => link.call('fill', () => index.fill(partition, owner, entries), CLAIMS),
    finishRebuild: (partition, owner) => link.call('finish rebuild', () => index.finishRebuild(partition, owner), CLAIMS),
    close: () => Promise.resolve(),
  };
}

export function remoteOutbox(outbox: Outbox, link: Link): Outbox {
  return {
    kind: outbox.kind,
    append: (partition, outcomes, behind) => link.call('append', () => outbox.append(partition, outcomes, behind), STATE),
    read: (partition, key, after) => link.call('read', () => outbox.read(partition, key, after), STATE),
    close: () => Promise.resolve(),
  };
}

/**
 * A node's subscription to the bus. While its connection is down nothing arrives, what was under way is lost, and once it is
 * up again the listener is told that something may have been missed.
 */
export class RemoteFanout implements Fanout {
  readonly kind = 'memory';
  private listener: FanoutListener | undefined;
  /** Grows with each connection: what was sent over an older one does not arrive. */
  private connection = 0;

  constructor(private readonly bus: Fanout, private readonly link: Link) {}

  listen(listener: FanoutListener): void {
    this.listener = listener;
    this.bus.listen({
      announced: (announcements) => { this.arrived(announcements); },
      lapsed: () => { this.link.push(() => { listener.lapsed(); }); },
    });
  }

  subscribe(partition: number, key: string): Promise<void> { return this.link.call('subscribe', () => this.bus.subscribe(partition, key), STATE); }

  unsubscribe(partition: number, key: string): void { this.bus.unsubscribe(partition, key); }

  announce(partition: number, announcements: readonly Announcement[]): Promise<void> {
    return this.link.call('announce', () => this.bus.announce(partition, announcements), STATE);
  }

  async close(): Promise<void> { await this.bus.close(); }

  /** The connection breaks and is made again. */
  lapse(): void {
    this.connection += 1;
    this.link.push(() => { this.listener?.lapsed(); });
  }

  private arrived(announcements: readonly Announcement[]): void {
    const { connection } = this;
    if (!this.link.open) return;
    this.link.push(() => { if (connection === this.connection) this.listener?.announced(announcements); });
  }
}
