import type { ConfabError } from '../../platform/errors.js';
import type { NewRecord } from '../../platform/event-log/event-log.js';
import type { Accepted, Submission } from './submission.js';

/** A submission inside acceptance. */
export class Pending {
  readonly submission: Submission;
  readonly partition: number;
  record: NewRecord;
  /** What it counts for in the bound of bytes; 0 once it was given back. */
  bytes: number;
  /** Monotonic time at which the caller began to wait. */
  since: number;
  /** It was handed to the log: from here on a failure may leave it written. */
  sent = false;
  /** The caller has its answer. */
  settled = false;
  /** With a claim: the end of the partition that it names. */
  claimLogEnd = 0;
  /** Others of this process with the same key, which wait for this one. */
  followers: Pending[] | undefined;

  constructor(submission: Submission, partition: number, record: NewRecord, bytes: number, since: number) {
    this.submission = submission;
    this.partition = partition;
    this.record = record;
    this.bytes = bytes;
    this.since = since;
  }

  get keyHash(): string | null { return this.submission.message.idempotencyKeyHash; }
  get bodyHash(): string { return this.submission.message.bodyHash ?? ''; }
  get messageId(): string { return this.submission.message.messageId; }

  accept(accepted: Accepted): void {
    if (this.settled) return;
    this.settled = true;
    this.submission.done(undefined, accepted);
  }

  release(): void { this.bytes = 0; }

  refuse(error: ConfabError): void {
    if (this.settled) return;
    this.settled = true;
    this.submission.done(error, undefined);
  }
}

/** Writes batches to the log, by the means that the log has. */
export interface BatchWriter {
  /**
   * Answers every entry, now or later: one that waits for somebody else's write may be answered after the promise has
   * resolved, through `finished`. Never rejects. Entries that are settled meanwhile and not sent are left out.
   */
  write(batch: readonly Pending[], finished: (pending: Pending) => void): Promise<void>;
  close(): Promise<void>;
}
