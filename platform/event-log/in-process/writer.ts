/**
 * The one writer of a log of one process. Calls gather while a batch is on its way to the store; then all of them go as
 * the next batch, so one sync serves many appends and commits. Order of calls is order of offsets.
 */
import { ConfabError, toConfabError } from '../../errors.js';
import type { LogRecord, NewRecord } from '../event-log.js';
import type { GroupOffset, KnownKey, LogStore, PartitionState, StoreBatch } from './store.js';

/** Above this many records a batch takes no further calls. */
const BATCH_RECORDS = 16_384;

export interface PlacedRecord {
  readonly partition: PartitionState;
  readonly record: NewRecord;
}

/** Puts one call's work into a batch; throws before it has placed anything, or not at all. */
export type Placing<R> = (batch: OpenBatch) => R;

type Call =
  | { readonly kind: 'place'; readonly place: Placing<unknown>; readonly resolve: (result: unknown) => void; readonly reject: (error: unknown) => void }
  | { readonly kind: 'alone'; readonly run: () => Promise<void> };

/** A batch that is being put together. */
export class OpenBatch implements StoreBatch {
  readonly appends: { readonly partition: PartitionState; readonly records: LogRecord[] }[] = [];
  readonly offsets: GroupOffset[] = [];
  readonly keys: KnownKey[] = [];
  readonly knownHere = new Map<string, KnownKey>();
  records = 0;

  /** Gives the record its offset. */
  append(partition: PartitionState, record: NewRecord): number {
    let pending = partition.pending;
    if (!pending) {
      pending = [];
      partition.pending = pending;
      this.appends.push({ partition, records: pending });
    }
    const offset = partition.next++;
    pending.push({ offset, key: record.key, value: record.value, timestamp: record.timestamp, headers: record.headers });
    this.records += 1;
    return offset;
  }

  remember(known: KnownKey): void {
    this.keys.push(known);
    this.knownHere.set(known.key, known);
  }

  get empty(): boolean { return this.appends.length === 0 && this.offsets.length === 0; }
}

/** Refuses a call when the topic was deleted, or made anew, since the call was checked. */
export function checkAlive(placed: readonly PlacedRecord[]): void {
  for (const { partition } of placed) {
    if (partition.topic.deleted) throw new ConfabError('CONFAB_TOPIC_UNKNOWN', { detail: partition.topic.name });
  }
}

export class Writer {
  private queue: Call[] = [];
  private running = false;
  private idle: (() => void)[] = [];

  /**
   * @param schedule runs a function soon, after calls made in the same turn have gathered
   * @param visible called once per batch that was written, before its callers hear of it
   */
  constructor(private readonly store: LogStore, private readonly schedule: (run: () => void) => void, private readonly visible: (batch: OpenBatch) => void) {}

  submit<R>(place: Placing<R>): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      this.queue.push({ kind: 'place', place, resolve: resolve as (result: unknown) => void, reject });
      this.wake();
    });
  }

  /** Runs `task` while nothing is being written. */
  alone<R>(task: () => Promise<R>): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      this.queue.push({ kind: 'alone', run: () => task().then(resolve, reject) });
      this.wake();
    });
  }

  /** Resolves when everything submitted before has been decided. */
  settled(): Promise<void> {
    return this.running ? new Promise((resolve) => { this.idle.push(resolve); this.queue.push({ kind: 'alone', run: () => this.release() }); }) : Promise.resolve();
  }

  private release(): Promise<void> {
    this.idle.shift()?.();
    return Promise.resolve();
  }

  private wake(): void {
    if (this.running) return;
    this.running = true;
    this.schedule(() => { void this.drain(); });
  }

  private async drain(): Promise<void> {
    while (this.queue.length > 0) {
      if (this.queue[0]?.kind === 'alone') {
        const call = this.queue.shift();
        if (call?.kind === 'alone') await call.run();
      } else {
        await this.writeNext();
      }
    }
    this.running = false;
  }

  private async writeNext(): Promise<void> {
    const batch = new OpenBatch();
    const done: { call: Call & { kind: 'place' }; result: unknown }[] = [];
    let taken = 0;
    for (const call of this.queue) {
      if (call.kind !== 'place' || batch.records >= BATCH_RECORDS) break;
      taken += 1;
      try { done.push({ call, result: call.place(batch) }); } catch (error) { call.reject(error); }
    }
    this.queue = taken === this.queue.length ? [] : this.queue.slice(taken);
    try {
      if (!batch.empty) await this.store.write(batch);
    } catch (thrown) {
      const error = toConfabError(thrown, 'CONFAB_LOG_UNAVAILABLE');
      for (const { partition } of batch.appends) { partition.pending = undefined; partition.next = partition.end; }
      for (const { call } of done) call.reject(error);
      return;
    }
    for (const { partition } of batch.appends) { partition.pending = undefined; partition.end = partition.next; }
    this.visible(batch);
    for (const { call, result } of done) call.resolve(result);
  }
}
