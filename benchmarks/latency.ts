/**
 * `latency`: open loop on Kafka with a process per role, from the time a message was due to the frame at the client; and the
 * hand loop's (no sockets: from the time due, through an append, to its reply read from the log).
 */
import { randomBytes } from 'node:crypto';
import type { LogLatencyResult, LogLatencySettings } from './load/log-latency.js';
import { BenchmarkError, median, progress, rounded, type Benchmark, type BenchmarkOptions } from './lib/benchmark.js';
import { nextMessage, Processes } from './lib/processes.js';
import { needServers, type Server } from './lib/servers.js';
import { checkLoad, startSocketLoad } from './lib/socket-load.js';
import { makeTopics, removeKeys, removeTopics } from './lib/topics.js';
import { startAllRoles } from './lib/all-roles.js';
import { startHandLoop } from './pipeline.js';

interface Servers { readonly kafka: Server; readonly redis: Server }
interface Percentiles { readonly p50Millis: number; readonly p99Millis: number; readonly p999Millis: number; readonly turns: number }

const percentiles = ({ p50Millis, p99Millis, p999Millis, turns }: Percentiles): Percentiles => (
  { p50Millis: rounded(p50Millis), p99Millis: rounded(p99Millis), p999Millis: rounded(p999Millis), turns });

/** Runs one side with topics of its own. */
async function side<T>(servers: Servers, run: (processes: Processes, prefix: string) => Promise<T>): Promise<T> {
  const prefix = `bench-${randomBytes(4).toString('hex')}.`;
  const processes = new Processes();
  try { return await run(processes, prefix); } finally {
    await processes.stopAll();
    await removeTopics(servers.kafka.address, prefix);
    await removeKeys(servers.redis.address, prefix);
  }
}

const timing = (options: BenchmarkOptions): { rate: number; warmupSeconds: number; seconds: number; conversations: number } => (
  { rate: options.number('rate'), warmupSeconds: options.number('warmup'), seconds: options.number('seconds'), conversations: options.number('conversations') });

const product = (servers: Servers, options: BenchmarkOptions): Promise<Percentiles> => side(servers, async (processes, prefix) => {
  const { ingestUrl, streamUrl } = await startAllRoles(processes, prefix, servers);
  progress('product: measuring');
  const load = await startSocketLoad(processes, { ...timing(options), ingestUrl, streamUrl, name: 'latency-', sockets: 1 });
  const result = await load.result;
  checkLoad(result);
  return percentiles(result);
});

const handLoop = (servers: Servers, options: BenchmarkOptions): Promise<Percentiles> => side(servers, async (processes, prefix) => {
  await makeTopics(servers.kafka.address, prefix);
  await startHandLoop(processes, prefix, servers);
  progress('hand loop: measuring');
  const settings: LogLatencySettings = { ...timing(options), brokers: servers.kafka.address, prefix };
  const running = processes.start('log-latency', 'benchmarks/load/log-latency.js', [JSON.stringify(settings)], {});
  const { result } = await nextMessage<{ type: 'result'; result: LogLatencyResult }>(running, 'result');
  if (result.unanswered > 0) throw new BenchmarkError(`the hand loop left ${result.unanswered} messages unanswered`);
  return percentiles(result);
});

/** Of each percentile by itself; undefined without a round. */
function medians(rounds: readonly Percentiles[]): Percentiles | undefined {
  const of = (name: keyof Percentiles): number => median(rounds.map((round) => round[name]));
  return rounds.length === 0 ? undefined : percentiles({ p50Millis: of('p50Millis'), p99Millis: of('p99Millis'), p999Millis: of('p999Millis'), turns: of('turns') });
}

export const latency: Benchmark = {
  purpose: 'open loop on Kafka, from the time due to the frame at the client: p50, p99, p99.9; and the hand loop\'s',
  options: {
    rate: { default: '200', about: 'messages a second' },
    warmup: { default: '10', about: 'seconds before' },
    seconds: { default: '60', about: 'measured time' },
    conversations: { default: '2000', about: 'conversations' },
    rounds: { default: '1', about: 'rounds of both by turns; medians' },
    side: { default: 'both', about: 'product, hand or both' },
  },
  async run(options) {
    const servers = await needServers('kafka', 'redis');
    const only = options.text('side');
    const [ours, hands]: [Percentiles[], Percentiles[]] = [[], []];
    for (let round = 1; round <= options.number('rounds'); round += 1) {
      // Who goes first changes with the rounds.
      for (const name of round % 2 === 1 ? ['product', 'hand'] : ['hand', 'product']) {
        if (only !== 'both' && only !== name) continue;
        const measured = await (name === 'product' ? product : handLoop)(servers, options);
        progress(`${name}: ${JSON.stringify(measured)}`);
        (name === 'product' ? ours : hands).push(measured);
      }
    }
    const [measured, hand] = [medians(ours), medians(hands)];
    return {
      ...measured, rate: options.number('rate'), seconds: options.number('seconds'), rounds: options.number('rounds'), handLoop: hand,
      ...measured !== undefined && hand !== undefined && { p50Ratio: rounded(measured.p50Millis / hand.p50Millis), p99Ratio: rounded(measured.p99Millis / hand.p99Millis) },
    };
  },
};
