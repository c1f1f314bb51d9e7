/**
 * Who may open a socket, and when. After a node has died, all of its clients come to the others at once: handshakes are taken
 * in turn, a few at a time, so that open sockets get theirs in between; beyond what may wait they are sent away with a time to
 * come back that is taken from the queue itself, so that they do not all come back at once.
 */
import type { Clock, Timer } from '../clock.js';
import { ConfabError } from '../errors.js';
import { Counter, Gauge, type Metrics } from '../observability/metrics.js';
import type { Random } from '../random.js';

export interface SocketAdmissionOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  /** Sockets that are open now. */
  readonly open: () => number;
  /** Default 20,000. */
  readonly maxSockets?: number;
  /** Handshakes that may wait. Default 2,000. */
  readonly maxWaiting?: number;
  /** Whether memory is short. Default: never. */
  readonly memoryShort?: () => boolean;
}

/** Ends a handshake, accepted or not. Idempotent. */
export type Release = () => void;

/** Handshakes that are worked on at the same time: a millisecond of work. */
const AT_ONCE = 4;
/** While some wait, handshakes are worked on for so long at least, milliseconds, and then rest for three times what that took: open sockets have most of the node. */
const SLICE = 1;
const REST = { times: 3, longest: 10 } as const;
/** When the first in the queue has waited for so long, the node is short of time: the next are sent away. */
const LONGEST_WAIT = 5_000;
const LEAST_RETRY = 500;
const LONGEST_RETRY = 30_000;
/** Handshakes a second: what is assumed at first, and never less than. */
const RATE = { first: 500, least: 20 } as const;
/** A full node has room when sockets close: nobody knows when. */
const FULL_RETRY = 5_000;

export type Refusal = 'full' | 'queue' | 'slow' | 'memory';

interface Waiting { readonly since: number; start(): void }

export class SocketAdmission {
  private readonly maxSockets: number;
  private readonly maxWaiting: number;
  private readonly refusals: Counter<'reason'>;
  private readonly queue: Waiting[] = [];
  private head = 0;
  private running = 0;
  /** When the slice began that handshakes are worked on in; undefined while none wait. */
  private slice: number | undefined;
  private rest: Timer | undefined;
  /** Handshakes done since `measured`. */
  private done = 0;
  private measured = 0;
  private rate: number = RATE.first;
  /** Until when those are spread that were sent away. */
  private horizon = 0;

  constructor(private readonly options: SocketAdmissionOptions) {
    this.maxSockets = options.maxSockets ?? 20_000;
    this.maxWaiting = options.maxWaiting ?? 2_000;
    const registers = [options.metrics];
    this.refusals = new Counter({ name: 'confab_sockets_refused_total', help: 'Sockets that were sent away with 1013, by reason: the node is full, the queue of handshakes is, they wait too long, memory is short.', labelNames: ['reason'], registers });
    const waiting = new Gauge({ name: 'confab_sockets_waiting', help: 'Handshakes of sockets that wait for their turn.', registers, collect: () => { waiting.set(this.waiting); } });
  }

  get waiting(): number { return this.queue.length - this.head; }

  private get hasPlace(): boolean { return this.running < AT_ONCE && this.rest === undefined; }

  /** Resolves when it is this handshake's turn. @throws CONFAB_OVERLOADED at once, with a time to come back */
  enter(): Promise<Release> {
    const reason = this.refusal();
    if (reason !== undefined) {
      this.refusals.inc({ reason });
      return Promise.reject(new ConfabError('CONFAB_OVERLOADED', { retryAfterMs: reason === 'full' ? this.spread(FULL_RETRY) : this.retryAfter() }));
    }
    if (this.hasPlace) {
      this.running += 1;
      return Promise.resolve(this.release());
    }
    return new Promise((resolve) => {
      this.queue.push({ since: this.options.clock.monotonic(), start: () => { resolve(this.release()); } });
    });
  }

  private refusal(): Refusal | undefined {
    if (this.options.open() + this.running + this.waiting >= this.maxSockets) return 'full';
    if (this.options.memoryShort?.() === true) return 'memory';
    if (this.hasPlace) return undefined;
    if (this.waiting >= this.maxWaiting) return 'queue';
    const first = this.queue[this.head];
    return first !== undefined && this.options.clock.monotonic() - first.since > LONGEST_WAIT ? 'slow' : undefined;
  }

  private release(): Release {
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      // Not before the loop has turned: what open sockets have to do comes in between.
      setImmediate(() => { this.next(); });
    };
  }

  private next(): void {
    this.measure();
    this.running -= 1;
    const now = this.options.clock.monotonic();
    if (this.waiting === 0) { this.slice = undefined; return; }
    this.slice ??= now;
    const worked = now - this.slice;
    if (worked >= SLICE) this.rest ??= this.options.clock.after(Math.min(REST.times * worked, REST.longest), () => { this.rest = undefined; this.slice = undefined; this.startMore(); });
    this.startMore();
  }

  private startMore(): void {
    while (this.hasPlace && this.waiting > 0) {
      const next = this.queue[this.head] as Waiting;
      this.head += 1;
      if (this.head === this.queue.length || this.head > 1_024) { this.queue.splice(0, this.head); this.head = 0; }
      this.running += 1;
      next.start();
    }
  }

  /** Handshakes a second, while some wait: an idle node says nothing of what it can do. */
  private measure(): void {
    const now = this.options.clock.monotonic();
    if (this.waiting === 0) { this.measured = now; this.done = 0; return; }
    this.done += 1;
    const millis = now - this.measured;
    if (millis < 500) return;
    this.rate = Math.max(RATE.least, (this.rate + (this.done / millis) * 1_000) / 2);
    this.measured = now;
    this.done = 0;
  }

  /** Behind those that wait, and behind those that were sent away before. */
  private retryAfter(): number {
    const now = this.options.clock.monotonic();
    const queued = (this.waiting / this.rate) * 1_000;
    this.horizon = Math.min(Math.max(now + Math.max(LEAST_RETRY, queued), this.horizon + 1_000 / this.rate), now + LONGEST_RETRY);
    return this.spread(this.horizon - now);
  }

  /** Within a quarter of it. */
  private spread(millis: number): number { return Math.round(millis * (0.75 + this.options.random.float() / 2)); }
}
