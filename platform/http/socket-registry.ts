/**
 * All open sockets of a server: heartbeat, patience with those that do not read, and an orderly end.
 *
 * One timer for all of them. Each second one slot of sockets is pinged, so that each socket is pinged every 25 s and thousands
 * do not come at once; who has not answered 13 s later is gone. So one whose client vanished is found within 40 s.
 */
import type { Revocations } from '../auth/revocations.js';
import type { Clock, Timer } from '../clock.js';
import type { SocketSession, SocketWatcher } from './socket-session.js';

/** Milliseconds between two pings of a socket. */
export const HEARTBEAT = 25_000;
const TICK = 1_000;
/** One for each tick between two pings. */
const SLOTS = HEARTBEAT / TICK;
/** Seconds that an answer may take. */
const ANSWER_WITHIN = 13;
/** Between two slices of sockets that are closed. */
const SLICE = 50;

export interface SocketRegistryOptions {
  readonly clock: Clock;
  /** Milliseconds that a client may read nothing while something waits for it. Default 30 s. */
  readonly slowMillis?: number;
}

export interface Closing {
  readonly code: number;
  /** Milliseconds over which the closes are spread. */
  readonly millis: number;
  /** Asked for each socket: how long its client is to wait. */
  readonly retryAfterMs: () => number;
}

export class SocketRegistry implements SocketWatcher {
  private readonly clock: Clock;
  private readonly slow: number;
  private readonly slots: readonly Set<SocketSession>[] = Array.from({ length: SLOTS }, () => new Set<SocketSession>());
  private readonly watched = new Set<SocketSession>();
  private count = 0;
  private added = 0;
  private ticks = 0;
  private timer: Timer | undefined;

  constructor(options: SocketRegistryOptions) {
    this.clock = options.clock;
    this.slow = options.slowMillis ?? 30_000;
  }

  get size(): number { return this.count; }

  /** Every open socket. */
  *[Symbol.iterator](): Generator<SocketSession> {
    for (const slot of this.slots) yield* slot;
  }

  add(session: SocketSession): void {
    session.slot = this.added % SLOTS;
    this.added += 1;
    this.slots[session.slot]?.add(session);
    this.count += 1;
    if (!this.timer) this.arm();
  }

  remove(session: SocketSession): void {
    if (this.slots[session.slot]?.delete(session) !== true) return;
    this.watched.delete(session);
    this.count -= 1;
    if (this.count === 0) { this.timer?.cancel(); this.timer = undefined; }
  }

  watch(session: SocketSession): void { this.watched.add(session); }

  /** Closes every socket: 1001 when the node goes away, 1012 when it comes back. */
  closeAll(closeCode: number): void {
    for (const session of this) session.close(closeCode, 'CONFAB_DRAINING');
  }

  /**
   * Closes the sockets that are open now, a few at a time: their clients do not all come to the other nodes at once. A node that
   * comes late to a slice makes up for it with the next: all that is late together would be longer than a stop may take.
   */
  async closeInSlices({ code, millis, retryAfterMs }: Closing): Promise<void> {
    const open = [...this];
    const slices = Math.max(1, Math.min(Math.ceil(millis / SLICE), open.length));
    const pause = Math.floor(millis / slices);
    const start = this.clock.monotonic();
    for (let slice = 1, at = 0; at < open.length; slice += 1) {
      const passed = pause === 0 ? slices : Math.floor((this.clock.monotonic() - start) / pause) + 1;
      const due = Math.ceil((open.length * Math.max(slice, passed)) / slices);
      for (const session of open.slice(at, due)) session.close(code, 'CONFAB_DRAINING', retryAfterMs());
      at = due;
      if (at < open.length) await this.clock.sleep(pause);
    }
  }

  /** Closes every socket whose token is refused by now; one look at each, when something was revoked. */
  closeRefused(revocations: Revocations): void {
    for (const session of this) {
      const error = revocations.refusal(session.principal);
      if (error !== undefined) session.fail(error);
    }
  }

  /** Cuts what did not close by itself. */
  terminateAll(): void {
    for (const session of this) session.terminate();
  }

  private arm(): void {
    this.timer = this.clock.after(TICK, () => { this.arm(); this.tick(); });
  }

  private tick(): void {
    this.ticks += 1;
    for (const session of this.slots[(this.ticks + SLOTS - ANSWER_WITHIN) % SLOTS] ?? []) if (session.silent) session.terminate();
    for (const session of this.slots[this.ticks % SLOTS] ?? []) {
      session.alive = false;
      session.ping();
    }
    const now = this.clock.monotonic();
    for (const session of this.watched) {
      const pace = session.look(now, this.slow);
      if (pace !== 'busy') this.watched.delete(session);
      if (pace === 'stalled') session.closeSlow();
    }
  }
}
