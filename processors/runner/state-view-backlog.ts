/**
 * What of one partition was committed and the state store does not have yet.
 *
 * It is bounded: a store that takes no writes must not fill the process. Past the bound the entries are let go, and the store
 * counts as behind until it was healed from the log, where they stand.
 */
import type { StateEntry } from '../../platform/state/state-store.js';

/** What an entry costs beside its bytes. */
const ENTRY_BYTES = 200;

export class Backlog {
  /** Where the store stands, or would stand if it had what was let go. */
  acknowledged = 0;
  /** Where the next write brings it. */
  target = 0;
  bytes = 0;
  /** Entries were let go: nothing of the store may be believed before it was healed. */
  letGo = false;
  private readonly entries = new Map<string, StateEntry>();

  get size(): number { return this.entries.size; }
  get isEmpty(): boolean { return this.entries.size === 0 && this.target <= this.acknowledged; }

  get(key: string): StateEntry | undefined { return this.entries.get(key); }

  /** The newest entry of each key, in the order in which the keys came. */
  all(): StateEntry[] { return [...this.entries.values()]; }

  /** `end`: the offset after the last of them. */
  add(entries: readonly StateEntry[], end: number): void {
    this.target = Math.max(this.target, end);
    for (const entry of entries) {
      const old = this.entries.get(entry.key);
      const newest = newestOf(old, entry);
      if (newest === old) continue;
      this.bytes += sizeOf(entry) - (old === undefined ? 0 : sizeOf(old));
      this.entries.set(entry.key, entry);
    }
  }

  /** The store has these, up to `offset`. */
  written(entries: readonly StateEntry[], offset: number): void {
    for (const entry of entries) {
      if (this.entries.get(entry.key) !== entry) continue;
      this.entries.delete(entry.key);
      this.bytes -= sizeOf(entry);
    }
    this.acknowledged = Math.max(this.acknowledged, offset);
  }

  /** The store was brought to `offset` from the log. */
  healed(offset: number): void {
    // What was let go stands in the log below the target: healed to there, it is all in the store.
    if (offset >= this.acknowledged) this.letGo = false;
    this.acknowledged = this.letGo ? this.acknowledged : offset;
    this.target = Math.max(this.target, offset);
  }

  forget(): void {
    this.entries.clear();
    this.bytes = 0;
    this.acknowledged = this.target;
    this.letGo = true;
  }
}

const sizeOf = (entry: StateEntry): number => ENTRY_BYTES + entry.key.length + (entry.value?.length ?? 0);

export function newestOf<E extends StateEntry | undefined>(a: StateEntry | undefined, b: E): E | StateEntry {
  return a === undefined || (b !== undefined && b.reflects >= a.reflects) ? b : a;
}
