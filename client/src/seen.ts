/**
 * What of one conversation has been handed over. Positions alone do not tell: an outcome may come late, after ones with a
 * higher position, so those of the last while are remembered one by one.
 */
import type { Position, Receipt } from './types.js';

const REMEMBERED = 1_000;

export class Seen {
  /** Everything up to here has been handed over, but for what comes late. */
  position: Position | undefined;
  readonly #recent = new Set<Position>();
  /** Where it began: outcomes of messages before are not waited for. */
  #start: Position = '';
  /** Below here nothing is new. */
  #floor: Position = '';
  /** Messages from here that have no outcome yet. */
  readonly #open = new Map<string, Position>();
  #receipts: Record<string, Position> = {};

  has(position: Position): boolean { return position < this.#floor || this.#recent.has(position); }

  add(position: Position): void {
    this.#recent.add(position);
    if (this.#recent.size <= REMEMBERED) return;
    const oldest = this.#recent.values().next().value as Position;
    this.#recent.delete(oldest);
    this.raise(oldest);
  }

  /** Receipts are cumulative: false for one that says no more than those before. */
  confirm({ state, position }: Receipt): boolean {
    if (position <= (this.#receipts[state] ?? '')) return false;
    this.#receipts[state] = position;
    return true;
  }

  /** What lies below is shown otherwise. */
  raise(floor: Position): void { if (floor > this.#floor) this.#floor = floor; }

  /** Moves on to an outcome; true the first time. `reset`: the positions before were of another log. */
  take(position: Position, inReplyTo: string | null | undefined, reset = false): boolean {
    if (inReplyTo) this.#open.delete(inReplyTo);
    if (this.has(position)) return false;
    this.add(position);
    if (reset || position > (this.position ?? '')) this.position = position;
    return true;
  }

  begin(position: Position | undefined): void {
    this.position = position;
    this.#start = position ?? '';
  }

  asked(messageId: string, position: Position): void { if (position >= this.#start) this.#open.set(messageId, position); }

  /** Where to resume: before the oldest message that still waits for its outcome, as that may have come while nobody listened. */
  get resume(): Position | undefined {
    let { position } = this;
    for (const asked of this.#open.values()) if (asked >= this.#floor && !(position && asked >= position)) position = asked;
    return position;
  }

  /** The positions so far are of another log. */
  forget(): void {
    this.#recent.clear();
    this.#open.clear();
    this.#floor = '';
    this.#receipts = {};
  }

  /** For storage: the newest few. */
  get latest(): Position[] { return [...this.#recent].slice(-8); }
}
