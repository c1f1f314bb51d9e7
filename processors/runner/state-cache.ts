/** States of conversations in this process, bounded in number and in bytes; uncommitted changes are never dropped. */

export interface CachedState<V> {
  readonly value: V | undefined;
  readonly reflects: string;
}

interface Cached<V> { readonly partition: number; value: V | undefined; reflects: string; bytes: number; pins: number }

export interface StateCacheOptions {
  /** Conversations. Default 10,000: those of the last seconds; ten times as many made a message cheaper by a tenth at best, and the process larger. */
  readonly cacheSize?: number;
  /** Bytes of their states and of what holds them. Default 32 MiB. */
  readonly cacheBytes?: number;
}

/** What a conversation costs beside its state: key, position, objects. */
const ENTRY_BYTES = 400;

export class StateCache<V> {
  private readonly entries = new Map<string, Cached<V>>();
  private readonly most: { readonly size: number; readonly bytes: number };
  private bytes = 0;

  constructor({ cacheSize = 10_000, cacheBytes = 32 * 1024 * 1024 }: StateCacheOptions) {
    this.most = { size: cacheSize, bytes: cacheBytes };
  }

  has(key: string): boolean { return this.entries.has(key); }

  get(key: string): CachedState<V> | undefined { return this.entries.get(key); }

  /** What was read; it may be dropped again. `bytes`: of the encoded state. */
  keep(partition: number, key: string, state: CachedState<V>, bytes: number): void {
    this.entries.set(key, { partition, value: state.value, reflects: state.reflects, bytes, pins: 0 });
    this.bytes += bytes + ENTRY_BYTES;
  }

  /** The state after an input that is not committed: it stays until `unpin`, once for each change. */
  change(partition: number, key: string, state: CachedState<V>, bytes: number): void {
    const cached = this.entries.get(key);
    if (cached === undefined) {
      this.entries.set(key, { partition, value: state.value, reflects: state.reflects, bytes, pins: 1 });
      this.bytes += bytes + ENTRY_BYTES;
      return;
    }
    this.bytes += bytes - cached.bytes;
    cached.value = state.value;
    cached.reflects = state.reflects;
    cached.bytes = bytes;
    cached.pins += 1;
  }

  /** One change was committed. */
  unpin(key: string): void {
    const cached = this.entries.get(key);
    if (cached !== undefined && cached.pins > 0) cached.pins -= 1;
  }

  /** Drops the longest-kept conversations beyond the bounds. */
  trim(): void {
    for (const [key, cached] of this.entries) {
      if (this.entries.size <= this.most.size && this.bytes <= this.most.bytes) return;
      if (cached.pins === 0) this.drop(key, cached);
    }
  }

  dropPartition(partition: number): void {
    for (const [key, cached] of this.entries) if (cached.partition === partition) this.drop(key, cached);
  }

  clear(): void {
    this.entries.clear();
    this.bytes = 0;
  }

  private drop(key: string, cached: Cached<V>): void {
    this.entries.delete(key);
    this.bytes -= cached.bytes + ENTRY_BYTES;
  }
}
