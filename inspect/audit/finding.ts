/** What an audit can find, and where. */

/**
 * - `lost`: an accepted message without an outcome although every stage has passed it; or a letter that was closed as
 *   retried, and no message is its retry.
 * - `doubled`: more than one outcome, the same message accepted twice, a record of a stage twice, a letter closed twice.
 * - `reordered`: a record that stands after one of a later message of its conversation.
 * - `stuck`: no outcome for longer than the patience, and a stage has not passed the message yet: it is behind.
 * - `unasked`: a record without what must have caused it: an outcome without its message, a reply of a message that was
 *   never understood, a state or a delivery without its reply, a retry without its closed letter.
 * - `unreadable`: bytes that are no record of their topic, or a place that is none.
 * - `misplaced`: a record in a partition that its key does not belong to, or under the key of another conversation than
 *   its message, or with the id of another message.
 * - `mistimed`: a record whose timestamp is not the acceptance time of its message.
 * - `unchained`: a reply whose `prev` does not name the conversation's reply before it.
 * - `diverged`: a dialogue state that does not agree with the replies: an input that it skips, or reflects twice.
 * - `miscounted`: analytics that count more replies than there are, or fewer although all were passed.
 */
export const FINDING_KINDS = ['lost', 'doubled', 'reordered', 'stuck', 'unasked', 'unreadable', 'misplaced', 'mistimed', 'unchained', 'diverged', 'miscounted'] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

export interface Finding {
  readonly kind: FindingKind;
  /** Where the record stands that the finding is about. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** `<tenant>/<conversationId>`, where it could be had. */
  readonly key: string | null;
  /** Position of the message that it is about, where there is one. */
  readonly position: string | null;
  /** Of that message, where it could be had. */
  readonly messageId: string | null;
  readonly detail: string;
}

export type FindingCounts = Readonly<Record<FindingKind, number>>;

/** What was read and how it ended; the same for a partition and for all of them. */
export interface AuditCounts {
  /** Messages in the log. */
  accepted: number;
  /** Those that have an outcome. */
  answered: number;
  /** Of these: an outcome is a dead letter. */
  deadLettered: number;
  /** Messages that are retries of dead letters. */
  retries: number;
  /** Without an outcome, but younger than the bound: nothing is wrong with them yet. */
  pending: number;
  /** Messages without an outcome whose outcome may have been removed by retention: nothing can be said of them. */
  expired: number;
  /** Records whose message cannot be judged any more: removed by retention, or of another life of the topic. */
  unjudged: number;
  /** Records of all topics that were read. */
  records: number;
  bytes: number;
}

export const COUNTS: readonly (keyof AuditCounts)[] = ['accepted', 'answered', 'deadLettered', 'retries', 'pending', 'expired', 'unjudged', 'records', 'bytes'];

export function noCounts(): AuditCounts {
  return { accepted: 0, answered: 0, deadLettered: 0, retries: 0, pending: 0, expired: 0, unjudged: 0, records: 0, bytes: 0 };
}

/** Keeps the first findings of each kind and topic in the order of their topic, and counts all. */
export class Findings {
  readonly counts = Object.fromEntries(FINDING_KINDS.map((kind) => [kind, 0])) as Record<FindingKind, number>;
  private readonly kept = new Map<string, Finding[]>();

  constructor(private readonly most: number, private readonly onFinding?: (finding: Finding) => void) {}

  /** Whether one more of this kind and topic would be kept: else it need not be put into words. */
  wants(kind: FindingKind, topic: string): boolean {
    return this.onFinding !== undefined || (this.kept.get(`${kind} ${topic}`)?.length ?? 0) < this.most;
  }

  add(finding: Finding): void {
    this.counts[finding.kind] += 1;
    this.onFinding?.(finding);
    const name = `${finding.kind} ${finding.topic}`;
    const list = this.kept.get(name);
    if (list === undefined) this.kept.set(name, [finding]);
    else if (list.length < this.most) list.push(finding);
  }

  /** Counted without words, because enough of its kind are kept. */
  count(kind: FindingKind): void { this.counts[kind] += 1; }

  /** A message that was reported has got its outcome. */
  withdraw(kind: FindingKind): void { this.counts[kind] -= 1; }

  /** Forgets all: it is looked for anew. */
  clear(): void {
    this.kept.clear();
    for (const kind of FINDING_KINDS) this.counts[kind] = 0;
  }

  /** Adds what others have found. */
  take(other: Findings): void {
    for (const kind of FINDING_KINDS) this.counts[kind] += other.counts[kind];
    for (const [name, list] of other.kept) this.kept.set(name, [...this.kept.get(name) ?? [], ...list]);
  }

  list(): Finding[] { return [...this.kept.values()].flat(); }
}

/** By partition and the place of the message, then by topic and offset. */
export function byPlace(a: Finding, b: Finding): number {
  return a.partition - b.partition || compare(a.position ?? LAST, b.position ?? LAST) || compare(a.topic, b.topic) || a.offset - b.offset || compare(a.kind, b.kind);
}

/** After every position. */
const LAST = '~';
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
