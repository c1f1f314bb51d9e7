/** One writer a data directory: a file that names its process. That of a process that is gone is taken over. */
import { readFileSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfabError } from '../../errors.js';

interface Holder { readonly pid: number; readonly started: string }

/**
 * @returns releases the lock
 * @throws CONFAB_LOG_LOCKED naming the process that holds it
 */
export function takeLock(folder: string): () => void {
  const path = join(folder, 'lock');
  const mine = JSON.stringify({ pid: process.pid, started: startOf(process.pid) });
  for (let attempt = 0; attempt < 5; attempt += 1) {
    try {
      writeFileSync(path, mine, { flag: 'wx' });
      return () => { if (read(path) === mine) unlinkSync(path); };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const found = read(path);
    if (found === undefined) continue;
    const holder = parse(found);
    if (holder && isAlive(holder)) throw new ConfabError('CONFAB_LOG_LOCKED', { detail: `Confab runs on ${folder} already, as process ${holder.pid}.` });
    removeStale(path, found);
  }
  throw new ConfabError('CONFAB_LOG_LOCKED', { detail: `The file ${path} could not be taken. Remove it if no Confab runs on ${folder}.` });
}

/** Moves the file away first, so that of two processes which found it stale only one removes it. */
function removeStale(path: string, expected: string): void {
  const aside = `${path}.${process.pid}`;
  try { renameSync(path, aside); } catch { return; }
  // Another process was faster and this is its lock: put it back.
  if (read(aside) !== expected) renameSync(aside, path); else unlinkSync(aside);
}

function read(path: string): string | undefined {
  try { return readFileSync(path, 'utf8'); } catch { return undefined; }
}

function parse(text: string): Holder | undefined {
  try {
    const holder = JSON.parse(text) as Holder;
    return Number.isInteger(holder.pid) && holder.pid > 0 ? holder : undefined;
  } catch { return undefined; }
}

/** The same process, not another one that got its number (in a container every start gets the same). */
function isAlive(holder: Holder): boolean {
  try { process.kill(holder.pid, 0); } catch (error) { if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false; }
  const started = startOf(holder.pid);
  return started === '' || holder.started === '' || started === holder.started;
}

/** When a process began, in ticks since boot, with the boot's id; '' where the system does not tell. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}/${ticks}`;
  } catch { return ''; }
}
