/** `npm run bench -- NAME [options]`, `npm run bench -- --list`. The last line of the output is one JSON object. */
import { cpus, loadavg, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { embedded } from './embedded.js';
import { idle } from './idle.js';
import { ingress } from './ingress.js';
import { latency } from './latency.js';
import { BenchmarkError, BenchmarkOptions, progress, rounded, type Benchmark } from './lib/benchmark.js';
import { build } from './lib/build.js';
import { page } from './page.js';
import { pipeline } from './pipeline.js';

const benchmarks: Readonly<Record<string, Benchmark>> = { pipeline, latency, ingress, embedded, idle, page };

function list(): string {
  return Object.entries(benchmarks).flatMap(([name, benchmark]) => [
    `${name.padEnd(10)} ${benchmark.purpose}`,
    ...Object.entries(benchmark.options).map(([option, { about, default: value }]) => `             --${option.padEnd(14)} ${about}${typeof value === 'boolean' ? '' : ` (${value})`}`),
  ]).join('\n');
}

async function main(): Promise<void> {
  const [name, ...rest] = process.argv.slice(2);
  if (name === undefined || name === '--list' || name === '--help') { process.stdout.write(`${list()}\n`); return; }
  const benchmark = benchmarks[name];
  if (benchmark === undefined) throw new BenchmarkError(`there is no benchmark "${name}"; there are ${Object.keys(benchmarks).join(', ')}`);
  const options = Object.fromEntries(Object.entries(benchmark.options).map(([option, { default: value }]) => [option, typeof value === 'boolean'
    ? { type: 'boolean' as const, default: value } : { type: 'string' as const, default: value }]));
  const { values } = parseArgs({ args: rest, options: { ...options, 'no-build': { type: 'boolean', default: false } } });
  if (values['no-build'] !== true) build();
  const load = loadavg()[0] ?? 0;
  if (load > cpus().length / 2) progress(`the machine is busy (load ${load.toFixed(1)}): the figures will be too low`);
  const result = await benchmark.run(new BenchmarkOptions(values));
  const machine = { node: process.version, cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), loadBefore: rounded(load) };
  process.stdout.write(`${JSON.stringify({ benchmark: name, ...result, machine })}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { process.exit(130); });

try { await main(); process.exit(0); } catch (error) {
  const told = error instanceof BenchmarkError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS') === true;
  process.stderr.write(`${told ? (error as Error).message : (error as Error).stack ?? String(error)}\n`);
  process.exit(1);
}
