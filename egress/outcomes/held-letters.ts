/**
 * Dead letters of one partition that wait for what belongs before them. A reply that comes behind a letter all the same takes
 * it with it once more: an outbox that was flushed in between would not know that the letter follows.
 */
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
  private kept: (Pick<Held, 'outcome' | 'offset'> & { readonly until: number })[] = [];

  /** True when `merge` changes nothing. */
  get empty(): boolean { return this.byKey.size === 0 && this.kept.length === 0; }

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
    if (this.kept.length > 0) this.overtaken(replies, now);
    for (const reply of replies) {
      if (this.byKey.has(reply.key)) this.take(reply.key, merged, ({ outcome }) => outcome.position < reply.position);
      merged.push(reply);
    }
    for (const key of [...this.byKey.keys()]) this.take(key, merged, ({ due }) => due <= now);
    return merged;
  }

  /** What `merge` gave out has been announced. */
  published(now: number): void {
    for (const { outcome, offset } of this.taken) this.kept.push({ outcome, offset, until: now + KEEP_MILLIS });
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

  /** Letters that were announced before a reply which stands before them wait once more, for that reply. */
  private overtaken(replies: readonly Outcome[], now: number): void {
    const first = new Map<string, string>();
    for (const { key, position } of replies) if (!first.has(key)) first.set(key, position);
    const behind = this.kept.filter(({ outcome }) => outcome.position > (first.get(outcome.key) ?? outcome.position));
    for (const { outcome, offset } of behind) this.add(outcome, offset, now);
    this.kept = this.kept.filter((letter) => !behind.includes(letter));
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
