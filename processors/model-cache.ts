/** Trained models as files of a folder, by content hash. A cache: whatever goes wrong with it costs a training, no more. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../platform/make-folder.js';

/**
 * Reads and writes at start-up only. A file is written beside its place and moved there, so that a half-written one is
 * never read.
 */
export function fileModelCache(folder: string): { get(hash: string): Buffer | undefined; set(hash: string, bytes: Buffer): void } {
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
      } catch { /* A folder that cannot be written only costs the next start a training. */ }
    },
  };
}
