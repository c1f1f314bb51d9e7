/** What is finished and not yet in a commit group, in the order in which it was finished. */
import type { Finished } from './work.js';

/** Finished inputs beyond which no more are processed until a commit has taken some: a group's worth is always in hand. */
const ENOUGH = 8000;

export class FinishedQueue {
  private items: Finished[] = [];
  private head = 0;
  private room: (() => void) | undefined;

  get size(): number { return this.items.length - this.head; }

  get isFull(): boolean { return this.size >= ENOUGH; }

  push(each: Finished): void { this.items.push(each); }

  /** At most `limit` records of outputs and states. */
  take(limit: number): Finished[] {
    const start = this.head;
    let end = start;
    let count = 0;
    while (end < this.items.length && count < limit) {
      const each = this.items[end] as Finished;
      count += Math.max(1, each.records.length + (each.state === undefined ? 0 : 1));
      end += 1;
    }
    const taken = this.items.slice(start, end);
    this.head = end;
    // Under a backlog it is never empty: what was taken must not gather in front of it.
    if (this.head * 2 >= this.items.length) { this.items.splice(0, this.head); this.head = 0; }
    this.ring();
    return taken;
  }

  filter(stays: (each: Finished) => boolean): void {
    this.items = this.items.slice(this.head).filter(stays);
    this.head = 0;
    this.ring();
  }

  clear(): void { this.filter(() => false); }

  /** Settles when it is no longer full. */
  async hasRoom(): Promise<void> {
    while (this.isFull) await new Promise<void>((resolve) => { this.room = resolve; });
  }

  private ring(): void {
    this.room?.();
    this.room = undefined;
  }
}
