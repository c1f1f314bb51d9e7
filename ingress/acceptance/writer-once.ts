/**
 * Acceptance over a log with the power `once` (embedded, memory): claim and append are one transaction of the log, so
 * there is no index and no doubt. The note of a key is what a repeat needs: messageId and hash of the body.
 */
import type { Appender, OnceAppender } from '../../platform/event-log/event-log.js';
import { ConfabError } from '../../platform/errors.js';
import type { Logger } from '../../platform/observability/logger.js';
import { formatPosition } from '../../platform/position.js';
import { type AcceptanceMetrics, noMetrics } from './acceptance-metrics.js';
import { appendError } from './append-errors.js';
import type { BatchWriter, Pending } from './pending.js';

export interface OnceWriterOptions {
  readonly appender: Appender;
  readonly once: OnceAppender;
  /** Epoch of positions. */
  readonly epoch: string;
  /** How long a key is remembered, milliseconds. */
  readonly keepMillis: number;
  readonly logger: Logger;
  readonly metrics?: AcceptanceMetrics;
}

export class OnceWriter implements BatchWriter {
  private readonly options: OnceWriterOptions;
  private readonly metrics: AcceptanceMetrics;

  constructor(options: OnceWriterOptions) {
    this.options = options;
    this.metrics = options.metrics ?? noMetrics;
  }

  async write(batch: readonly Pending[], finished: (pending: Pending) => void): Promise<void> {
    // Runs of messages with and without a key are handed over in one turn, in order: the log keeps the order of calls.
    const runs: Promise<void>[] = [];
    for (let at = 0; at < batch.length;) {
      const keyed = batch[at]?.keyHash !== null;
      let end = at + 1;
      while (end < batch.length && (batch[end]?.keyHash !== null) === keyed) end += 1;
      const run = at === 0 && end === batch.length ? batch : batch.slice(at, end);
      runs.push(this.writeRun(run.filter((pending) => !pending.settled), keyed));
      at = end;
    }
    await Promise.all(runs);
    for (const pending of batch) finished(pending);
  }

  async close(): Promise<void> { await this.options.appender.close(); }

  private async writeRun(run: readonly Pending[], keyed: boolean): Promise<void> {
    if (run.length === 0) return;
    for (const pending of run) pending.sent = true;
    try {
      await (keyed ? this.appendOnce(run) : this.append(run));
    } catch (thrown) {
      const error = appendError(thrown);
      this.options.logger.warn({ err: thrown, records: run.length }, 'messages could not be appended');
      this.metrics.refused(error.code);
      for (const pending of run) pending.refuse(error);
    }
  }

  private async append(run: readonly Pending[]): Promise<void> {
    const offsets = await this.options.appender.append(run.map((pending) => pending.record));
    const { epoch } = this.options;
    for (let i = 0; i < run.length; i += 1) {
      const pending = run[i] as Pending;
      pending.accept({ messageId: pending.messageId, position: formatPosition(epoch, offsets[i] ?? 0, 0), duplicate: false });
    }
    this.metrics.accepted(run.length);
  }

  private async appendOnce(run: readonly Pending[]): Promise<void> {
    const { once, epoch, keepMillis } = this.options;
    const results = await once.appendOnce(run.map((pending) => ({
      record: pending.record,
      once: { key: pending.keyHash ?? '', keepMillis, note: `${pending.messageId} ${pending.bodyHash}` },
    })));
    let duplicates = 0;
    for (let i = 0; i < run.length; i += 1) {
      const pending = run[i] as Pending;
      const { offset = 0, note = '', duplicate = false } = results[i] ?? {};
      if (duplicate) duplicates += 1;
      const [messageId = '', bodyHash] = note.split(' ');
      if (bodyHash === pending.bodyHash) pending.accept({ messageId, position: formatPosition(epoch, offset, 0), duplicate });
      else pending.refuse(new ConfabError('CONFAB_IDEMPOTENCY_KEY_REUSED'));
    }
    this.metrics.accepted(run.length - duplicates);
    this.metrics.duplicates(duplicates);
  }
}
