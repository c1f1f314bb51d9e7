/**
 * `idle`: resident memory of a process that has nothing to do, some time after it is ready. The first start trains the
 * example bot's model, later ones read it from the cache; `--kafka`: each role as a process of its own on Kafka and Redis.
 */
import { randomBytes } from 'node:crypto';
import { progress, type Benchmark, type BenchmarkOptions } from './lib/benchmark.js';
import { peakMiB, residentMiB } from './lib/cpu.js';
import { pause, Processes, type Running } from './lib/processes.js';
import { needServers } from './lib/servers.js';
import { removeKeys, removeTopics } from './lib/topics.js';
import { ROLES, startAllRoles } from './lib/all-roles.js';

interface Idle {
  readonly residentMiB: number;
  /** The most it ever was, so far. */
  readonly peakMiB: number;
  readonly readyMillis: number;
}

async function measure(running: readonly Running[], seconds: number): Promise<Record<string, Idle>> {
  progress(`ready; measuring in ${seconds} s`);
  await pause(seconds * 1000);
  return Object.fromEntries(running.map(({ name, pid, readyMillis }) => [name, { residentMiB: Math.round(residentMiB(pid)), peakMiB: Math.round(peakMiB(pid)), readyMillis: Math.round(readyMillis) }]));
}

/** The single process on the embedded log, twice on the same data directory. */
async function runEmbedded(seconds: number): Promise<Record<string, unknown>> {
  const processes = new Processes();
  try {
    const settings = { CONFAB_DATA_DIR: processes.scratchFolder() };
    const found: Idle[] = [];
    for (const name of ['first', 'second']) {
      const running = await processes.startConfab(name, [], settings);
      found.push((await measure([running], seconds))[name] as Idle);
      await processes.stop(running);
    }
    const [first, second] = found;
    return { residentMiB: Math.max(first?.residentMiB ?? 0, second?.residentMiB ?? 0), readyMillis: first?.readyMillis, first, second };
  } finally { await processes.stopAll(); }
}

async function runKafka(seconds: number): Promise<Record<string, unknown>> {
  const servers = await needServers('kafka', 'redis');
  const prefix = `bench-${randomBytes(4).toString('hex')}.`;
  const processes = new Processes();
  try {
    const { running } = await startAllRoles(processes, prefix, servers, { CONFAB_DATA_DIR: processes.scratchFolder() });
    const roles = await measure(running, seconds);
    return { residentMiB: Math.max(...ROLES.map((role) => roles[role]?.residentMiB ?? 0)), roles };
  } finally {
    await processes.stopAll();
    await removeTopics(servers.kafka.address, prefix);
    await removeKeys(servers.redis.address, prefix);
  }
}

export const idle: Benchmark = {
  purpose: 'resident memory of an idle `confab start` with the example bot, first and second start; --kafka: of each role on Kafka',
  options: {
    seconds: { default: '30', about: 'time after ready' },
    kafka: { default: false, about: 'a process for each role on Kafka and Redis' },
  },
  run: (options: BenchmarkOptions) => (options.flag('kafka') ? runKafka : runEmbedded)(options.number('seconds')),
};
