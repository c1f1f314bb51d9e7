/**
 * Counts of replies by minute of acceptance, held against the replies themselves. A record is the absolute value of its key,
 * so only the newest of each key counts, and it never falls. More keys than are held at a time are read by shares.
 */
import type { LogRecord } from '../../platform/event-log/event-log.js';
import type { Ledger } from './ledger.js';
import { Source, type SourceOptions } from './source.js';
import { ALL, belongs, halves, Table, type Slice } from './table.js';

const MINUTE = 60_000;
const KEYS = 1_000_000;
const COLUMN = { replies: 0 } as const;

interface Counted { all: number; passed: number }
interface Sum { counted: number; record: Pick<LogRecord, 'offset' | 'key'> }

export class AnalyticsJudge {
  private readonly minutes = new Map<number, Counted>();

  constructor(private readonly ledger: Ledger, private readonly most = KEYS) {}

  /** `passed`: stage analytics has committed past it. */
  reply(record: LogRecord, passed: boolean): void {
    const counted = this.at(record.timestamp);
    counted.all += 1;
    if (passed) counted.passed += 1;
  }

  /** A reply that stage analytics gave up: it need not be counted. */
  letter(record: LogRecord): void { this.at(record.timestamp).passed -= 1; }

  /** Reads the counts and compares. Only minutes from `since` on, of which all replies were read. */
  async judge(options: SourceOptions, span: { readonly start: number; readonly end: number }, since: number): Promise<void> {
    const sums = new Map<number, Sum>();
    const slices: Slice[] = [ALL];
    for (let slice = slices.shift(); slice !== undefined; slice = slices.shift()) {
      const part = await this.sum(options, span, slice);
      if (part === undefined) { slices.push(...halves(slice)); continue; }
      for (const [minute, { counted, record }] of part) {
        const known = sums.get(minute);
        sums.set(minute, { counted: counted + (known?.counted ?? 0), record: known !== undefined && known.record.offset > record.offset ? known.record : record });
      }
    }
    this.compare(sums, span.end, since);
  }

  /** Undefined when there are too many keys. Findings are told only when there are not. */
  private async sum(options: SourceOptions, span: { readonly start: number; readonly end: number }, slice: Slice): Promise<Map<number, Sum> | undefined> {
    const { ledger } = this;
    const source = new Source(options, 'analytics.v1', span.start, (key) => key === null ? slice.share === 0 : belongs(key, slice));
    source.extend(span.end);
    const sums = new Map<number, Sum>();
    const table = new Table(1, this.most);
    const faults: (() => void)[] = [];
    try {
      while (await source.load()) {
        for (; source.at < source.records.length; source.at += 1) {
          const record = source.records[source.at] as LogRecord;
          const value = source.values[source.at];
          if (value === null) continue;
          if (value === undefined) { faults.push(() => { ledger.find('unreadable', 'analytics.v1', record, { detail: 'not a AnalyticsCount' }); }); continue; }
          if (value.partition !== ledger.options.partition) { faults.push(() => { ledger.find('misplaced', 'analytics.v1', record, { detail: `it counts replies of partition ${value.partition}` }); }); continue; }
          const row = table.row(record.key ?? '');
          if (row < 0) return undefined;
          const before = Math.max(0, table.get(row, COLUMN.replies));
          if (value.replies < before) faults.push(() => { ledger.find('miscounted', 'analytics.v1', record, { detail: `it counts ${value.replies} replies, and the record before it under its key ${before}` }); });
          table.set(row, COLUMN.replies, value.replies);
          const sum = sums.get(value.minute);
          if (sum === undefined) sums.set(value.minute, { counted: value.replies, record: { offset: record.offset, key: record.key } });
          else { sum.counted += value.replies - before; sum.record = { offset: record.offset, key: record.key }; }
        }
      }
    } finally {
      ledger.counts.records += source.count;
      ledger.counts.bytes += source.bytes;
      await source.close();
    }
    for (const fault of faults) fault();
    return sums;
  }

  private compare(sums: ReadonlyMap<number, Sum>, end: number, since: number): void {
    for (const minute of [...new Set([...sums.keys(), ...this.minutes.keys()])].sort((a, b) => a - b)) {
      if (minute < since) continue;
      const { all, passed } = this.minutes.get(minute) ?? { all: 0, passed: 0 };
      const { counted, record } = sums.get(minute) ?? { counted: 0, record: { offset: end, key: null } };
      if (counted >= passed && counted <= all) continue;
      this.ledger.find('miscounted', 'analytics.v1', record, { detail: `the counts of ${new Date(minute).toISOString().slice(0, 16)} add up to ${counted}; there are ${all} replies${passed < all ? `, ${passed} of them passed` : ''}` });
    }
  }

  private at(timestamp: number): Counted {
    const minute = Math.floor(timestamp / MINUTE) * MINUTE;
    const found = this.minutes.get(minute);
    if (found !== undefined) return found;
    const counted = { all: 0, passed: 0 };
    this.minutes.set(minute, counted);
    return counted;
  }
}
