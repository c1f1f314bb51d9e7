/**
 * Outbox in the memory of the process: bounded in bytes over all conversations; the one untouched longest goes first, but
 * its newest position stays known for longer, since that alone spares most resumes a look into the log.
 */
import type { Clock } from '../../platform/clock.js';
import type { Outcome } from '../outcomes/outcome.js';
import { assess, isGap, type Behind, type Outbox, type OutboxEntry, type OutboxLimits, type OutboxRead, type Placed } from './outbox.js';

interface Held {
  entries: OutboxEntry[];
  bytes: number;
  touched: number;
}

/** Since when a partition is whole. Made anew when that moves; `mark` is of this one only. */
interface Whole {
  readonly partition: number;
  readonly since: string;
  readonly mark: string;
}

interface Newest {
  readonly position: string;
  /** That of the partition as the conversation's first outcome was taken. */
  readonly whole: Whole;
}

export interface MemoryOutboxOptions extends OutboxLimits {
  readonly clock: Clock;
  /** Memory of all entries together, estimated from above. Default 32 MiB. */
  readonly maxBytes?: number;
  /** Conversations whose newest position is known. Default 200,000. */
  readonly maxKnown?: number;
}

/** What an entry costs beside its frame, and a conversation beside its entries, as measured. */
const ENTRY_BYTES = 180;
const CONVERSATION_BYTES = 300;

/** Of conversations that are known, when there are too many: some are forgotten at once, so that what is told of the others moves seldom. */
const KNOWN_LEFT = 0.99;

/** V8 keeps a text in one byte a character, or in two when any of them needs it. */
const entryBytes = (frame: string): number => ENTRY_BYTES + (Buffer.byteLength(frame) === frame.length ? 1 : 2) * frame.length;

export class MemoryOutbox implements Outbox {
  readonly kind = 'memory';
  private readonly limits: { maxEntries: number; maxAgeMillis: number; maxBytes: number; maxKnown: number };
  private readonly clock: Clock;
  /** Both in the order of the last change. */
  private readonly held = new Map<string, Held>();
  private readonly known = new Map<string, Newest>();
  private readonly wholes = new Map<number, Whole>();
  private marks = 0;
  private flushes = 0;
  private bytes = 0;

  constructor(options: MemoryOutboxOptions) {
    this.clock = options.clock;
    this.limits = {
      maxEntries: options.maxEntries ?? 256, maxAgeMillis: options.maxAgeMillis ?? 3_600_000,
      maxBytes: options.maxBytes ?? 32 * 1024 * 1024, maxKnown: options.maxKnown ?? 200_000,
    };
  }

  async append(partition: number, outcomes: readonly Outcome[], behind: Behind): Promise<readonly Placed[]> {
    let whole = this.wholes.get(partition);
    while (whole === undefined) whole = await this.begin(partition, behind);
    const now = this.clock.now();
    const placed: Placed[] = [];
    for (const outcome of outcomes) placed.push(this.place(outcome, whole, now));
    this.evict(now);
    return placed;
  }

  async read(partition: number, key: string, after: string, limit?: number): Promise<OutboxRead> {
    const entries = this.held.get(key)?.entries ?? [];
    let from = entries.length;
    while (from > 0 && (entries[from - 1] as OutboxEntry).position > after) from -= 1;
    const newest = this.known.get(key);
    const whole = newest?.whole ?? this.wholes.get(partition);
    return assess(entries.slice(from, limit === undefined ? undefined : from + limit), { last: newest?.position, since: whole?.since, mark: whole?.mark }, after);
  }

  async close(): Promise<void> { this.flush(); }

  /** For tests: what a flushed server loses. */
  flush(): void {
    this.held.clear();
    this.known.clear();
    this.wholes.clear();
    this.flushes += 1;
    this.bytes = 0;
  }

  /** undefined: again. */
  private async begin(partition: number, behind: Behind): Promise<Whole | undefined> {
    const { flushes } = this;
    const since = await behind();
    // What another appender put there meanwhile may be lost again, and stand beyond the answer.
    if (flushes !== this.flushes) return undefined;
    return this.wholes.get(partition) ?? this.setWhole(partition, since);
  }

  private setWhole(partition: number, since: string): Whole {
    this.marks += 1;
    const whole = { partition, since, mark: String(this.marks) };
    this.wholes.set(partition, whole);
    return whole;
  }

  private place(outcome: Outcome, current: Whole, now: number): Placed {
    const { key, position, frame } = outcome;
    const newest = this.known.get(key);
    if (newest !== undefined && position <= newest.position) return this.placeBehind(key, position, newest.whole);
    const last = newest === undefined || isGap(newest.position, outcome.prev) ? undefined : newest;
    if (last === undefined) this.forget(key);
    const whole = last?.whole ?? current;
    const late = outcome.prev === undefined && position <= whole.since;
    const prev = late ? undefined : last?.position ?? outcome.prev;
    this.keep(key, { position, prev, origin: last === undefined, frame }, now);
    this.known.delete(key);
    this.known.set(key, { position, whole });
    return { prev, late };
  }

  private keep(key: string, entry: OutboxEntry, now: number): void {
    const held = this.held.get(key) ?? this.hold(now);
    held.entries.push(entry);
    this.grow(held, entryBytes(entry.frame));
    if (held.entries.length > this.limits.maxEntries) this.grow(held, -entryBytes(held.entries.shift()?.frame ?? ''));
    held.touched = now;
    this.held.delete(key);
    this.held.set(key, held);
  }

  private placeBehind(key: string, position: string, { since }: Whole): Placed {
    const same = this.held.get(key)?.entries.find((entry) => entry.position === position);
    if (same) return { prev: same.prev, late: same.prev === undefined && position <= since };
    this.forget(key);
    return { prev: undefined, late: true };
  }

  private forget(key: string): void {
    const held = this.held.get(key);
    if (held) this.drop(key, held);
  }

  private hold(now: number): Held {
    const held = { entries: [], bytes: 0, touched: now };
    this.grow(held, CONVERSATION_BYTES);
    return held;
  }

  private grow(held: Held, bytes: number): void {
    held.bytes += bytes;
    this.bytes += bytes;
  }

  private drop(key: string, held: Held): void {
    this.held.delete(key);
    this.bytes -= held.bytes;
  }

  private evict(now: number): void {
    for (const [key, held] of this.held) {
      if (this.bytes <= this.limits.maxBytes && now - held.touched <= this.limits.maxAgeMillis) break;
      this.drop(key, held);
    }
    if (this.known.size > this.limits.maxKnown) this.evictKnown(Math.floor(this.limits.maxKnown * KNOWN_LEFT));
  }

  /** A conversation that is forgotten looks new when it goes on: its partition is whole only since it. */
  private evictKnown(left: number): void {
    const moved = new Map<number, string>();
    for (const [key, { position, whole: { partition } }] of this.known) {
      if (this.known.size <= left) break;
      this.known.delete(key);
      this.forget(key);
      if (position > (moved.get(partition) ?? '')) moved.set(partition, position);
    }
    for (const [partition, position] of moved) {
      const since = this.wholes.get(partition)?.since ?? '';
      this.setWhole(partition, position > since ? position : since);
    }
  }
}
