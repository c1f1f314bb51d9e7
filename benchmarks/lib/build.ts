/** Compiles the program and the processes that the benchmarks start: both sides run as plain JavaScript, made by tsc. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../platform/package-root.js';
import { BenchmarkError, progress } from './benchmark.js';

const root = packageRoot();

export function build(): void {
  progress('building');
  for (const project of ['tsconfig.build.json', 'benchmarks/tsconfig.json']) {
    try {
      execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    } catch (error) {
      throw new BenchmarkError(`the build failed: ${String((error as { stdout?: Buffer }).stdout ?? error)}`);
    }
  }
}

/** A built file: `main.js`, `benchmarks/load/sockets.js`. */
export const built = (path: string): string => join(root, 'dist', path);
