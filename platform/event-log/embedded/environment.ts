/** The lmdb environment of the embedded log and its databases. */
import { join } from 'node:path';
import { open, type Database, type RootDatabase } from 'lmdb';
import { ConfabError } from '../../errors.js';
import type { TopicConfig } from '../event-log.js';

export interface TopicEntry {
  readonly name: string;
  readonly id: string;
  readonly config: TopicConfig;
  /** Number of the file of each partition; a file is a range of keys in `records` and is never used again. */
  readonly files: readonly number[];
}

export interface FileEntry {
  readonly start: number;
  /** At least this; the last block may lie beyond. */
  readonly end: number;
  /** Compaction has gone over everything below. */
  readonly cleanedTo: number;
  /** Records below `cleanedTo` when it had. */
  readonly cleanRecords: number;
}

export interface Environment {
  readonly root: RootDatabase;
  /** blockKey → block. */
  readonly records: Database<Buffer, Buffer>;
  /** `<group>\0<topic>\0<partition>` → u48 offset, metadata. */
  readonly offsets: Database<Buffer, Buffer>;
  /** Key of an append → what it wrote. */
  readonly known: Database<Buffer, Buffer>;
  /** expiryKey → nothing. */
  readonly expiries: Database<Buffer, Buffer>;
  /** `next-file` → number, `topic/<id>` → TopicEntry, `file/<number>` → FileEntry, `gone/<number>` → true. */
  readonly meta: Database<unknown, string>;
}

export function openEnvironment(folder: string, readOnly: boolean): Environment {
  const binary = { encoding: 'binary', keyEncoding: 'binary' } as const;
  const root = open({
    path: join(folder, 'log'), noSubdir: false, maxDbs: 8, readOnly, cache: false, compression: false, ...binary,
    // A transaction is synced before it is visible and before its promise resolves (fdatasync, then the meta page by O_DSYNC).
    overlappingSync: false, noSync: false, noMetaSync: false,
    // What belongs together is said by `transact`. Left on, lmdb-js keeps a promise of its own for each turn, and when the disk
    // refuses a write its rejection is handled by nobody and ends the process.
    eventTurnBatching: false,
  });
  return {
    root,
    records: root.openDB({ name: 'records', ...binary }),
    offsets: root.openDB({ name: 'offsets', ...binary }),
    known: root.openDB({ name: 'known', ...binary }),
    expiries: root.openDB({ name: 'expiries', ...binary }),
    meta: root.openDB({ name: 'meta', encoding: 'json' }),
  };
}

/**
 * Makes the puts and removals of `change` one transaction; resolves when it is synced. `change` must not throw: what it has
 * put until then would be committed.
 * @throws CONFAB_LOG_UNAVAILABLE nothing of it is there
 */
export async function transact(env: Environment, change: () => void): Promise<void> {
  try {
    await env.root.batch(change);
  } catch (cause) {
    // lmdb-js rejects a second promise with the system's error, which it also prints.
    void (cause as { commitError?: Promise<unknown> }).commitError?.catch(() => undefined);
    throw new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: 'the disk refused a write', cause });
  }
}
