/** All open sockets of a server: heartbeat by control frames and orderly end. */
import type { Clock, Timer } from '../clock.js';
import type { ErrorCode } from '../errors.js';
import type { SocketSession } from './socket-session.js';

export const HEARTBEAT = 25_000;

export class SocketRegistry {
  private readonly clock: Clock;
  private readonly sessions = new Set<SocketSession>();
  private timer: Timer | undefined;

  constructor(clock: Clock) { this.clock = clock; }

  get size(): number { return this.sessions.size; }

  add(session: SocketSession): void {
    this.sessions.add(session);
    if (!this.timer) this.arm();
  }

  remove(session: SocketSession): void {
    this.sessions.delete(session);
    if (this.sessions.size === 0) { this.timer?.cancel(); this.timer = undefined; }
  }

  /** Closes every socket: 1001 when the node goes away, 1012 when it comes back. */
  closeAll(closeCode: number, code: ErrorCode = 'CONFAB_DRAINING', retryAfterMs?: number): void {
    for (const session of this.sessions) session.close(closeCode, code, retryAfterMs);
  }

  /** Cuts what did not close by itself. */
  terminateAll(): void {
    for (const session of this.sessions) session.terminate();
  }

  private arm(): void {
    this.timer = this.clock.after(HEARTBEAT, () => { this.beat(); });
  }

  private beat(): void {
    for (const session of this.sessions) {
      if (!session.alive) { session.terminate(); continue; }
      session.alive = false;
      session.ping();
    }
    this.arm();
  }
}
