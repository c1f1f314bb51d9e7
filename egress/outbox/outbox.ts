/**
 * Port: the newest outcomes of each conversation, from which sockets resume. A view of replies.v1 and dead-letters.v1:
 * it may lose anything at any time, and says so (`complete: false`): then the log is read.
 * A partition is whole since a position: every outcome beyond it that was ever appended is known, or what became of it is.
 * After a loss that position is asked of who appends, since nothing that is left can tell what was lost. A conversation keeps
 * the one of the time when its first outcome was taken.
 * Adapters: memory.ts (one process), redis.ts (any number of nodes). Contract suite: outbox.contract.ts.
 */
import type { Outcome } from '../outcomes/outcome.js';

export interface OutboxEntry {
  readonly position: string;
  /** What came before it in the conversation; null: nothing; undefined: not known (a dead letter after a loss). */
  readonly prev: string | null | undefined;
  /**
   * True when the outbox knew nothing of the conversation as it took the entry: `prev` is then the record's word, which does
   * not count dead letters. The outbox would know of those that came since the position since which it is whole.
   */
  readonly origin: boolean;
  readonly frame: string;
}

/** What became of an entry that was appended; in the order of the entries. */
export interface Placed {
  /** As in OutboxEntry: for the socket's check that it missed nothing. */
  readonly prev: string | null | undefined;
  /** It came, or may have come, after a later one of the same conversation: sockets that are beyond it get it all the same. */
  readonly late: boolean;
}

export interface OutboxRead {
  /** Entries after the position that was asked for, in order. */
  readonly entries: readonly OutboxEntry[];
  /** True when there is certainly no other outcome after the position than `entries` (and, with `more`, those after them). */
  readonly complete: boolean;
  /** There are more than were asked for: read again after the last one. */
  readonly more: boolean;
  /** Position of the newest outcome that is known of; undefined: the outbox knows nothing of this conversation. */
  readonly last: string | undefined;
  /** See isAllSince; undefined: nothing can be said. */
  readonly mark: string | undefined;
}

/**
 * Gives a position that all outcomes of the partition stand before which were appended before it was asked for (where
 * messages.v1 ends). Asked when the outbox has lost what it knew, and now and then: it may cost a question to the log.
 */
export type Behind = () => Promise<string>;

export interface Outbox {
  readonly kind: 'memory' | 'redis';
  /**
   * Adds outcomes of conversations of one partition, each conversation's in order; with none the partition only begins to be
   * whole, if it is not. Repeats (after a redelivery) change nothing. One that stands before the newest but is not there came
   * late: the conversation's entries are dropped, so that whoever resumes reads the log. A dead letter from before the position
   * since which the conversation is whole may be late: replies that followed it may have been lost.
   * @throws CONFAB_STATE_UNAVAILABLE, or what `behind` throws: some may have been added: append all again
   */
  append(partition: number, outcomes: readonly Outcome[], behind: Behind): Promise<readonly Placed[]>;
  /** Entries after `after` ('' for all that are kept: never complete, see isAllSince), the first `limit` of them. @throws CONFAB_STATE_UNAVAILABLE */
  read(partition: number, key: string, after: string, limit?: number): Promise<OutboxRead>;
  close(): Promise<void>;
}

export interface OutboxLimits {
  /** Entries kept a conversation. Default 256. */
  readonly maxEntries?: number;
  /** How long entries are kept after the conversation's last one. Default 1 h. */
  readonly maxAgeMillis?: number;
}

/** What an outbox knows of a conversation beside its entries. */
export interface Known {
  /** Newest outcome; undefined: nothing is known of it. */
  readonly last: string | undefined;
  /** What was appended beyond this position is known; undefined: nothing is certain. */
  readonly since: string | undefined;
  readonly mark: string | undefined;
}

/**
 * True when the outbox has missed what came before an outcome: the record names an earlier reply that is newer than all that
 * the outbox knows. So it was flushed, and then got an older outcome once more: what it holds no longer follows on.
 */
export function isGap(newest: string, prev: string | null | undefined): boolean {
  return prev !== null && prev !== undefined && prev > newest;
}

/** The rule by which an answer is complete. */
export function assess(entries: readonly OutboxEntry[], known: Known, after: string): OutboxRead {
  const { last, since, mark } = known;
  const newest = entries[entries.length - 1]?.position;
  // What was lost stands before `since`: of that neither the entries nor the chain of the records tell.
  const complete = since !== undefined && since <= after && reaches(entries[0], last, after);
  return { entries, last, complete, more: newest !== undefined && last !== undefined && newest < last, mark };
}

function reaches(first: OutboxEntry | undefined, last: string | undefined, after: string): boolean {
  // Who has seen an outcome (not only a message: index 00) that is newer than the newest here knows of a loss.
  if (first === undefined) return last !== undefined && (last === after || (last < after && after.endsWith('-00')));
  return (first.prev ?? '') <= after;
}

/**
 * True when a read of all entries has everything that came since an earlier read of the same conversation, which knew nothing
 * of it and gave this mark: nothing was forgotten in between, nor trimmed.
 */
export function isAllSince({ entries: [first], last, mark }: OutboxRead, earlier: string | undefined): boolean {
  return earlier !== undefined && mark === earlier && (first === undefined ? last === undefined : first.origin);
}
