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
    throw new ConfabError('CONFAB_DATA_DIR', { detail: `${folder}: ${(cause as Error).message}`, cause });
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
    throw new ConfabError('CONFAB_DATA_DIR', { detail: `${folder}: ${(cause as Error).message}`, cause });
  }
}

/** @throws CONFAB_DATA_DIR there is no data; CONFAB_DATA_VERSION it is of another version */
export function checkDataFormat(folder: string): void {
  if (!existsSync(join(folder, 'log', 'data.mdb')) && !existsSync(join(folder, 'format'))) throw new ConfabError('CONFAB_DATA_DIR', { detail: `${folder} holds no data of Confab` });
  let found = Number.NaN;
  try { found = Number(readFileSync(join(folder, 'format'), 'utf8')); } catch { /* Reported below. */ }
  if (found === DATA_FORMAT) return;
  const what = Number.isInteger(found) ? `format ${found}` : 'no known format';
  throw new ConfabError('CONFAB_DATA_VERSION', { detail: `${folder} has ${what}; this program reads and writes format ${DATA_FORMAT}` });
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
