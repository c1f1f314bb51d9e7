/** State store in the memory of the process: for tests, simulations and single processes that rebuild at start. */
import { ConfabError } from '../errors.js';
import type { StateEntry, StateRead, StateStore, Watermark } from './state-store.js';

interface Partition {
  readonly entries: Map<string, StateEntry>;
  watermark: Watermark | undefined;
}

export class MemoryStateStore implements StateStore {
  readonly kind = 'memory';
  private partitions = new Map<string, Partition>();
  private closed = false;

  async read(view: string, partition: number, keys: readonly string[]): Promise<StateRead> {
    this.guard();
    const found = this.partitions.get(`${partition} ${view}`);
    return { entries: keys.map((key) => found?.entries.get(key)), watermark: found?.watermark };
  }

  async write(view: string, partition: number, entries: readonly StateEntry[], watermark: Watermark, expected: number): Promise<boolean> {
    this.guard();
    const found = this.partitions.get(`${partition} ${view}`);
    if (found?.watermark?.epoch !== watermark.epoch || found.watermark.offset < expected) return false;
    for (const entry of entries) {
      const old = found.entries.get(entry.key);
      if (old === undefined || entry.reflects >= old.reflects) found.entries.set(entry.key, { ...entry, value: entry.value === null ? null : Buffer.from(entry.value) });
    }
    if (watermark.offset > found.watermark.offset) found.watermark = watermark;
    return true;
  }

  async reset(view: string, partition: number, epoch: string): Promise<void> {
    this.guard();
    if (this.partitions.get(`${partition} ${view}`)?.watermark?.epoch === epoch) return;
    this.partitions.set(`${partition} ${view}`, { entries: new Map(), watermark: { epoch, offset: 0 } });
  }

  async check(): Promise<void> { this.guard(); }

  async close(): Promise<void> {
    this.closed = true;
    this.partitions.clear();
  }

  /** For tests: what a server loses when it is flushed. */
  flush(): void { this.partitions.clear(); }

  /** For tests: what is held now; calling the result restores it, as from a backup. */
  snapshot(): () => void {
    const copy = [...this.partitions].map(([name, held]) => [name, { entries: new Map(held.entries), watermark: held.watermark }] as const);
    return () => { this.partitions = new Map(copy); };
  }

  private guard(): void {
    if (this.closed) throw new ConfabError('CONFAB_STATE_UNAVAILABLE', { detail: 'The state store is closed.' });
  }
}
