/**
 * The audit: what was promised against what stands in the log. Every message of `messages.v1` must have exactly one
 * outcome (a BotReply, or an open dead letter of a stage up to the reply), and the outcomes of a conversation must stand in
 * the order of its messages. It reads beside running processes, joins no group and holds no more than one partition's marks.
 *
 * A dead letter is the outcome of its message for good. Its retry is a message of its own (`retryOf`) with an outcome of its
 * own; the records that close a letter (`retried`, `discarded`) are no outcomes.
 */
import type { Clock } from '../platform/clock.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import { epochOf } from '../platform/position.js';
import type { Codec } from '../schemas/codec.js';
import { topicName } from '../topology/topology.js';
import { auditPartition } from './audit-partition.js';

/**
 * - `lost`: no outcome, and every stage has passed it (or a letter was closed as retried and nothing is its retry).
 * - `stuck`: no outcome for longer than the bound, and a stage has not passed it yet.
 * - `doubled`: more than one outcome, or the same message accepted twice.
 * - `reordered`: an outcome that stands after one of a later message of its conversation.
 * - `unasked`: an outcome of a message that is not in the log, though its place is.
 * - `unreadable`: bytes that are not a record of their topic.
 */
export const FINDING_KINDS = ['lost', 'doubled', 'reordered', 'stuck', 'unasked', 'unreadable'] as const;
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
  readonly detail: string;
}

export type FindingCounts = Readonly<Record<FindingKind, number>>;

export interface AuditReport extends FindingCounts {
  /** Messages in the log. */
  readonly accepted: number;
  /** Those that have an outcome. */
  readonly answered: number;
  /** Of these: the outcome is a dead letter. */
  readonly deadLettered: number;
  /** Messages that are retries of dead letters. */
  readonly retries: number;
  /** Without an outcome, but younger than the bound: nothing is wrong with them yet. */
  readonly pending: number;
  /** The first ones of each kind, by partition and offset. */
  readonly findings: readonly Finding[];
}

export interface AuditOptions {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly prefix: string;
  /** Only messages accepted at or after this time, milliseconds. Default: all that are kept. */
  readonly since?: number;
  /** A message may be without an outcome for so long. Default 60 s. */
  readonly patience?: number;
  /** Findings of each kind that are kept; all are counted. Default 100. */
  readonly mostFindings?: number;
  readonly signal?: AbortSignal;
  readonly onPartition?: (done: number, of: number) => void;
}

const PATIENCE = 60_000;
const MOST_FINDINGS = 100;

/**
 * Reads the log once, partition by partition.
 * @throws CONFAB_TOPIC_UNKNOWN, CONFAB_LOG_UNAVAILABLE; the signal's reason when it aborts
 */
export async function audit(options: AuditOptions): Promise<AuditReport> {
  const { log, clock, prefix, mostFindings = MOST_FINDINGS } = options;
  const messages = await log.topic(topicName(prefix, 'messages.v1'));
  const total = { accepted: 0, answered: 0, deadLettered: 0, retries: 0, pending: 0, lost: 0, doubled: 0, reordered: 0, stuck: 0, unasked: 0, unreadable: 0 };
  const findings: Finding[] = [];
  const kept = new Map<FindingKind, number>();
  const now = clock.now();
  for (let partition = 0; partition < messages.partitions; partition += 1) {
    const part = await auditPartition({
      ...options, partition, epoch: epochOf(messages.id), overdue: now - (options.patience ?? PATIENCE),
      report: (finding) => {
        total[finding.kind] += 1;
        const count = kept.get(finding.kind) ?? 0;
        kept.set(finding.kind, count + 1);
        if (count < mostFindings) findings.push(finding);
      },
    });
    for (const name of ['accepted', 'answered', 'deadLettered', 'retries', 'pending'] as const) total[name] += part[name];
    options.onPartition?.(partition + 1, messages.partitions);
  }
  return { ...total, findings };
}

/** Nothing is wrong, and nothing is open. */
export function isSound(report: AuditReport): boolean {
  return FINDING_KINDS.every((kind) => report[kind] === 0);
}
