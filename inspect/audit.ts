/**
 * The audit: what was promised against what stands in the log. Every message of `messages.v1` must have exactly one outcome
 * (a BotReply, or an open dead letter of a stage up to the reply), and whatever a message has caused must stand in the order
 * of the messages of its conversation. It reads beside running processes, joins no group, changes nothing, and holds no more
 * than bounds in memory, whatever the log has. What is judged and what cannot be: docs/audit.md.
 *
 * A dead letter is the outcome of its message for good. Its retry is a message of its own (`retryOf`) with an outcome of its
 * own; the records that close a letter (`retried`, `discarded`) are no outcomes.
 */
import type { Clock } from '../platform/clock.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import { epochOf } from '../platform/position.js';
import type { Codec } from '../schemas/codec.js';
import { topicName } from '../topology/topology.js';
import { byPlace, COUNTS, FINDING_KINDS, noCounts, type AuditCounts, type Finding, type FindingCounts, type FindingKind } from './audit/finding.js';
import { PartitionAudit, type AuditLimits, type PartitionResult } from './audit/partition.js';
import { readSpans } from './audit/spans.js';

export { FINDING_KINDS, type Finding, type FindingCounts, type FindingKind } from './audit/finding.js';
export type { AuditLimits, LateAnswer } from './audit/partition.js';

export interface AuditReport extends FindingCounts, Readonly<AuditCounts> {
  readonly partitions: number;
  /** Wall time, milliseconds. */
  readonly millis: number;
  /** The first ones of each kind, by partition and the place of the message. */
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
  /** Partitions that are read at the same time. Default 2. */
  readonly atOnce?: number;
  readonly limits?: AuditLimits;
}

export const PATIENCE = 60_000;
const MOST_FINDINGS = 100;
const AT_ONCE = 2;

/**
 * Reads the log as it stands, partition by partition.
 * @throws CONFAB_TOPIC_UNKNOWN, CONFAB_LOG_UNAVAILABLE; the signal's reason when it aborts
 */
export async function audit(options: AuditOptions): Promise<AuditReport> {
  const { log, clock, prefix, mostFindings = MOST_FINDINGS } = options;
  const begun = clock.monotonic();
  const messages = await log.topic(topicName(prefix, 'messages.v1'));
  const now = clock.now();
  const spans = await readSpans(log, prefix, messages.partitions);
  const done: PartitionResult[] = [];
  let next = 0;
  let ready = 0;
  const work = async (): Promise<void> => {
    while (next < spans.length) {
      const partition = next;
      next += 1;
      options.signal?.throwIfAborted();
      const span = spans[partition];
      if (span === undefined) continue;
      const part = await PartitionAudit.begin({
        ...options, partition, partitions: span.spread, epoch: epochOf(messages.id), patience: options.patience ?? PATIENCE, most: mostFindings,
      }, span);
      try {
        await part.advance(span, now);
        await part.finish();
      } finally { await part.close(); }
      done[partition] = part.result;
      ready += 1;
      options.onPartition?.(ready, spans.length);
    }
  };
  const workers = await Promise.allSettled(Array.from({ length: Math.min(options.atOnce ?? AT_ONCE, spans.length) }, work));
  for (const worker of workers) if (worker.status === 'rejected') { next = spans.length; throw worker.reason as Error; }
  return reportOf(done, mostFindings, clock.monotonic() - begun);
}

/** Counts and findings of all partitions together. */
export function reportOf(parts: readonly PartitionResult[], mostFindings: number, millis: number): AuditReport {
  const counts = noCounts();
  const kinds = Object.fromEntries(FINDING_KINDS.map((kind) => [kind, 0])) as Record<FindingKind, number>;
  const findings: Finding[] = [];
  for (const part of parts) {
    for (const name of COUNTS) counts[name] += part.counts[name];
    for (const found of part.found) {
      for (const kind of FINDING_KINDS) kinds[kind] += found.counts[kind];
      findings.push(...found.list());
    }
  }
  const kept = new Map<FindingKind, number>();
  const first = findings.sort(byPlace).filter(({ kind }) => {
    const count = kept.get(kind) ?? 0;
    kept.set(kind, count + 1);
    return count < mostFindings;
  });
  return { ...counts, ...kinds, partitions: parts.length, millis: Math.round(millis), findings: first };
}

/** Nothing is wrong with what could be judged. */
export function isSound(report: FindingCounts): boolean {
  return FINDING_KINDS.every((kind) => report[kind] === 0);
}
