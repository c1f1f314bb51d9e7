/** What is running, by service: `.services/<name>/service.json`; and the addresses of all, for tests. */
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ADDRESSES_FILE, SERVICES_FOLDER } from './addresses.js';
import { isRunning, pause } from './processes.js';
import { ServiceError, type Started } from './service.js';

/** A started service; `docker` when compose runs it instead of processes of ours. */
export interface Entry extends Started {
  readonly docker?: boolean;
  readonly brokers?: number;
}

export const folderOf = (name: string): string => join(SERVICES_FOLDER, name);
const fileOf = (name: string): string => join(folderOf(name), 'service.json');

export function readEntry(name: string): Entry | undefined {
  return existsSync(fileOf(name)) ? JSON.parse(readFileSync(fileOf(name), 'utf8')) as Entry : undefined;
}

/** True when every process of the entry is alive, or its program is there. What compose runs is taken to be: `up` asks compose again. */
export function isUp(entry: Entry | undefined): entry is Entry {
  if (entry?.program !== undefined) return existsSync(entry.program);
  return entry !== undefined && (entry.docker === true || (entry.processes.length > 0 && entry.processes.every(isRunning)));
}

function writeWhole(file: string, value: unknown): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.draft`, `${JSON.stringify(value, null, 2)}\n`);
  renameSync(`${file}.draft`, file);
}

export function writeEntry(name: string, entry: Entry | undefined): void {
  if (entry === undefined) rmSync(fileOf(name), { force: true });
  else writeWhole(fileOf(name), entry);
}

/** Writes the addresses of everything that runs, or removes the file when nothing does. */
export function writeAddresses(names: readonly string[]): Record<string, string> {
  const addresses = Object.assign({}, ...names.map(readEntry).filter(isUp).map((entry) => entry.addresses)) as Record<string, string>;
  if (Object.keys(addresses).length > 0) writeWhole(ADDRESSES_FILE, addresses);
  else rmSync(ADDRESSES_FILE, { force: true });
  return addresses;
}

/** One `up` or `down` at a time in a working tree; a lock whose process is gone is taken over. */
export async function withLock<T>(run: () => Promise<T>): Promise<T> {
  mkdirSync(SERVICES_FOLDER, { recursive: true });
  const file = join(SERVICES_FOLDER, 'lock');
  const patience = performance.now() + 300_000;
  for (;;) {
    try { writeFileSync(file, String(process.pid), { flag: 'wx' }); break; } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    if (!holderLives(file)) { rmSync(file, { force: true }); continue; }
    if (performance.now() > patience) throw new ServiceError(`another \`services\` command holds ${file}`);
    await pause(200);
  }
  try { return await run(); } finally { rmSync(file, { force: true }); }
}

function holderLives(file: string): boolean {
  try {
    const text = readFileSync(file, 'utf8');
    if (text === '') return true;
    process.kill(Number(text), 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
