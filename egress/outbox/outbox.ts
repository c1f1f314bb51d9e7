/**
 * Port: the newest outcomes of each conversation, from which sockets resume. A view of replies.v1 and dead-letters.v1:
 * it may lose anything at any time, and says so (`complete: false`): then the log is read.
 * Adapters: memory.ts (one process), redis.ts (any number of nodes). Contract suite: outbox.contract.ts.
 */
import { positionAt, type Outcome } from '../outcomes/outcome.js';

export interface OutboxEntry {
  readonly position: string;
  /** What came before it in the conversation; null: nothing; undefined: not known (a dead letter after a loss). */
  readonly prev: string | null | undefined;
  /**
   * True when the outbox knew nothing of the conversation as it took the entry: `prev` is then the record's word, which does
   * not count dead letters. Who has seen the message itself misses nothing; for others the log decides.
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
}

export interface Outbox {
  readonly kind: 'memory' | 'redis';
  /**
   * Adds outcomes of conversations of one partition, each conversation's in order. Repeats (after a redelivery) change
   * nothing. One that stands before the newest but is not there came late: the conversation's entries are dropped, so that
   * whoever resumes reads the log. A dead letter of a conversation of which nothing is known may have been read again after a
   * loss, without the replies that follow it: until a reply follows, nothing is complete and the log decides. @throws CONFAB_STATE_UNAVAILABLE some may have been added: append all again
   */
  append(partition: number, outcomes: readonly Outcome[]): Promise<readonly Placed[]>;
  /** Entries after `after` ('' for all that are kept), the first `limit` of them. @throws CONFAB_STATE_UNAVAILABLE */
  read(partition: number, key: string, after: string, limit?: number): Promise<OutboxRead>;
  close(): Promise<void>;
}

export interface OutboxLimits {
  /** Entries kept a conversation. Default 256. */
  readonly maxEntries?: number;
  /** How long entries are kept after the conversation's last one. Default 1 h. */
  readonly maxAgeMillis?: number;
}

/**
 * True when the outbox has missed what came before an outcome: the record names an earlier reply that is newer than all that
 * the outbox knows. So it was flushed, and then got an older outcome once more: what it holds no longer follows on.
 */
export function isGap(newest: string, prev: string | null | undefined): boolean {
  return prev !== null && prev !== undefined && prev > newest;
}

/** The rule by which an answer is complete. `doubtful`: of all that came since a loss, dead letters only are known. */
export function assess(entries: readonly OutboxEntry[], last: string | undefined, after: string, doubtful: boolean): OutboxRead {
  const newest = entries[entries.length - 1]?.position;
  return { entries, last, complete: !doubtful && reaches(entries, last, after), more: newest !== undefined && last !== undefined && newest < last };
}

function reaches(entries: readonly OutboxEntry[], last: string | undefined, after: string): boolean {
  const first = entries[0];
  // Who has seen an outcome (not only a message: index 00) that is newer than the newest here knows of a loss.
  if (first === undefined) return last !== undefined && (last === after || (last < after && after.endsWith('-00')));
  if (first.prev === null) return true;
  // Index 00 is the message itself: between it and its outcome (01) there is nothing.
  if (first.position.endsWith('-01') && after >= positionAt(first.position, 0)) return true;
  return !first.origin && first.prev !== undefined && first.prev <= after;
}
