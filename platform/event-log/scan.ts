/** Looking for records of one key in a partition: bounded in records and time, so that no question holds a process up. */
import type { Clock } from '../clock.js';
import type { EventLog, LogRecord, ReadRange, RecordBatch } from './event-log.js';

/**
 * Records that a message causes carry its acceptance time; a scan for them begins this much earlier: clocks of nodes may
 * differ by 5 s, and an append may take 10 s.
 */
export const CLOCK_ALLOWANCE = 15_000;

/** Backward scans go in steps of this many offsets, each twice the last. */
const FIRST_STEP = 2_048;
const LARGEST_STEP = 65_536;

/** As `KeyedReader.readKeys`, also where a log cannot look for keys by itself. */
export async function* readKeys(log: EventLog, range: ReadRange, keys: ReadonlySet<string>): AsyncGenerator<RecordBatch> {
  if (log.keyed !== undefined) { yield* log.keyed.readKeys(range, keys); return; }
  const { topic, partition, from, to } = range;
  for await (const batch of log.read(topic, partition, from, to)) yield { ...batch, records: batch.records.filter(({ key }) => key !== null && keys.has(key)) };
}

/** Takes how many records were looked at and says whether that is enough. */
export type ScanBudget = (records: number) => boolean;

export function scanBudget({ clock, maxRecords, maxMillis, signal }: { clock: Clock; maxRecords: number; maxMillis: number; signal?: AbortSignal }): ScanBudget {
  const end = clock.monotonic() + maxMillis;
  let looked = 0;
  return (records) => {
    looked += records;
    return looked >= maxRecords || clock.monotonic() >= end || signal?.aborted === true;
  };
}

export interface PartitionRange {
  readonly topic: string;
  readonly partition: number;
  readonly start: number;
  /** Exclusive. */
  readonly end: number;
}

export interface BackwardScan {
  /** In offset order, the newest that are wanted. */
  readonly records: readonly LogRecord[];
  /** The lowest offset that was looked at. */
  readonly reached: number;
  /** It ended before the start of the range: enough were found, or the budget was spent. */
  readonly cut: boolean;
}

/** The newest `wanted` records of a range that `accept` takes. */
export async function newestRecords(log: EventLog, { topic, partition, start, end }: PartitionRange, wanted: number, accept: (record: LogRecord) => boolean, spent: ScanBudget): Promise<BackwardScan> {
  let records: LogRecord[] = [];
  let step = FIRST_STEP;
  for (let high = end; high > start; step = Math.min(LARGEST_STEP, step * 2)) {
    const low = Math.max(start, high - step);
    const part: LogRecord[] = [];
    for await (const batch of log.read(topic, partition, low, high)) {
      for (const record of batch.records) if (accept(record)) part.push(record);
    }
    records = [...part, ...records];
    if (records.length >= wanted) {
      records = records.slice(-wanted);
      return { records, reached: records[0]?.offset ?? low, cut: true };
    }
    if (spent(high - low) && low > start) return { records, reached: low, cut: true };
    high = low;
  }
  return { records, reached: start, cut: false };
}
