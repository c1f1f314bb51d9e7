/**
 * One conversation on one socket: every outcome once, in order, from a position on.
 *
 * The fan-out is subscribed first; what it brings while older outcomes are fetched waits. A live outcome goes out only if
 * what came before it (`prev`) is what the socket has seen; else the outbox is read, and where that is not complete, the log.
 * So what was trimmed, flushed or missed is found by one rule.
 */
import { nextTurn } from '../../platform/clock.js';
import { ConfabError, toConfabError } from '../../platform/errors.js';
import { parseOrigin } from '../../platform/live-bus/live-channel.js';
import { placeOf } from '../../platform/position.js';
import type { Announcement } from '../fanout/fanout.js';
import type { Hub } from './hub.js';
import type { Since } from './log-recovery.js';
import { isAllSince } from '../outbox/outbox.js';
import { positionAt } from '../outcomes/outcome.js';
import { parseNotice, type ReceiptMarks } from '../receipts/receipt-notice.js';
import type { ReceiptSource } from '../receipts/receipts.js';
import { attempt, noticeOften } from './subscription-waits.js';

/** What a subscription needs of its socket. */
export interface Outlet {
  readonly id: string;
  readonly open: boolean;
  /** The client has not taken what it was given: outcomes stay in the outbox until it has. */
  readonly behind: boolean;
  /** Sends a frame of the subscription. */
  deliver(frame: string): void;
  /** Sends a frame that may be lost, if the network has room; false when it was not sent. `longer`: it is lost later than others. */
  deliverLossy(frame: string, longer?: boolean): boolean;
  /** Resolves when the socket is not behind any more, or closed; undefined: it is not behind. */
  room(): Promise<void> | undefined;
  /** Does one piece of work when the socket has room for what comes of it and it is this subscription's turn among those of the socket. */
  turn<T>(work: () => Promise<T>): Promise<T>;
  error(error: ConfabError, conversationId: string): void;
}

interface Found { readonly position: string; readonly frame: string }
/** `mark`: of the outbox, before the ends were asked for. */
interface Begin { readonly after: string; readonly since: Since; readonly mark: string | undefined }

/** Sorts after every position. */
const BEYOND_ALL = 'z';
/** Announcements kept while older outcomes are fetched; those beyond are fetched too. */
const MAX_PENDING = 16;
/** Of those that come late, which cannot be fetched. */
const MAX_LATE = 256;
/** Outcomes that are remembered, so that one which comes late is not sent twice: as many as one answer of outbox or log may hold. */
const REMEMBERED = 512;
/** Older outcomes that are sent without a turn for other sockets. */
const FRAMES_A_TURN = 128;
/** After so many looks into outbox and log, one after the other, that brought nothing, a live outcome goes out whatever it says came before it. */
const ROUNDS = 3;

export class Subscription implements ReceiptSource {
  /** Position up to which everything was sent; '' while nothing is known of the conversation ("from now on"). */
  private seen = '';
  /** Where to look in the log for what came since, when nothing was known of the conversation as it began. */
  private begin: Begin | undefined;
  /** Where the stream begins: the client has what lies before, or asks the history for it. */
  private base = '';
  private live = false;
  private closed = false;
  private pending: Announcement[] | undefined;
  /** The newest position that was announced and not kept. */
  private wanted = '';
  /** Places of what was sent, as numbers: a socket may have thousands of conversations. */
  private recent: number[] | undefined;
  private again = false;
  /** The reply whose pieces are shown: the message that it answers, and the piece that is next. */
  private making: { readonly before: string; readonly next: number } | undefined;
  /** Receipts that the socket was shown; undefined before the first. */
  private receipts: ReceiptMarks | undefined;
  /** Older outcomes are gone from the log: what comes goes out without them. */
  private gone = false;

  constructor(readonly hub: Hub, readonly outlet: Outlet, readonly key: string, readonly conversationId: string, readonly partition: number) {}

  /** Follows from `after`, or from now on. Sends `ready` when it stands; never throws. */
  async start(after: string | undefined): Promise<void> {
    const cancel = noticeOften(this);
    try {
      await this.attempt(() => this.hub.attach(this));
      if (after === undefined) await this.startNow(true);
      else if (!after.startsWith(`${this.hub.topics.epoch}-`)) await this.startNow(false);
      else await this.startAfter(after, cancel);
    } catch (thrown) {
      this.fault(thrown);
    } finally {
      cancel();
    }
  }

  /** From the hub: synchronous, in order. */
  offer(announcement: Announcement): void {
    if (this.closed) return;
    if (announcement.position === '') {
      this.show(announcement);
    } else if (!this.live) {
      this.put(announcement);
    } else if (this.outlet.behind) {
      if (announcement.late || announcement.position > this.seen) this.catchUp(announcement);
    } else if (!this.pass(announcement, false)) {
      this.catchUp(announcement);
    }
  }

  /** What is announced while the subscription is not live. Where the network is full only the fact is kept that there is more. */
  private put(announcement: Announcement): void {
    const { late, position } = announcement;
    const kept = this.pending?.length ?? 0;
    if (kept === 0 || kept < (late ? MAX_LATE : this.outlet.behind ? 1 : MAX_PENDING)) (this.pending ??= []).push(announcement);
    else if (late) this.giveUp();
    else if (position > this.wanted) this.wanted = position;
  }

  /** So many that come late while nothing can be sent: the client has to begin anew. */
  private giveUp(): void {
    this.outlet.error(new ConfabError('CONFAB_SLOW_CONSUMER', { detail: 'Subscribe again, from the oldest message without an outcome.' }), this.conversationId);
    this.close();
  }

  /** What has no place: who types elsewhere, and a reply in the making, never behind that reply and without a gap in its pieces. */
  private show({ prev, frame }: Announcement): void {
    const origin = typeof prev === 'string' ? parseOrigin(prev) : undefined;
    if (origin === undefined) {
      if (typeof prev !== 'string' || !this.showReceipt(prev, frame)) this.showTyping(prev, frame);
      return;
    }
    const { before, index } = origin;
    if (!this.live || this.seen >= positionAt(before, 1)) return;
    if (index !== null && index !== 0 && (this.making?.before !== before || this.making.next !== index)) return;
    const shown = this.outlet.deliverLossy(frame);
    if (index !== null) this.making = shown ? { before, next: index + 1 } : undefined;
  }

  private showTyping(from: string | null | undefined, frame: string): void {
    if (from !== this.outlet.id) this.outlet.deliverLossy(frame);
  }

  /** False when it is no receipt. Receipts are cumulative: none is shown after a newer one. */
  private showReceipt(text: string, frame: string): boolean {
    const notice = parseNotice(text);
    if (notice === undefined) return false;
    const { state, position, from } = notice;
    if (from === this.outlet.id || position <= (this.receipts?.[state] ?? '') || !this.outlet.deliverLossy(frame, true)) return true;
    this.receipts ??= {};
    this.receipts[state] = position;
    return true;
  }

  /** What the client can know of a position: it was sent here, it says that it had it before, or neither can be. */
  reach(position: string): 'sent' | 'earlier' | 'never' {
    if (position > this.seen || !position.startsWith(`${this.hub.topics.epoch}-`)) return 'never';
    return position > this.base ? 'sent' : 'earlier';
  }

  /** Announcements may have been missed: looks for them. */
  recheck(): void {
    if (this.closed) return;
    if (this.live) this.catchUp(undefined); else this.again = true;
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.pending = undefined;
    this.hub.detach(this);
  }

  /** Nobody is there any more. */
  get cancelled(): boolean { return this.closed || !this.outlet.open; }

  /** From now on: what the outbox has is not sent, what was announced since the subscription is. */
  private async startNow(recovered: boolean): Promise<void> {
    const read = await this.outlet.turn(() => this.hub.readOutbox(this, BEYOND_ALL));
    const first = this.pending?.find((announcement) => !announcement.late);
    const baseline = first === undefined ? read?.last : first.prev ?? positionAt(first.position, 0);
    this.seen = baseline ?? '';
    this.base = this.seen;
    const position = baseline ?? await this.attempt(() => this.beginFrom(read?.mark));
    if (this.cancelled) return;
    this.ready(position, recovered);
    await this.drain();
  }

  /** `mark`: of the outbox, as it knew nothing. */
  private async beginFrom(mark: string | undefined): Promise<string> {
    this.begin = await this.beginning(await this.hub.recentPosition(this.partition), mark);
    return this.begin.after;
  }

  private async beginning(after: string, mark: string | undefined): Promise<Begin> {
    return { after, since: await this.hub.endsOf(this.partition), mark };
  }

  private async startAfter(after: string, stopNotices: () => void): Promise<void> {
    this.seen = after;
    this.base = after;
    const first = await this.attempt(() => this.fetch());
    if (this.cancelled) return;
    if (first.lost) { this.base = ''; await this.startNow(false); return; }
    stopNotices();
    this.ready(after, true);
    const cut = await this.send(first.found);
    await this.attempt(() => this.fetchAll(cut || first.more));
    await this.drain();
  }

  private ready(position: string, recovered: boolean): void {
    this.outlet.deliver(JSON.stringify({ type: 'ready', conversationId: this.conversationId, position, recovered }));
  }

  /** Leaves the live state until everything after `seen` has been fetched, or the network has room again. */
  private catchUp(announcement: Announcement | undefined): void {
    this.live = false;
    if (announcement !== undefined && (announcement.late || !this.outlet.behind)) this.pending = [announcement];
    else this.wanted = announcement?.position ?? '';
    void this.attempt(() => this.fetchAll(true)).then(() => this.drain()).catch((thrown: unknown) => { this.fault(thrown); });
  }

  /** Sends everything after `seen` that outbox or log have; `doubted`: that the log has, whatever the outbox says. */
  private async fetchAll(more: boolean, doubted = false): Promise<void> {
    for (let wanted = more; wanted && !this.cancelled;) {
      const fetched = await this.fetch(doubted);
      if (this.cancelled) return;
      this.gone = fetched.lost;
      if (fetched.lost) { this.outlet.error(new ConfabError('CONFAB_POSITION_INVALID', { detail: 'Older outcomes are no longer in the log; read the events.' }), this.conversationId); return; }
      wanted = await this.send(fetched.found) || fetched.more;
    }
  }

  private async fetch(doubted = false): Promise<{ found: readonly Found[]; more: boolean; lost: boolean }> {
    const read = doubted ? undefined : await this.outlet.turn(() => this.hub.readOutbox(this, this.seen));
    const { entries = [], more: moreEntries = false } = read ?? {};
    // Nothing was known as it began: all that the outbox has came since. Where that does not hold together, the log knows what else did.
    const from = this.seen === '' ? this.begin : { after: this.seen };
    const complete = read !== undefined && (this.seen === '' ? isAllSince(read, this.begin?.mark) : read.complete);
    if (complete || from === undefined) return { found: entries, more: moreEntries, lost: false };
    await this.outlet.room();
    const next = from === this.begin ? await this.beginning(from.after, read?.mark) : undefined;
    const found = await this.recover(from);
    // Nothing came so far: the next look need not go over it again.
    if (next !== undefined && found.found.length === 0 && !found.lost) this.begin = next;
    // It began behind that, and was sent something from before all the same: what else came before does not concern it.
    return found.lost && this.begin !== undefined && this.seen < this.begin.after && from !== this.begin ? this.recover(this.begin) : found;
  }

  private async recover(from: { readonly after: string; readonly since?: Since }): Promise<{ found: readonly Found[]; more: boolean; lost: boolean }> {
    const { partition, key } = this;
    const { after, since } = from;
    const { outcomes, more, lost } = await this.hub.recovery.recover({ partition, key, after, ...(since === undefined ? {} : { since }), cancelled: () => this.cancelled });
    return { found: outcomes, more, lost };
  }

  /** True when not all of it was sent: the network is full, and too much waits for full networks already. */
  private async send(found: readonly Found[]): Promise<boolean> {
    for (const [i, { position, frame }] of found.entries()) {
      if (this.cancelled) return false;
      if (position <= this.seen) continue;
      // A page of the outbox is less; an answer of the log may be thousands.
      if (i % FRAMES_A_TURN === FRAMES_A_TURN - 1) await nextTurn();
      if (this.outlet.behind && !await this.held(found, i)) return true;
      this.remember(position);
      this.outlet.deliver(frame);
    }
    return false;
  }

  /** Keeps the rest until the network has room. False: it may not be kept. */
  private async held(found: readonly Found[], from: number): Promise<boolean> {
    let bytes = 0;
    for (let i = from; i < found.length; i += 1) bytes += found[i]?.frame.length ?? 0;
    if (!this.hub.hold(bytes)) return false;
    while (this.outlet.behind && !this.cancelled) await this.outlet.room();
    this.hub.letGo(bytes);
    return !this.cancelled;
  }

  /** What was announced meanwhile, then live. */
  private async drain(): Promise<void> {
    for (let round = 0; !this.cancelled;) {
      const pending = this.pending ?? [];
      this.pending = undefined;
      const stuck = pending.findIndex((announcement) => !this.pass(announcement, this.gone || round >= ROUNDS));
      const missing = this.wanted > this.seen && !this.gone && round < ROUNDS;
      if (stuck < 0 && !missing && !this.again) { this.wanted = ''; this.live = true; return; }
      this.pending = stuck < 0 ? undefined : pending.slice(stuck);
      this.again = false;
      const before = this.seen;
      // The outbox was flushed and then got an older outcome again, when it still does not have what stands before an announced one.
      await this.attempt(() => this.fetchAll(true, (stuck >= 0 || missing) && round > 0));
      round = this.seen > before ? 0 : round + 1;
    }
  }

  /** Sends a live outcome if its turn has come. False: something before it is missing. */
  private pass(announcement: Announcement, force: boolean): boolean {
    const { position, prev, late, frame, timestamp } = announcement;
    // Nothing was known as it began, and the outbox keeps only the newest of the dead letters that come first: the log has them all.
    if (this.seen === '' && prev === undefined) this.seen = this.base = positionAt(position, 0);
    if (position <= this.seen) {
      if (!late || position <= this.base || this.recent?.includes(placeOf(position)) === true) return true;
    } else if (!force && prev !== null && (prev === undefined || prev > this.seen)) return false;
    this.remember(position);
    this.outlet.deliver(frame);
    this.hub.delivered(timestamp);
    return true;
  }

  private remember(position: string): void {
    if (position > this.seen) this.seen = position;
    this.recent ??= [];
    if (this.recent.push(placeOf(position)) > REMEMBERED) this.recent.shift();
  }

  private attempt<T>(work: () => Promise<T>): Promise<T> { return attempt(this, work); }

  private fault(thrown: unknown): void {
    if (this.cancelled) return;
    const error = toConfabError(thrown);
    this.hub.logger.error({ err: error.cause ?? error, conversation: this.key }, 'a subscription failed');
    this.outlet.error(new ConfabError(error.code), this.conversationId);
    this.close();
  }
}
