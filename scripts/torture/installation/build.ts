/** The program as it is now, in a folder of its own: what others edit or build meanwhile does not reach a run. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { packageRoot } from '../../../platform/package-root.js';

/** Folders of the program; the rest of the package (schemas, bots, pages) is read where it stands. */
const FOLDERS = ['cli', 'composition', 'egress', 'ingress', 'inspect', 'operate', 'platform', 'processors', 'schemas', 'topology'];
const ROOTS = ['main.ts', 'confab.ts'];

const isProgram = (name: string): boolean => name.endsWith('.ts') && !/\.(test|contract)\.ts$|(^|\/)(testing\.ts|contract\/)/.test(name);

/** Writes the modules into `folder`, which must be below the package; gives the file to run. */
export async function buildProgram(folder: string): Promise<string> {
  const root = packageRoot();
  const files = FOLDERS.flatMap((name) => (readdirSync(join(root, name), { recursive: true }) as string[]).map((file) => join(name, file))).filter(isProgram);
  // Types are the type check's business; this takes half a second.
  await build({ entryPoints: [...ROOTS, ...files].map((file) => join(root, file)), outdir: folder, outbase: root, format: 'esm', platform: 'node', target: 'node20', logLevel: 'warning' });
  return join(folder, 'confab.js');
}
