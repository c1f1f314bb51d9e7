/** `npm run bench -- NAME [options]`, `npm run bench -- --list`. The last line of the output is one JSON object. */
import { cpus, loadavg, totalmem } from 'node:os';
import { parseArgs } from 'node:util';
import { audit } from './audit.js';
import { concurrency } from './concurrency.js';
import { diff } from './diff.js';
import { dialogue } from './dialogue.js';
import { egress } from './egress.js';
import { embedded } from './embedded.js';
import { fairness } from './fairness.js';
import { growth } from './growth.js';
import { idle } from './idle.js';
import { ingress } from './ingress.js';
import { intent } from './intent.js';
import { latency } from './latency.js';
import { BenchmarkError, BenchmarkOptions, progress, rounded, type Benchmark } from './lib/benchmark.js';
import { build } from './lib/build.js';
import { profileInto } from './lib/profile.js';
import { closeOwnServers, openOwnServers } from './lib/servers.js';
import { page } from './page.js';
import { pipeline } from './pipeline.js';
import { rebalance } from './rebalance.js';
import { rollout } from './rollout.js';
import { slots } from './slots.js';
import { streams } from './streams.js';

const benchmarks: Readonly<Record<string, Benchmark>> = { pipeline, streams, latency, concurrency, fairness, growth, rebalance, ingress, embedded, idle, page, audit, dialogue, diff, intent, slots, rollout, egress };

function list(only: readonly string[] = Object.keys(benchmarks)): string {
  return Object.entries(benchmarks).filter(([name]) => only.includes(name)).flatMap(([name, benchmark]) => [
    `${name.padEnd(10)} ${benchmark.purpose}`,
    ...Object.entries(benchmark.options).map(([option, { about, default: value }]) => `             --${option.padEnd(14)} ${about}${typeof value === 'boolean' ? '' : ` (${value})`}`),
  ]).concat(
    'every benchmark takes',
    '             --own            Kafka and Redis started for this run alone, where it needs them',
    '             --profile        folder for a CPU profile of each Node process of it (slower; "")',
    '             --no-build       what is built in dist is measured',
  ).join('\n');
}

async function main(): Promise<void> {
  const [name, ...rest] = process.argv.slice(2);
  if (name === undefined || name === '--list' || name === '--help') { process.stdout.write(`${list()}\n`); return; }
  const benchmark = benchmarks[name];
  if (benchmark === undefined) throw new BenchmarkError(`there is no benchmark "${name}"; there are ${Object.keys(benchmarks).join(', ')}`);
  if (rest.includes('--help')) { process.stdout.write(`${list([name])}\n`); return; }
  const options = Object.fromEntries(Object.entries(benchmark.options).map(([option, { default: value }]) => [option, typeof value === 'boolean'
    ? { type: 'boolean' as const, default: value } : { type: 'string' as const, default: value }]));
  const { values } = parseArgs({ args: rest, options: { ...options, 'no-build': { type: 'boolean', default: false }, own: { type: 'boolean', default: false }, profile: { type: 'string', default: '' } } });
  const load = loadavg()[0] ?? 0;
  if (values['no-build'] !== true) build();
  if (values.profile !== '') profileInto(String(values.profile));
  if (load > cpus().length / 2) progress(`the machine is busy (load ${load.toFixed(1)}): the figures will be too low`);
  if (values.own === true) await openOwnServers();
  const result = await benchmark.run(new BenchmarkOptions(values)).finally(closeOwnServers);
  const machine = { node: process.version, cores: cpus().length, memoryGiB: Math.round(totalmem() / 2 ** 30), loadBefore: rounded(load) };
  process.stdout.write(`${JSON.stringify({ benchmark: name, ...result, machine })}\n`);
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { process.exit(130); });

try { await main(); process.exit(0); } catch (error) {
  const told = error instanceof BenchmarkError || String((error as { code?: unknown }).code).startsWith('ERR_PARSE_ARGS');
  process.stderr.write(`${told ? (error as Error).message : (error as Error).stack ?? String(error)}\n`);
  process.exit(1);
}
