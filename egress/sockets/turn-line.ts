/**
 * The subscriptions of one socket that fetch what they have missed: a few at a time, in the order in which they came, and none
 * while the network is full. One that has more to fetch goes to the end, so all get their share of a slow network. An idle
 * socket has three numbers of it.
 */

/** Subscriptions of one socket that look into the outbox at the same time. */
const AT_ONCE = 4;

export class TurnLine {
  /** The network has not taken what it was given. */
  full = false;
  private working = 0;
  private waiting: (() => void)[] | undefined;
  private sleeping: (() => void)[] | undefined;
  private closed = false;

  constructor(private readonly metrics: { behind(change: number): void }) {}

  /** The work begins when there is room and a place; after a close at once. */
  async turn<T>(work: () => Promise<T>): Promise<T> {
    if (this.closed || (!this.full && this.working < AT_ONCE)) this.working += 1;
    else await new Promise<void>((resolve) => { (this.waiting ??= []).push(resolve); });
    try {
      return await work();
    } finally {
      this.working -= 1;
      this.admit();
    }
  }

  room(): Promise<void> | undefined {
    if (!this.full || this.closed) return undefined;
    return new Promise((resolve) => { (this.sleeping ??= []).push(resolve); });
  }

  fall(): void {
    if (this.full) return;
    this.full = true;
    this.metrics.behind(1);
  }

  rise(): void {
    if (!this.full) return;
    this.full = false;
    this.metrics.behind(-1);
    // Those who hold something already come first.
    const sleeping = this.sleeping ?? [];
    this.sleeping = undefined;
    for (const wake of sleeping) wake();
    this.admit();
  }

  /** Nobody waits any more: the work finds that the socket is gone. */
  close(): void {
    this.closed = true;
    this.rise();
    this.admit();
  }

  private admit(): void {
    while (this.waiting !== undefined && (this.closed || (!this.full && this.working < AT_ONCE))) {
      const next = this.waiting.shift();
      if (this.waiting.length === 0) this.waiting = undefined;
      if (next === undefined) return;
      this.working += 1;
      next();
    }
  }
}
