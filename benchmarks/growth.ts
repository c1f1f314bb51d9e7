/**
 * `growth`: whether a message costs more, and a process holds more, the more conversations there are. One dialogue process for
 * each size, over states that are all there already; the same number of messages to each at the same rate, by turns, so that a
 * slow spell of the machine does not fall on one of them. A message is uniformly of any of the conversations: the worst case
 * for what a process remembers.
 */
import { randomBytes } from 'node:crypto';
import type { MemoryTold } from './load/gc-hook.js';
import { BenchmarkError, median, progress, rounded, type Benchmark, type BenchmarkOptions } from './lib/benchmark.js';
import { built } from './lib/build.js';
import { CpuMeter } from './lib/cpu.js';
import { Grown, makeTemplates, type Templates } from './lib/grown.js';
import { nextMessage, pause, Processes, type Running } from './lib/processes.js';
import { needServers, type Server } from './lib/servers.js';
import { removeKeys, removeTopics } from './lib/topics.js';

interface Servers { readonly kafka: Server; readonly redis: Server }
interface Round { readonly micros: number; readonly redisMicros: number; readonly heapMiB: number; readonly residentMiB: number }

/** An installation of one size, and what was measured on it. */
interface Size { readonly grown: Grown; readonly running: Running; readonly rebuilt: number; readonly rounds: Round[] }

/** Sends per second. */
const BEATS = 50;
const PATIENCE = 120_000;

async function prepare(processes: Processes, servers: Servers, conversations: number, prefix: string, templates: Templates): Promise<Size> {
  progress(`${conversations} conversations: writing and rebuilding their states`);
  const addresses = { kafka: servers.kafka.address, redis: servers.redis.address };
  const { grown, rebuilt } = await Grown.make(addresses, prefix, conversations, templates);
  progress(`${conversations} conversations: rebuilt at ${Math.round(rebuilt)} records/s; starting`);
  const settings = { CONFAB_KAFKA_BROKERS: addresses.kafka, CONFAB_REDIS_URL: addresses.redis, CONFAB_PREFIX: prefix, NODE_OPTIONS: `--import=${new URL(`file://${built('benchmarks/load/gc-hook.js')}`).href}` };
  const running = await processes.startConfab('dialogue', ['--role', 'dialogue'], settings);
  return { grown, running, rebuilt, rounds: [] };
}

/** Of the process, from its metrics; all stages and labels together. */
async function counted(running: Running, name: string): Promise<number> {
  const text = await (await fetch(`${running.url}/metrics`)).text();
  return [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)`, 'gm'))].reduce((sum, [, value]) => sum + Number(value), 0);
}

async function loaded(size: Size, messages: number, rate: number, redis: Server): Promise<Round> {
  const { grown, running } = size;
  const before = await counted(running, 'confab_stage_inputs_committed_total');
  const meter = new CpuMeter({ dialogue: [running.pid], redis: redis.pids });
  meter.start();
  const began = performance.now();
  const most = Math.max(1, Math.round(rate / BEATS));
  for (let sent = 0; sent < messages;) {
    const count = Math.min(most, messages - sent);
    await grown.send(count);
    sent += count;
    const ahead = began + sent / rate * 1000 - performance.now();
    if (ahead > 0) await pause(ahead);
  }
  for (const patience = performance.now() + PATIENCE; await counted(running, 'confab_stage_inputs_committed_total') - before < messages;) {
    if (performance.now() > patience) throw new BenchmarkError(`not all messages were processed within ${PATIENCE / 1000} s`);
    await pause(100);
  }
  const { dialogue = Number.NaN, redis: redisMicros = Number.NaN } = meter.perUnit(messages);
  const told = nextMessage<MemoryTold>(running, 'memory');
  running.child.send({ type: 'collect' });
  const { heapMiB, residentMiB } = await told;
  return { micros: dialogue, redisMicros, heapMiB, residentMiB };
}

/** A figure of work that was not done is none. */
async function insist({ running, grown }: Size): Promise<void> {
  for (const name of ['confab_stage_inputs_dropped_total', 'confab_stage_dead_letters_total', 'confab_stage_state_heals_total']) {
    const count = await counted(running, name);
    if (count > 0) throw new BenchmarkError(`${grown.conversations} conversations: ${name} is ${count}`);
  }
}

function resultOf({ grown, rounds, rebuilt }: Size): Record<string, number> {
  const of = (pick: (round: Round) => number): number => median(rounds.map(pick));
  const last = rounds.at(-1);
  return {
    conversations: grown.conversations, microsPerMessage: rounded(of((round) => round.micros), 1), redisMicrosPerMessage: rounded(of((round) => round.redisMicros), 1),
    heapMiB: rounded(last?.heapMiB ?? Number.NaN, 1), residentMiB: rounded(last?.residentMiB ?? Number.NaN, 1), rebuiltRecordsPerSecond: Math.round(rebuilt),
  };
}

async function run(options: BenchmarkOptions): Promise<Record<string, unknown>> {
  const servers = await needServers('kafka', 'redis');
  const [messages, rate, rounds] = [options.number('messages'), options.number('rate'), options.number('rounds')];
  const wanted = options.text('sizes').split(',').map(Number);
  if (wanted.length === 0 || wanted.some((size) => !Number.isInteger(size) || size < 1)) throw new BenchmarkError('--sizes takes whole numbers, such as 1000,100000');
  const run = `bench-${randomBytes(4).toString('hex')}`;
  const processes = new Processes();
  const sizes: Size[] = [];
  try {
    const templates = await makeTemplates();
    for (const size of wanted) sizes.push(await prepare(processes, servers, size, `${run}-${size}.`, templates));
    // The first round is for the compiler, and fills what the process remembers.
    for (let round = 0; round <= rounds; round += 1) {
      for (const size of round % 2 === 0 ? sizes : [...sizes].reverse()) {
        const found = await loaded(size, messages, rate, servers.redis);
        progress(`${round === 0 ? 'warm-up' : `round ${round}`}, ${size.grown.conversations} conversations: ${JSON.stringify(found)}`);
        if (round > 0) size.rounds.push(found);
      }
    }
    for (const size of sizes) await insist(size);
    const results = sizes.map(resultOf);
    const spread = (field: string): number => rounded(Math.max(...results.map((one) => one[field] ?? Number.NaN)) / Math.min(...results.map((one) => one[field] ?? Number.NaN)));
    return { sizes: results, cpuSpread: spread('microsPerMessage'), heapSpread: spread('heapMiB'), residentSpread: spread('residentMiB'), messages, rate, rounds };
  } finally {
    await processes.stopAll();
    for (const { grown } of sizes) await grown.close();
    await removeTopics(servers.kafka.address, run);
    await removeKeys(servers.redis.address, run);
  }
}

export const growth: Benchmark = {
  purpose: 'dialogue on Kafka and Redis with 1 k, 100 k and 1 M conversations: CPU a message and memory of the process, side by side',
  options: {
    sizes: { default: '1000,100000,1000000', about: 'conversations' },
    messages: { default: '40000', about: 'messages of a round to each size' },
    rate: { default: '2000', about: 'messages a second' },
    rounds: { default: '3', about: 'measured rounds, by turns; medians' },
  },
  run,
};
