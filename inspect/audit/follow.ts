/**
 * An audit that goes on: it judges what is there, then what comes, and says each finding as soon as it is certain. It may be
 * left running beside production: it looks at the ends of the topics once in an interval, reads what is new once, and asks
 * for settled ends only where something is open for too long. What it holds is bounded; conversations and ids that were
 * not heard of for longest are forgotten first.
 */
import { ConfabError, toConfabError } from '../../platform/errors.js';
import { epochOf } from '../../platform/position.js';
import { topicName } from '../../topology/topology.js';
import { PATIENCE, reportOf, type AuditOptions, type AuditReport } from '../audit.js';
import type { Finding } from './finding.js';
import { PartitionAudit, type LateAnswer, type PartitionOptions } from './partition.js';
import { readSpans, type Spans } from './spans.js';

export interface FollowOptions extends AuditOptions {
  readonly signal: AbortSignal;
  /** Between two looks, milliseconds. */
  readonly interval: number;
  readonly onFinding: (finding: Finding) => void;
  /** A message that was told as lost or stuck has its outcome after all. */
  readonly onLate: (message: LateAnswer) => void;
  /** After each look. */
  readonly onRound: (report: AuditReport) => void;
  /** The log could not be read; it is tried again. */
  readonly onTrouble: (error: ConfabError) => void;
}

/** Ends when the signal aborts; gives what was found until then. @throws CONFAB_TOPIC_UNKNOWN, and what no repeat mends */
export async function followAudit(options: FollowOptions): Promise<AuditReport> {
  const follow = new Follow(options);
  try {
    await follow.run();
  } finally { await follow.close(); }
  return follow.report();
}

class Follow {
  private readonly parts: PartitionAudit[] = [];
  private readonly begun: number;
  private topicId = '';

  constructor(private readonly options: FollowOptions) {
    this.begun = options.clock.monotonic();
  }

  async run(): Promise<void> {
    const { clock, interval, signal, onRound, onTrouble } = this.options;
    while (!signal.aborted) {
      try {
        await this.round();
        onRound(this.report());
      } catch (thrown) {
        if (signal.aborted) return;
        const error = toConfabError(thrown);
        if (!error.retryable) throw error;
        onTrouble(error);
      }
      await clock.sleep(interval, signal).catch(() => undefined);
    }
  }

  report(): AuditReport {
    const report = reportOf(this.parts.map((part) => part.result), this.options.mostFindings ?? Infinity, this.options.clock.monotonic() - this.begun);
    // Between two looks a message is neither answered nor told: it is under way.
    return { ...report, pending: Math.max(0, report.accepted - report.answered - report.expired - this.parts.reduce((sum, part) => sum + part.told, 0)) };
  }

  async close(): Promise<void> {
    for (const part of this.parts) await part.close();
  }

  private async round(): Promise<void> {
    const { log, clock, prefix } = this.options;
    const topic = await log.topic(topicName(prefix, 'messages.v1'));
    if (this.topicId === '') this.topicId = topic.id;
    if (topic.id !== this.topicId) throw new ConfabError('CONFAB_TOPIC_UNKNOWN', { detail: `${topic.name} was made anew: what was judged is of another life of it. Begin again.` });
    // Ages as of before the ends: whatever is older has had its patience when they were read.
    const now = clock.now();
    const spans = await readSpans(log, prefix, topic.partitions, () => false);
    for (let partition = this.parts.length; partition < spans.length; partition += 1) {
      this.parts.push(await PartitionAudit.begin(this.partOptions(partition, (spans[partition] as Spans).spread), spans[partition] as Spans));
    }
    for (const [partition, part] of this.parts.entries()) await part.advance(spans[partition] as Spans, now);
    const due = new Set(this.parts.flatMap((part, partition) => (part.isDue ? [partition] : [])));
    if (due.size === 0) return;
    const settled = await readSpans(log, prefix, topic.partitions, (partition) => due.has(partition));
    for (const partition of due) {
      const part = this.parts[partition];
      await part?.advance(settled[partition] as Spans, now);
      await part?.judgeNow();
    }
  }

  private partOptions(partition: number, partitions: number): PartitionOptions {
    const { onFinding, onLate, ...options } = this.options;
    return { ...options, partition, partitions, epoch: epochOf(this.topicId), patience: options.patience ?? PATIENCE, most: options.mostFindings ?? 0, live: { onFinding, onLate } };
  }
}
