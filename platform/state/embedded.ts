/**
 * State store in an lmdb environment of its own, for the single process on the embedded log.
 *
 * It is a view, so nothing is synced to the disk: values and watermark of a write stand in one lmdb transaction, and a killed
 * process leaves the last one whole, because the kernel holds the pages. What a machine that went down left behind cannot be
 * trusted: the folder remembers the boot under which it was written, and after another boot, unless it was closed in order,
 * it is made anew, empty, and rebuilt from the log.
 */
import { open, type Database, type RootDatabase } from 'lmdb';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfabError } from '../errors.js';
import { makeFolder } from '../make-folder.js';
import type { StateEntry, StateRead, StateStore, Watermark } from './state-store.js';

const FORMAT = 'confab-state 1';
const MARK = '\0watermark';
const MAP_BYTES = 64 * 1024 * 1024;

export interface EmbeddedStateOptions {
  /** A folder of its own, e.g. `<data directory>/state`. Made when it is missing. */
  readonly path: string;
  /** Identifies the running boot of the machine; default: the kernel's, where it has one. */
  readonly boot?: string;
}

type Partition = Database<Buffer, string>;

export class EmbeddedStateStore implements StateStore {
  readonly kind = 'embedded';
  private readonly root: RootDatabase<Buffer, string>;
  private readonly partitions = new Map<string, Partition>();
  private readonly stamp: string;
  private closed = false;

  /** @throws CONFAB_DATA_DIR the folder cannot be used */
  constructor(options: EmbeddedStateOptions) {
    this.stamp = join(options.path, 'opened');
    const boot = options.boot ?? kernelBoot();
    try {
      if (!trusted(this.stamp, boot)) rmSync(options.path, { recursive: true, force: true });
      makeFolder(options.path);
      writeFileSync(this.stamp, `${FORMAT}\n${boot}\n`);
      this.root = open<Buffer, string>({
        path: join(options.path, 'view.lmdb'), encoding: 'binary', noSync: true, overlappingSync: false, maxDbs: 1_024, mapSize: MAP_BYTES, cache: false,
      });
    } catch (cause) {
      throw new ConfabError('CONFAB_DATA_DIR', { detail: 'The folder of the state view cannot be used.', cause });
    }
  }

  async read(view: string, partition: number, keys: readonly string[]): Promise<StateRead> {
    // Synchronous from here on: nothing of this process can write between two of the reads.
    const held = this.partition(view, partition);
    return { entries: keys.map((key) => parseEntry(key, held.get(key))), watermark: parseMark(held.get(MARK)) };
  }

  async write(view: string, partition: number, entries: readonly StateEntry[], watermark: Watermark, expected: number): Promise<boolean> {
    const held = this.partition(view, partition);
    return this.atomic(() => {
      const mark = parseMark(held.get(MARK));
      if (mark?.epoch !== watermark.epoch || mark.offset < expected) return false;
      for (const entry of entries) {
        const old = held.get(entry.key);
        if (old === undefined || reflectsOf(old) <= entry.reflects) held.putSync(entry.key, formatEntry(entry));
      }
      if (watermark.offset > mark.offset) held.putSync(MARK, Buffer.from(`${watermark.offset} ${watermark.epoch}`));
      return true;
    });
  }

  async reset(view: string, partition: number, epoch: string): Promise<void> {
    const held = this.partition(view, partition);
    this.atomic(() => {
      if (parseMark(held.get(MARK))?.epoch === epoch) return;
      held.clearSync();
      held.putSync(MARK, Buffer.from(`0 ${epoch}`));
    });
  }

  async check(): Promise<void> { this.guard(); }

  /** Brings everything to the disk, so that the next boot can trust it. */
  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.root.flushed;
    await this.root.close();
    writeFileSync(this.stamp, `${FORMAT}\nclosed\n`, { flush: true });
  }

  private partition(view: string, partition: number): Partition {
    this.guard();
    const name = `${partition} ${view}`;
    let found = this.partitions.get(name);
    if (!found) {
      found = this.root.openDB<Buffer, string>({ name, encoding: 'binary', cache: false });
      this.partitions.set(name, found);
    }
    return found;
  }

  private atomic<T>(work: () => T): T {
    try {
      return this.root.transactionSync(work);
    } catch (cause) {
      throw new ConfabError('CONFAB_STATE_UNAVAILABLE', { detail: 'The state view on the disk cannot be written.', cause });
    }
  }

  private guard(): void {
    if (this.closed) throw new ConfabError('CONFAB_STATE_UNAVAILABLE', { detail: 'The state store is closed.' });
  }
}

function trusted(stamp: string, boot: string): boolean {
  let text: string;
  try { text = readFileSync(stamp, 'utf8'); } catch { return false; }
  const [format, state] = text.split('\n');
  return format === FORMAT && (state === 'closed' || (state === boot && boot !== ''));
}

/** '' where the system does not tell: then only a folder that was closed in order is trusted. */
function kernelBoot(): string {
  try { return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(); } catch { return ''; }
}

/** Length of `reflects` (one byte), `reflects`, 1 for a value or 0 for a tombstone, bytes. */
function formatEntry({ reflects, value }: StateEntry): Buffer {
  const head = reflects.length;
  const bytes = Buffer.allocUnsafe(head + 2 + (value?.length ?? 0));
  bytes[0] = head;
  bytes.write(reflects, 1, 'latin1');
  bytes[head + 1] = value === null ? 0 : 1;
  value?.copy(bytes, head + 2);
  return bytes;
}

function reflectsOf(bytes: Buffer): string { return bytes.toString('latin1', 1, 1 + (bytes[0] ?? 0)); }

function parseEntry(key: string, bytes: Buffer | undefined): StateEntry | undefined {
  if (bytes === undefined) return undefined;
  const flag = 1 + (bytes[0] ?? 0);
  return { key, reflects: reflectsOf(bytes), value: bytes[flag] === 1 ? Buffer.from(bytes.subarray(flag + 1)) : null };
}

function parseMark(bytes: Buffer | undefined): Watermark | undefined {
  const match = /^(\d+) (.*)$/.exec(bytes?.toString('latin1') ?? '');
  return match ? { offset: Number(match[1]), epoch: match[2] ?? '' } : undefined;
}
