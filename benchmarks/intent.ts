/** `intent`: every figure of intent detection on the corpora, and nlp.js in the same run. The text table goes before the JSON line. */
import { join, resolve } from 'node:path';
import { packageRoot } from '../platform/package-root.js';
import { BenchmarkError, progress, rounded, type Benchmark, type BenchmarkOptions } from './lib/benchmark.js';
import { Corpora } from './intent/corpora.js';
import { PARTS, type Parts } from './intent/parts.js';
import { isMet, tableOf, type Row } from './intent/rows.js';

const NAMES = Object.keys(PARTS);

async function run(options: BenchmarkOptions): Promise<Record<string, unknown>> {
  const only = options.text('only') === '' ? NAMES : options.text('only').split(',').map((name) => name.trim());
  const unknown = only.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new BenchmarkError(`there is no part "${unknown}"; there are ${NAMES.join(', ')}`);
  const folder = options.text('corpora') === '' ? join(packageRoot(), '..', 'shared', 'corpora') : resolve(options.text('corpora'));
  const parts: Parts = { corpora: new Corpora(folder), seed: options.number('seed'), folder };
  const rows: Row[] = [];
  for (const name of only) {
    progress(name);
    rows.push(...await PARTS[name]?.(parts) ?? []);
  }
  process.stdout.write(`${tableOf(rows)}\n`);
  return {
    reached: rows.every(isMet),
    rows: rows.map((row) => ({ name: row.name, value: rounded(row.value, 4), unit: row.unit, ...(row.least !== undefined && { least: row.least }), ...(row.most !== undefined && { most: row.most }), reached: isMet(row) })),
  };
}

export const intent: Benchmark = {
  purpose: 'intent detection on public corpora: accuracy, out of scope, calibration, typing errors, languages, time, memory; nlp.js in the same run',
  options: {
    corpora: { default: '', about: 'folder of the corpora (../shared/corpora)' },
    only: { default: '', about: `parts, with commas between: ${NAMES.join(',')}` },
    seed: { default: '1', about: 'of the typing errors' },
  },
  run,
};
