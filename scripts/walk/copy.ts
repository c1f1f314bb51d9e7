/** A copy of the tree as a fresh clone after `npm ci` is: the project's files, built, with the packages linked. */
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../platform/package-root.js';

/** Makes a built copy that others are copied from; `remove` deletes it. */
export function makeBase(): { readonly folder: string; remove(): void } {
  const root = packageRoot();
  const folder = mkdtempSync(join(tmpdir(), 'confab-walk-'));
  const files = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8', maxBuffer: 1 << 26 });
  for (const file of new Set(files.split('\0'))) {
    if (file === '' || !existsSync(join(root, file))) continue;
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    cpSync(join(root, file), join(folder, file));
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  const built = spawnSync('npm', ['run', '--silent', 'build'], { cwd: folder, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`npm run build failed:\n${built.stdout}${built.stderr}`);
  return { folder, remove: () => { rmSync(folder, { recursive: true, force: true, maxRetries: 5 }); } };
}

/** A copy of the base for one document. */
export function copyBase(base: string): { readonly folder: string; readonly scratch: string; remove(): void } {
  const whole = mkdtempSync(join(tmpdir(), 'confab-walk-'));
  const folder = join(whole, 'confab');
  cpSync(base, folder, { recursive: true, verbatimSymlinks: true });
  const scratch = join(whole, 'scratch');
  mkdirSync(scratch);
  return { folder, scratch, remove: () => { rmSync(whole, { recursive: true, force: true, maxRetries: 5 }); } };
}
