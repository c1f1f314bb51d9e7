/** The data directory: its format version and its lock. `log/` is the event log; other embedded stores have folders beside it. */
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { ConfabError } from '../../errors.js';
import { makeFolder } from '../../make-folder.js';
import { takeLock } from './lock-file.js';

/** Of all that is written below the data directory. Raise it with a migration from the version before. */
export const DATA_FORMAT = 1;

/**
 * Makes or checks the directory and locks it for this process.
 * @returns releases the lock
 * @throws CONFAB_DATA_DIR, CONFAB_DATA_VERSION, CONFAB_LOG_LOCKED
 */
export function openDataDirectory(folder: string): () => void {
  try {
    makeFolder(join(folder, 'log'));
  } catch (cause) {
    throw dataDirError(folder, cause);
  }
  const release = lock(folder);
  try {
    if (!existsSync(join(folder, 'format')) && !existsSync(join(folder, 'log', 'data.mdb'))) writeFormat(folder);
    checkDataFormat(folder);
  } catch (error) {
    release();
    throw error;
  }
  return release;
}

function lock(folder: string): () => void {
  try {
    return takeLock(folder);
  } catch (cause) {
    if (cause instanceof ConfabError) throw cause;
    throw dataDirError(folder, cause);
  }
}

/** What keeps a folder from being used, in words that a person understands. */
export function dataDirError(folder: string, cause: unknown): ConfabError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const full = `The disk of ${folder} is full.`;
  const forbidden = `This user may not write to ${folder}.`;
  const known: Readonly<Record<string, string>> = {
    EACCES: forbidden, EPERM: forbidden,
    EROFS: `${folder} is on a file system that is read-only.`,
    ENOSPC: full,
    EDQUOT: `The quota of the disk of ${folder} is used up.`,
    ENOTDIR: `${folder} leads through a file.`,
    EEXIST: `${folder} is a file.`,
  };
  // lmdb gives the words of the system without the code.
  const found = known[code ?? ''] ?? (/no space left/i.test(message) ? full : /permission denied/i.test(message) ? forbidden : undefined);
  return new ConfabError('CONFAB_DATA_DIR', { detail: found ?? `${folder}: ${message}`, cause });
}

/** @throws CONFAB_DATA_DIR there is no data; CONFAB_DATA_VERSION it is of another version */
export function checkDataFormat(folder: string): void {
  if (!existsSync(join(folder, 'log', 'data.mdb')) && !existsSync(join(folder, 'format'))) throw new ConfabError('CONFAB_DATA_DIR', { detail: `${folder} holds no data of Confab` });
  let found = Number.NaN;
  try { found = Number(readFileSync(join(folder, 'format'), 'utf8')); } catch { /* Reported below. */ }
  if (found === DATA_FORMAT) return;
  const detail = found > DATA_FORMAT
    ? `${folder} was written by a newer Confab (format ${found}; this one knows ${DATA_FORMAT}).`
    : `${folder} has ${Number.isInteger(found) ? `format ${found}` : 'no known format'}; this program reads and writes format ${DATA_FORMAT}.`;
  throw new ConfabError('CONFAB_DATA_VERSION', { detail });
}

function writeFormat(folder: string): void {
  const path = join(folder, 'format');
  const file = openSync(`${path}.new`, 'w');
  writeSync(file, `${DATA_FORMAT}\n`);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.new`, path);
  // The rename itself is durable once the directory is synced.
  const directory = openSync(folder, 'r');
  try { fsyncSync(directory); } finally { closeSync(directory); }
}
