/** Records of a topic over its partitions, in the order of their times: the newest ones, or all from some offsets on. */
import type { EventLog, LogRecord, RecordBatch } from '../platform/event-log/event-log.js';
import { newestRecords, type ScanBudget } from '../platform/event-log/scan.js';

export interface PlacedRecord { readonly partition: number; readonly record: LogRecord }

export interface PartitionSpan { readonly partition: number; readonly start: number; /** Exclusive. */ readonly end: number }

export type Accept = (record: LogRecord) => boolean;

/** The newest `count` of all partitions together, oldest first. */
export async function newestOf(log: EventLog, topic: string, spans: readonly PartitionSpan[], wanted: { count: number; accept: Accept; budget: () => ScanBudget }): Promise<PlacedRecord[]> {
  const found: PlacedRecord[] = [];
  for (const span of spans) {
    const { records } = await newestRecords(log, { topic, ...span }, wanted.count, wanted.accept, wanted.budget());
    found.push(...records.map((record) => ({ partition: span.partition, record })));
  }
  return found.sort(byTime).slice(-wanted.count);
}

/** All records of the spans: within a partition by offset, between partitions by time. */
export async function* merged(log: EventLog, topic: string, spans: readonly PartitionSpan[], accept: Accept): AsyncGenerator<PlacedRecord> {
  const readers = spans.filter(({ start, end }) => end > start).map((span) => new SpanReader(log.read(topic, span.partition, span.start, span.end)[Symbol.asyncIterator](), span.partition, accept));
  try {
    for (;;) {
      let first: { reader: SpanReader; placed: PlacedRecord } | undefined;
      for (const reader of readers) {
        const placed = await reader.peek();
        if (placed !== undefined && (first === undefined || byTime(placed, first.placed) < 0)) first = { reader, placed };
      }
      if (first === undefined) return;
      first.reader.take();
      yield first.placed;
    }
  } finally {
    await Promise.all(readers.map((reader) => reader.close()));
  }
}

const byTime = (a: PlacedRecord, b: PlacedRecord): number => a.record.timestamp - b.record.timestamp || a.partition - b.partition || a.record.offset - b.record.offset;

/** One partition with its next record in hand. */
class SpanReader {
  private batch: readonly LogRecord[] = [];
  private at = 0;
  private done = false;

  constructor(private readonly source: AsyncIterator<RecordBatch>, private readonly partition: number, private readonly accept: Accept) {}

  async peek(): Promise<PlacedRecord | undefined> {
    while (!this.done && this.at >= this.batch.length) {
      const next = await this.source.next();
      this.done = next.done === true;
      this.batch = next.done === true ? [] : next.value.records.filter(this.accept);
      this.at = 0;
    }
    const record = this.batch[this.at];
    return record === undefined ? undefined : { partition: this.partition, record };
  }

  take(): void { this.at += 1; }

  async close(): Promise<void> { await this.source.return?.(); }
}
