/**
 * Port: where the processes of an installation say how they are, so that an operator sees all of them in one place. Lossy by
 * contract: an entry is as old as its time says, and one that is not renewed disappears. Adapters: memory.ts (one process),
 * redis.ts (all of them).
 */
export interface NodeEntry {
  /** The process, for as long as it runs. */
  readonly node: string;
  /** When it said so, milliseconds. */
  readonly at: number;
  /** What it says, JSON. */
  readonly status: unknown;
}

export interface NodeBoard {
  /** @throws CONFAB_STATE_UNAVAILABLE */
  post(entry: NodeEntry): Promise<void>;
  /** Those that were renewed within ENTRY_MILLIS, by name. @throws CONFAB_STATE_UNAVAILABLE */
  list(now: number): Promise<NodeEntry[]>;
  remove(node: string): Promise<void>;
}

/** Longer than a pause of a healthy process, shorter than an operator's patience. */
export const ENTRY_MILLIS = 10_000;

/** Of entries with their keys: those that are fresh, in order; what is not an entry is none. */
export function freshEntries(texts: Iterable<string>, now: number): NodeEntry[] {
  const entries: NodeEntry[] = [];
  for (const text of texts) {
    try {
      const entry = JSON.parse(text) as NodeEntry;
      if (typeof entry.node === 'string' && now - entry.at < ENTRY_MILLIS) entries.push(entry);
    } catch { /* Written by another program: as if it were not there. */ }
  }
  return entries.sort((a, b) => (a.node < b.node ? -1 : 1));
}
