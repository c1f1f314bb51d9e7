/**
 * Hands records of partitions to members. A reader that has kept up gets new records as they become visible, from memory;
 * one that is behind is brought up to date from the store, in turns, so that no turn of the event loop takes long.
 */
import { ConfabError, toConfabError } from '../../errors.js';
import { batchEnd, type BatchLimits } from '../batch-limits.js';
import type { LogRecord, RecordBatch } from '../event-log.js';
import type { LogStore, PartitionReader, PartitionState } from './store.js';

/** Records read from the store in one turn, over all readers. */
const TURN_RECORDS = 2_000;

export interface Receiver {
  records(batch: RecordBatch): void;
  /** The reader cannot go on: its place is no longer in the log, the store failed, or `records` threw. */
  broken(error: ConfabError): void;
}

/** One partition of one topic that a member reads. */
export class Reader implements PartitionReader {
  private paused = false;
  private open = true;

  constructor(
    private readonly partition: PartitionState, private cursor: number, private readonly limits: BatchLimits,
    private readonly receiver: Receiver, private readonly pump: Pump,
  ) {
    partition.readers.add(this);
    this.pump.wake(this);
  }

  /** True when there is something to read from the store. */
  get behind(): boolean { return this.open && !this.paused && this.cursor < this.partition.end; }

  pause(): void { this.paused = true; }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.pump.wake(this);
  }

  close(): void {
    this.open = false;
    this.partition.readers.delete(this);
  }

  offer(records: readonly LogRecord[]): void {
    if (!this.open || this.paused) return;
    if (records[0]?.offset !== this.cursor) { this.pump.wake(this); return; }
    let from = 0;
    while (from < records.length && this.open && !this.paused) {
      const to = batchEnd(records, from, this.limits);
      this.hand(from === 0 && to === records.length ? records : records.slice(from, to), (records[to - 1]?.offset ?? 0) + 1);
      from = to;
    }
  }

  /** Reads and hands on one batch; returns how many records it had. */
  advance(store: LogStore): number {
    const { partition } = this;
    if (partition.topic.deleted) { this.close(); return 0; }
    if (this.cursor < partition.start) {
      this.close();
      this.receiver.broken(new ConfabError('CONFAB_OFFSET_OUT_OF_RANGE', { detail: `${partition.topic.name}/${partition.number}: at ${this.cursor}, the log starts at ${partition.start}` }));
      return 0;
    }
    const records = store.read(partition, this.cursor, partition.end, this.limits);
    const last = records.at(-1);
    this.hand(records, last === undefined ? partition.end : last.offset + 1);
    return records.length;
  }

  private hand(records: readonly LogRecord[], nextOffset: number): void {
    this.cursor = nextOffset;
    const { partition } = this;
    try {
      this.receiver.records({ topic: partition.topic.name, partition: partition.number, records, nextOffset, endOffset: partition.end });
    } catch (error) {
      this.close();
      this.receiver.broken(toConfabError(error));
    }
  }
}

/** Brings readers that are behind up to date, each in its turn. */
export class Pump {
  private readonly waiting = new Set<Reader>();
  private scheduled = false;

  constructor(private readonly store: LogStore, private readonly schedule: (run: () => void) => void) {}

  wake(reader: Reader): void {
    this.waiting.add(reader);
    this.plan();
  }

  private plan(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.schedule(() => { this.turn(); });
  }

  private turn(): void {
    this.scheduled = false;
    let left = TURN_RECORDS;
    for (const reader of this.waiting) {
      if (left <= 0) break;
      this.waiting.delete(reader);
      if (!reader.behind) continue;
      left -= 1 + reader.advance(this.store);
      if (reader.behind) this.waiting.add(reader);
    }
    if (this.waiting.size > 0) this.plan();
  }
}
