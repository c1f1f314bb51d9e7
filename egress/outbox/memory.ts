/**
 * Outbox in the memory of the process: bounded in bytes over all conversations; the one untouched longest goes first, but
 * its newest position stays known for longer, since that alone spares most resumes a look into the log.
 */
import type { Clock } from '../../platform/clock.js';
import type { Outcome } from '../outcomes/outcome.js';
import { assess, isGap, type Outbox, type OutboxEntry, type OutboxLimits, type OutboxRead, type Placed } from './outbox.js';

interface Held {
  entries: OutboxEntry[];
  bytes: number;
  touched: number;
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

/** V8 keeps a text in one byte a character, or in two when any of them needs it. */
const entryBytes = (frame: string): number => ENTRY_BYTES + (Buffer.byteLength(frame) === frame.length ? 1 : 2) * frame.length;

export class MemoryOutbox implements Outbox {
  readonly kind = 'memory';
  private readonly limits: { maxEntries: number; maxAgeMillis: number; maxBytes: number; maxKnown: number };
  private readonly clock: Clock;
  /** Both in the order of the last change. */
  private readonly held = new Map<string, Held>();
  private readonly known = new Map<string, string>();
  /** Conversations of which only dead letters are known since a loss. */
  private readonly doubtful = new Set<string>();
  private bytes = 0;

  constructor(options: MemoryOutboxOptions) {
    this.clock = options.clock;
    this.limits = {
      maxEntries: options.maxEntries ?? 256, maxAgeMillis: options.maxAgeMillis ?? 3_600_000,
      maxBytes: options.maxBytes ?? 32 * 1024 * 1024, maxKnown: options.maxKnown ?? 200_000,
    };
  }

  async append(_partition: number, outcomes: readonly Outcome[]): Promise<readonly Placed[]> {
    const now = this.clock.now();
    const placed = outcomes.map((outcome) => this.place(outcome, now));
    this.evict(now);
    return placed;
  }

  async read(_partition: number, key: string, after: string, limit?: number): Promise<OutboxRead> {
    const entries = this.held.get(key)?.entries ?? [];
    let from = entries.length;
    while (from > 0 && (entries[from - 1] as OutboxEntry).position > after) from -= 1;
    return assess(entries.slice(from, limit === undefined ? undefined : from + limit), this.known.get(key), after, this.doubtful.has(key));
  }

  async close(): Promise<void> { this.flush(); }

  /** For tests: what a flushed server loses. */
  flush(): void {
    this.held.clear();
    this.known.clear();
    this.doubtful.clear();
    this.bytes = 0;
  }

  private place(outcome: Outcome, now: number): Placed {
    const { key, position } = outcome;
    const newest = this.known.get(key);
    if (newest !== undefined && position <= newest) return this.placeBehind(key, position);
    const lonely = outcome.prev === undefined && (newest === undefined || this.doubtful.has(key));
    if (lonely) this.doubtful.add(key); else this.doubtful.delete(key);
    const missed = newest !== undefined && (lonely || isGap(newest, outcome.prev));
    if (missed) this.forget(key);
    const last = missed ? undefined : newest;
    const prev = last ?? outcome.prev;
    const entry: OutboxEntry = { position, prev, origin: last === undefined && outcome.prev !== null, frame: outcome.frame };
    const held = this.held.get(key) ?? this.begin(now);
    held.entries.push(entry);
    this.grow(held, entryBytes(entry.frame));
    if (held.entries.length > this.limits.maxEntries) this.grow(held, -entryBytes(held.entries.shift()?.frame ?? ''));
    held.touched = now;
    this.held.delete(key);
    this.held.set(key, held);
    this.known.delete(key);
    this.known.set(key, position);
    return { prev, late: lonely };
  }

  private placeBehind(key: string, position: string): Placed {
    const held = this.held.get(key);
    const same = held?.entries.find((entry) => entry.position === position);
    if (same) return { prev: same.prev, late: same.prev === undefined };
    if (held) this.drop(key, held);
    return { prev: undefined, late: true };
  }

  private forget(key: string): void {
    const held = this.held.get(key);
    if (held) this.drop(key, held);
  }

  private begin(now: number): Held {
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
    for (const key of this.known.keys()) {
      if (this.known.size <= this.limits.maxKnown) break;
      this.known.delete(key);
      this.doubtful.delete(key);
    }
  }
}
