/**
 * Port: where the processes of an installation say how they are, so that an operator sees all of them in one place. Lossy by
 * contract: an entry is as old as its time says, one that is not renewed disappears, and a board that lost everything is
 * whole again once each process has renewed its entry. Adapters: memory.ts (one process), redis.ts (all of them).
 * Contract suite: node-board.contract.ts.
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
  /** Puts the entry in the place of the node's former one. @throws CONFAB_STATE_UNAVAILABLE */
  post(entry: NodeEntry): Promise<void>;
  /** Those that were renewed within ENTRY_MILLIS, by name. @throws CONFAB_STATE_UNAVAILABLE */
  list(now: number): Promise<NodeEntry[]>;
  /** Nothing where there is none. @throws CONFAB_STATE_UNAVAILABLE */
  remove(node: string): Promise<void>;
}

/** Longer than a pause of a healthy process, shorter than an operator's patience. */
export const ENTRY_MILLIS = 10_000;

/** Undefined for what is not an entry: another program wrote it. */
export function entryOf(text: string): NodeEntry | undefined {
  try {
    const entry = JSON.parse(text) as NodeEntry | null;
    return typeof entry?.node === 'string' && Number.isFinite(entry.at) && typeof entry.status === 'object' && entry.status !== null ? entry : undefined;
  } catch {
    return undefined;
  }
}

/** Those of the texts that are entries and not older than `within`, by name. One that is as far ahead was written by a wrong clock, and would never grow old. */
export function freshEntries(texts: Iterable<string>, now: number, within = ENTRY_MILLIS): NodeEntry[] {
  return [...texts].flatMap((text) => entryOf(text) ?? []).filter(({ at }) => Math.abs(now - at) < within).sort((a, b) => (a.node < b.node ? -1 : 1));
}
