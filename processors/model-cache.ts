/** Trained models as files of a folder, by content hash. A cache: whatever goes wrong with it costs a training, no more. */
import { readdirSync, readFileSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../platform/make-folder.js';

/**
 * Reads and writes at start-up only, and where bots are edited. A file is written beside its place and moved there, so that a half-written one is
 * never read.
 * @param most after a write only so many of the newest are left; without it all
 */
export function fileModelCache(folder: string, most = Infinity): { get(hash: string): Buffer | undefined; set(hash: string, bytes: Buffer): void } {
  const path = (hash: string): string => join(folder, `${hash.replace(/[^0-9a-f]/g, '')}.model`);
  return {
    get(hash) {
      try { return readFileSync(path(hash)); } catch { return undefined; }
    },
    set(hash, bytes) {
      try {
        makeFolder(folder);
        const beside = `${path(hash)}.${process.pid}`;
        writeFileSync(beside, bytes);
        renameSync(beside, path(hash));
        if (most < Infinity) prune(folder, most);
      } catch { /* A folder that cannot be written only costs the next start a training. */ }
    },
  };
}

function prune(folder: string, most: number): void {
  const models = readdirSync(folder).filter((name) => name.endsWith('.model')).map((name) => ({ name, written: statSync(join(folder, name)).mtimeMs }));
  for (const { name } of models.sort((a, b) => b.written - a.written).slice(most)) unlinkSync(join(folder, name));
}
