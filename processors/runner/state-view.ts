/**
 * State of conversations as a stage sees it (design: "State").
 *
 * Newest first: the cache of this process (also what is not committed yet), then the store. The store is written after
 * the commit, not awaited, never ahead of the log; it heals from the state topic when it is behind, flushed or rolled back
 * (state-view-partition.ts). What cannot be read now waits, a partition by itself (state-view-waiting.ts).
 */
import { nextTurn } from '../../platform/clock.js';
import { isCode } from '../../platform/errors.js';
import { epochOf } from '../../platform/position.js';
import type { StateEntry } from '../../platform/state/state-store.js';
import { StateCache, type CachedState, type StateCacheOptions } from './state-cache.js';
import { ViewPartition, type PartitionParts, type StateCodec } from './state-view-partition.js';
import { Waiting } from './state-view-waiting.js';

export type { StateCodec } from './state-view-partition.js';

export interface StateViewOptions<V> extends StateCacheOptions, PartitionParts<V> {
  readonly codec: StateCodec<V>;
  /** Bytes of committed entries that may wait for the store. Default 32 MiB. */
  readonly maxBacklogBytes?: number;
}

const MAX_BACKLOG_BYTES = 32 * 1024 * 1024;

interface Owned<V> { readonly view: ViewPartition<V>; readonly waiting: Waiting }

export class StateView<V> {
  private readonly cache: StateCache<V>;
  private readonly partitions = new Map<number, Owned<V>>();
  private closed = false;

  constructor(private readonly options: StateViewOptions<V>) {
    this.cache = new StateCache(options);
  }

  /**
   * Brings the store's partition up to the end of the state topic. A store that does not answer keeps nobody from taking over:
   * conversations wait until it does, and nothing that it says is believed before it was healed. @throws CONFAB_LOG_UNAVAILABLE
   */
  async gain(partition: number): Promise<void> {
    const epoch = epochOf((await this.options.log.topic(this.options.topic)).id);
    const view = new ViewPartition(this.options, partition, epoch);
    try {
      await view.heal();
    } catch (error) {
      if (!isCode(error, 'CONFAB_STATE_UNAVAILABLE')) throw error;
      view.distrust(error);
    }
    this.leave(partition);
    const { clock, logger } = this.options;
    const waiting: Waiting = new Waiting({ clock, logger, partition, load: (keys) => this.load(partition, view, keys) });
    this.partitions.set(partition, { view, waiting });
  }

  /** Forgets the partition and its conversations: another process may write them now. */
  lose(partition: number): void {
    this.leave(partition);
    this.cache.dropPartition(partition);
  }

  /** Forgets everything that is not in the store, after a failed commit. */
  clear(): void {
    this.cache.clear();
    for (const partition of [...this.partitions.keys()]) this.leave(partition);
  }

  /** True when `ensure` has nothing to read for this key. */
  has(key: string): boolean { return this.cache.has(key); }

  /** Cached state; call `ensure` first. */
  get(key: string): CachedState<V> | undefined { return this.cache.get(key); }

  /**
   * Reads what is missing, a round trip a partition; never rejects. What cannot be read now is left missing and read later:
   * see `loaded`. The keys stay cached until released by a commit or `trim`.
   */
  async ensure(partition: number, keys: readonly string[]): Promise<void> {
    const owned = this.partitions.get(partition);
    const missing = [...new Set(keys)].filter((key) => !this.cache.has(key));
    if (missing.length === 0 || owned === undefined) return;
    if (owned.waiting.isAway) { owned.waiting.add(missing, undefined); return; }
    try {
      await this.load(partition, owned.view, missing);
    } catch (error) {
      owned.waiting.add(missing.filter((key) => !this.cache.has(key)), error);
    }
  }

  /** Settles when this key's state is cached, however long that takes, or its partition has left; never rejects. */
  async loaded(partition: number, key: string): Promise<void> {
    // Nobody owns it: whoever asks again and again must not stop everything else.
    if (!this.partitions.has(partition)) await nextTurn();
    await this.ensure(partition, [key]);
    const waiting = this.partitions.get(partition)?.waiting;
    if (!this.cache.has(key) && waiting?.has(key) === true) await waiting.wait(key);
  }

  /** The state after an input that is not committed yet. `bytes`: of the encoded state. */
  set(partition: number, key: string, state: CachedState<V>, bytes: number): void { this.cache.change(partition, key, state, bytes); }

  /** The commit with these entries was decided; `end` is the offset after the last of them. Does not wait for the store. */
  committed(partition: number, entries: readonly StateEntry[], end: number): void {
    const owned = this.partitions.get(partition);
    if (owned === undefined || this.closed) return;
    owned.view.committed(entries, end);
    if (this.backlogBytes > (this.options.maxBacklogBytes ?? MAX_BACKLOG_BYTES)) this.shed();
  }

  /** One conversation's uncommitted change was committed. */
  unpin(key: string): void { this.cache.unpin(key); }

  /** Drops the longest-kept conversations beyond the bounds; never one with uncommitted changes. */
  trim(): void { this.cache.trim(); }

  /** Entries that the store does not have yet. */
  get backlog(): number {
    let count = 0;
    for (const { view } of this.partitions.values()) count += view.backlog.size;
    return count;
  }

  /** Waits until the store has everything that was committed, or cannot be reached. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.all([...this.partitions.values()].map(({ view, waiting }) => { waiting.stop(); return view.close(); }));
  }

  private get backlogBytes(): number {
    let bytes = 0;
    for (const { view } of this.partitions.values()) bytes += view.backlog.bytes;
    return bytes;
  }

  /** The partition with the most that waits lets it go. */
  private shed(): void {
    let most: ViewPartition<V> | undefined;
    for (const { view } of this.partitions.values()) if (most === undefined || view.backlog.bytes > most.backlog.bytes) most = view;
    most?.letGo();
  }

  private leave(partition: number): void {
    const owned = this.partitions.get(partition);
    if (owned === undefined) return;
    owned.view.stop();
    owned.waiting.stop();
    this.partitions.delete(partition);
  }

  /** @throws CONFAB_STATE_UNAVAILABLE, CONFAB_LOG_UNAVAILABLE, CONFAB_REGISTRY_UNAVAILABLE */
  private async load(partition: number, view: ViewPartition<V>, keys: readonly string[]): Promise<void> {
    const entries = await view.read(keys);
    for (const [i, entry] of entries.entries()) {
      const key = keys[i] ?? '';
      const state = this.decoded(entry) ?? await this.readable(view, key, entry);
      if (this.partitions.get(partition)?.view !== view) return;
      // Another caller had it first, and may have changed it since.
      if (!this.cache.has(key)) this.cache.keep(partition, key, state, entry?.value?.length ?? 0);
    }
  }

  /** Undefined when its schema is not known yet, or the store has bytes that are no state. */
  private decoded(entry: StateEntry | undefined): CachedState<V> | undefined {
    if (entry === undefined || entry.value === null) return { value: undefined, reflects: '' };
    try {
      return { value: this.options.codec.decode(entry.value), reflects: entry.reflects };
    } catch (error) {
      if (isCode(error, 'CONFAB_SCHEMA_UNKNOWN', 'CONFAB_RECORD_INVALID')) return undefined;
      throw error;
    }
  }

  /** Looks the schema up; what is no state at all is written again from the log. */
  private async readable(view: ViewPartition<V>, key: string, entry: StateEntry | undefined): Promise<CachedState<V>> {
    if (entry?.value) await this.options.codec.learn?.(entry.value).catch((error: unknown) => { if (isCode(error, 'CONFAB_REGISTRY_UNAVAILABLE')) throw error; });
    const learnt = this.decoded(entry);
    if (learnt !== undefined) return learnt;
    const { logger } = this.options;
    logger.error({ partition: view.partition }, 'the state store holds bytes that are no state: writing the partition again from the log');
    this.options.onHeal?.(view.partition);
    await view.repair();
    const repaired = this.decoded((await view.read([key]))[0]);
    if (repaired === undefined) logger.error({ partition: view.partition }, 'the log has no readable state of the conversation either: it begins anew');
    return repaired ?? { value: undefined, reflects: '' };
  }
}
