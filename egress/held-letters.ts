/** Dead letters of one partition that wait for what belongs before them. */
import type { Outcome } from './outcome.js';

/**
 * A letter is read again as long as replies of before it may be: an outbox that was flushed and then got these alone would
 * not know that one is missing between them.
 */
const KEEP_MILLIS = 30_000;

interface Held { readonly outcome: Outcome; readonly offset: number; readonly due: number }

export class HeldLetters {
  private readonly byKey = new Map<string, Held[]>();
  /** Given out by `merge`, not yet announced. */
  private taken: Held[] = [];
  /** Announced of late: in the order of time. */
  private kept: { readonly offset: number; readonly until: number }[] = [];

  /** Conversations with letters that wait. */
  get size(): number { return this.byKey.size; }

  add(outcome: Outcome, offset: number, due: number): void {
    const held = this.byKey.get(outcome.key);
    if (held) held.push({ outcome, offset, due }); else this.byKey.set(outcome.key, [{ outcome, offset, due }]);
  }

  /** True when a letter has waited long enough. */
  due(now: number): boolean {
    for (const held of this.byKey.values()) if (held.some(({ due }) => due <= now)) return true;
    return false;
  }

  /** The replies with each letter before the next later reply of its conversation; those that are due come at the end. */
  merge(replies: readonly Outcome[], now: number): Outcome[] {
    const merged: Outcome[] = [];
    for (const reply of replies) {
      if (this.byKey.has(reply.key)) this.take(reply.key, merged, ({ outcome }) => outcome.position < reply.position);
      merged.push(reply);
    }
    for (const key of [...this.byKey.keys()]) this.take(key, merged, ({ due }) => due <= now);
    return merged;
  }

  /** What `merge` gave out has been announced. */
  published(now: number): void {
    for (const { offset } of this.taken) this.kept.push({ offset, until: now + KEEP_MILLIS });
    this.taken = [];
  }

  /** Lowest offset of a letter that has not been announced, or only of late; Infinity when there is none. */
  lowest(now: number): number {
    const gone = this.kept.findIndex(({ until }) => until > now);
    this.kept = gone < 0 ? [] : this.kept.slice(gone);
    let lowest = Infinity;
    for (const { offset } of this.kept) lowest = Math.min(lowest, offset);
    for (const held of this.byKey.values()) for (const { offset } of held) lowest = Math.min(lowest, offset);
    for (const { offset } of this.taken) lowest = Math.min(lowest, offset);
    return lowest;
  }

  private take(key: string, into: Outcome[], wanted: (held: Held) => boolean): void {
    const held = this.byKey.get(key) ?? [];
    const out = held.filter(wanted);
    if (out.length === 0) return;
    const rest = held.filter((entry) => !out.includes(entry));
    if (rest.length === 0) this.byKey.delete(key); else this.byKey.set(key, rest);
    this.taken.push(...out);
    out.sort((a, b) => (a.outcome.position < b.outcome.position ? -1 : 1));
    into.push(...out.map(({ outcome }) => outcome));
  }
}
