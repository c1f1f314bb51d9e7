/**
 * How much is under way to one client, counted end to end: what ws holds, what the kernel holds and what the client's own
 * buffers hold. Nobody tells a process how full the kernel's buffers are, so pings carry the count of what was sent before
 * them, and the pong that brings it back says that all of it has been read.
 *
 * One of these for each socket: small integers only (counts are taken modulo 2^30), no timer, no closure.
 */

const MASK = 0x3fff_ffff;

/** With no more than this under way, a client that answers no ping is gone, not slow. */
export const CALM_BYTES = 16 * 1024;

/** What `mark` gives. */
const FORM = /^\d{1,10}$/;

export type Pace = 'calm' | 'busy' | 'stalled';

export class SocketFlow {
  private sent = 0;
  /** Sent before the latest ping. */
  private marked = 0;
  /** Sent before the latest ping that was answered. */
  private taken = 0;
  /** What the last look at it saw. */
  private lastTaken = 0;
  private lastAccepted = 0;
  private since = -1;
  /** Somebody looks at it every second. */
  watched = false;

  /** Counts a frame; true when it is time for a ping. */
  add(bytes: number): boolean {
    this.sent = (this.sent + bytes) & MASK;
    return ((this.sent - this.marked) & MASK) >= CALM_BYTES;
  }

  /** What a ping that leaves now carries. `buffered`: what ws holds, in bytes. */
  mark(buffered: number): string {
    if (this.underWay < buffered) this.taken = (this.sent - buffered) & MASK;
    this.marked = this.sent;
    return String(this.sent);
  }

  /** All that was marked has been answered, but more was sent since. */
  get unmarked(): boolean { return this.taken === this.marked && this.sent !== this.marked; }

  /** A pong came. `buffered`: what ws still holds, which no client can have read, whatever it says. */
  answer(payload: Buffer, buffered: number): void {
    // A client that does not bring the payload back, against the RFC, is believed to mean the latest ping.
    const text = payload.toString('latin1', 0, 11);
    const mark = FORM.test(text) ? Number(text) : this.marked;
    if (((mark - this.taken) & MASK) <= ((this.marked - this.taken) & MASK)) this.taken = mark & MASK;
    if (this.underWay < buffered) this.taken = (this.sent - buffered) & MASK;
  }

  /** Bytes that the client is not known to have read. */
  get underWay(): number { return (this.sent - this.taken) & MASK; }

  /**
   * Once a second, by a steady clock: whether the client has read, or the kernel accepted, anything since, and for how long
   * nothing. `accepted`: bytes that the kernel has accepted in all.
   */
  look(now: number, accepted: number, patience: number): Pace {
    const progress = this.since < 0 || this.taken !== this.lastTaken || accepted > this.lastAccepted;
    this.lastTaken = this.taken;
    this.lastAccepted = accepted;
    if (this.underWay <= CALM_BYTES) { this.since = -1; return 'calm'; }
    if (progress) this.since = Math.floor(now);
    return now - this.since >= patience ? 'stalled' : 'busy';
  }
}
