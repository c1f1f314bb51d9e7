/**
 * State of conversations as a stage sees it (design: "State").
 *
 * Newest first: the cache of this process (also what is not committed yet), then the store. The store is written after
 * the commit, not awaited, never ahead of the log; it heals from the state topic when it is behind, flushed or rolled back.
 */
import { nextTurn, type Clock } from '../../platform/clock.js';
import { ConfabError, isCode } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import { epochOf } from '../../platform/position.js';
import type { StateEntry, StateStore, Watermark } from '../../platform/state/state-store.js';
import { StateCache, type CachedState, type StateCacheOptions } from './state-cache.js';

/** Decodes a state record and tells which position it reflects. */
export interface StateCodec<V> {
  decode(bytes: Buffer): V;
  reflects(value: V): string;
}

interface PartitionState {
  /** Where the store stands by its last acknowledged write. */
  acknowledged: number;
  /** Written to the log, not yet to the store: newest entry of each key. */
  readonly unwritten: Map<string, StateEntry>;
  target: number;
}

export interface StateViewOptions<V> extends StateCacheOptions {
  readonly log: EventLog;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Full name of the state topic; also the name of the view in the store. */
  readonly topic: string;
  readonly codec: StateCodec<V>;
  readonly onHeal?: (partition: number) => void;
}

const REBUILD_CHUNK = 1000;

export class StateView<V> {
  private readonly cache: StateCache<V>;
  private readonly partitions = new Map<number, PartitionState>();
  private epoch = '';
  private writing: Promise<void> | undefined;
  private closing = false;
  private closed = false;

  constructor(private readonly options: StateViewOptions<V>) {
    this.cache = new StateCache(options);
  }

  /** Brings the store's partition up to the end of the state topic. @throws CONFAB_STATE_UNAVAILABLE, CONFAB_LOG_UNAVAILABLE */
  async gain(partition: number): Promise<void> {
    this.epoch = epochOf((await this.options.log.topic(this.options.topic)).id);
    await this.catchUp(partition);
  }

  /** Forgets the partition and its conversations: another process may write them now. */
  lose(partition: number): void {
    this.partitions.delete(partition);
    this.cache.dropPartition(partition);
  }

  /** Forgets everything that is not in the store, after a failed commit. */
  clear(): void {
    this.cache.clear();
    this.partitions.clear();
  }

  /** True when `ensure` has nothing to read for this key. */
  has(key: string): boolean { return this.cache.has(key); }

  /** Cached state; call `ensure` first. */
  get(key: string): CachedState<V> | undefined { return this.cache.get(key); }

  /** Reads what is missing, a round trip a partition. The keys stay cached until released by a commit or `trim`. */
  async ensure(partition: number, keys: readonly string[]): Promise<void> {
    const missing = [...new Set(keys)].filter((key) => !this.cache.has(key));
    if (missing.length === 0) return;
    const state = this.partitions.get(partition);
    if (state === undefined) return;
    // Taken before the read: what is written to the store meanwhile is in neither of the two afterwards.
    const unwritten = missing.map((key) => state.unwritten.get(key));
    const read = await this.options.store.read(this.options.topic, partition, missing);
    if (this.partitions.get(partition) !== state) return;
    if (this.isBehind(read.watermark, state)) {
      this.options.logger.warn({ partition, watermark: read.watermark, expected: state.acknowledged }, 'state store lost writes: healing');
      this.options.onHeal?.(partition);
      await this.catchUp(partition);
      await this.ensure(partition, keys);
      return;
    }
    read.entries.forEach((entry, index) => {
      const key = missing[index] as string;
      // Another caller had it first, and may have changed it since.
      if (this.cache.has(key)) return;
      const newest = newestOf(newestOf(entry, unwritten[index]), state.unwritten.get(key));
      if (newest === undefined || newest.value === null) this.cache.keep(partition, key, { value: undefined, reflects: '' }, 0);
      else this.cache.keep(partition, key, { value: this.options.codec.decode(newest.value), reflects: newest.reflects }, newest.value.length);
    });
  }

  /** The state after an input that is not committed yet. `bytes`: of the encoded state. */
  set(partition: number, key: string, state: CachedState<V>, bytes: number): void { this.cache.change(partition, key, state, bytes); }

  /** The commit with these entries was decided; `end` is the offset after the last of them. Does not wait for the store. */
  committed(partition: number, entries: readonly StateEntry[], end: number): void {
    const state = this.partitions.get(partition);
    if (state === undefined) return;
    for (const entry of entries) state.unwritten.set(entry.key, newestOf(state.unwritten.get(entry.key), entry));
    state.target = Math.max(state.target, end);
    this.flush();
  }

  /** One conversation's uncommitted change was committed. */
  unpin(key: string): void { this.cache.unpin(key); }

  /** Drops the longest-kept conversations beyond the bounds; never one with uncommitted changes. */
  trim(): void { this.cache.trim(); }

  /** Entries that the store does not have yet. */
  get backlog(): number {
    let count = 0;
    for (const state of this.partitions.values()) count += state.unwritten.size;
    return count;
  }

  /** Waits until the store has everything that was committed, or cannot be reached. */
  async close(): Promise<void> {
    this.closing = true;
    await this.writing;
    this.closed = true;
  }

  private isBehind(watermark: Watermark | undefined, state: PartitionState): boolean {
    return watermark === undefined || watermark.epoch !== this.epoch || watermark.offset < state.acknowledged;
  }

  private async catchUp(partition: number): Promise<void> {
    const { log, store, topic } = this.options;
    const { watermark } = await store.read(topic, partition, []);
    let from = watermark?.offset ?? 0;
    if (watermark === undefined || watermark.epoch !== this.epoch) {
      await store.reset(topic, partition, this.epoch);
      from = 0;
    }
    let entries = new Map<string, StateEntry>();
    let written = from;
    const write = async (reached: number): Promise<void> => {
      if (reached === written) return;
      const taken = await store.write(topic, partition, [...entries.values()], { epoch: this.epoch, offset: reached }, written);
      if (!taken) throw new ConfabError('CONFAB_STATE_UNAVAILABLE', { detail: `The state store lost partition ${partition} of ${topic} while it was rebuilt.` });
      written = reached;
      entries = new Map();
    };
    let reached = from;
    // To the end of what anyone has committed: a transaction that is decided is visible only once its markers are written.
    const end = await log.settledEnd(topic, partition);
    for await (const batch of log.read(topic, partition, from, end)) {
      for (const record of batch.records) this.collect(entries, record);
      reached = Math.max(reached, batch.nextOffset);
      if (entries.size >= REBUILD_CHUNK) await write(reached);
    }
    await write(reached);
    // What was committed during the rebuild stays unwritten here and follows with the next write.
    const state = this.partitions.get(partition) ?? { acknowledged: 0, unwritten: new Map<string, StateEntry>(), target: 0 };
    state.acknowledged = reached;
    state.target = Math.max(state.target, reached);
    this.partitions.set(partition, state);
  }

  private collect(entries: Map<string, StateEntry>, record: { key: string | null; value: Buffer | null }): void {
    if (record.key === null || record.value === null) return;
    try {
      entries.set(record.key, { key: record.key, value: record.value, reflects: this.options.codec.reflects(this.options.codec.decode(record.value)) });
    } catch (error) {
      if (!isCode(error, 'CONFAB_RECORD_INVALID')) throw error;
      this.options.logger.error({ err: error, topic: this.options.topic }, 'state record is not readable and is left out');
    }
  }

  /** Writes what is unwritten, one write under way at a time; what gathers meanwhile goes with the next. */
  private flush(): void {
    if (this.writing !== undefined || this.closed) return;
    this.writing = this.writeAll().finally(() => { this.writing = undefined; });
  }

  private async writeAll(): Promise<void> {
    for (let attempt = 0; !this.closed;) {
      const waiting = [...this.partitions].filter(([, state]) => state.unwritten.size > 0 || state.target > state.acknowledged);
      if (waiting.length === 0) return;
      const results = await Promise.allSettled(waiting.map(([partition, state]) => this.writePartition(partition, state)));
      const failed = results.find((result) => result.status === 'rejected');
      if (failed === undefined) { attempt = 0; await nextTurn(); continue; }
      if (attempt === 0) this.options.logger.warn({ err: failed.reason as unknown }, 'state store does not take writes: trying again');
      attempt += 1;
      if (this.closing) return;
      await this.options.clock.sleep(Math.min(2000, 50 * 2 ** attempt));
    }
  }

  private async writePartition(partition: number, state: PartitionState): Promise<void> {
    const entries = [...state.unwritten.values()];
    const target = state.target;
    const taken = await this.options.store.write(this.options.topic, partition, entries, { epoch: this.epoch, offset: target }, state.acknowledged);
    if (!taken) {
      // Flushed or rolled back meanwhile: what is unwritten stays so until the store has caught up with the log.
      if (this.partitions.get(partition) === state) await this.catchUp(partition);
      return;
    }
    for (const entry of entries) if (state.unwritten.get(entry.key) === entry) state.unwritten.delete(entry.key);
    state.acknowledged = Math.max(state.acknowledged, target);
  }
}

function newestOf<E extends StateEntry | undefined>(a: StateEntry | undefined, b: E): E | StateEntry {
  return a === undefined || (b !== undefined && b.reflects >= a.reflects) ? b : a;
}
