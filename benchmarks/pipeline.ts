/**
 * `pipeline`: intent and dialogue as two processes over a preloaded messages.v1, from 20 % to 100 % of the committed replies;
 * and the hand loop that does the same work, in the same run. `--full`: all roles, sockets both ways (pipeline-full.ts).
 */
import { median, progress, rounded, type Benchmark, type BenchmarkOptions } from './lib/benchmark.js';
import { measureSide, type Side, type Start } from './lib/preloaded-run.js';
import { nextMessage } from './lib/processes.js';
import { needServers, type Server } from './lib/servers.js';
import { runFull } from './pipeline-full.js';

export interface PipelineServers { readonly kafka: Server; readonly redis: Server }
type StartPipeline = Start<PipelineServers>;

const startProduct: StartPipeline = async (processes, prefix, { kafka, redis }) => {
  const settings = { CONFAB_KAFKA_BROKERS: kafka.address, CONFAB_REDIS_URL: redis.address, CONFAB_PREFIX: prefix };
  return Promise.all(['intent', 'dialogue'].map((role) => processes.startConfab(role, ['--role', role], settings)));
};

export const startHandLoop: StartPipeline = async (processes, prefix, { kafka, redis }) => {
  const env = { HAND_BROKERS: kafka.address, HAND_REDIS: redis.address, HAND_PREFIX: prefix };
  const running = ['intent', 'dialogue'].map((name) => processes.start(name, `benchmarks/hand-loop/${name}.js`, [], env));
  await Promise.all(running.map((one) => nextMessage(one, 'ready')));
  return running;
};

/** Both sides by turns, so that a slow spell of the machine does not fall on one of them; the ratio is the median of the rounds' ratios. */
async function runPipeline(options: BenchmarkOptions): Promise<Record<string, unknown>> {
  const servers = await needServers('kafka', 'redis');
  const side = options.text('side');
  const product: Side[] = [];
  const hand: Side[] = [];
  // A broker that has just started compiles its own code meanwhile, several times its usual CPU a message.
  for (let round = 1; round <= options.number('warm-rounds'); round += 1) await measureSide('warming the broker', side === 'hand' ? startHandLoop : startProduct, options, servers);
  for (let round = 1; round <= options.number('rounds'); round += 1) {
    progress(`round ${round}`);
    if (side !== 'hand') product.push(await measureSide('product', startProduct, options, servers));
    if (side !== 'product') hand.push(await measureSide('hand loop', startHandLoop, options, servers));
  }
  const rate = (sides: readonly Side[]): number | undefined => sides.length === 0 ? undefined : Math.round(median(sides.map((one) => one.turnsPerSecond)));
  const hops = (sides: readonly Side[]): number => median(sides.map((one) => one.bothHopsPerSecond));
  const ratios = product.flatMap((one, i) => hand[i] === undefined ? [] : one.turnsPerSecond / hand[i].turnsPerSecond);
  return {
    turnsPerSecond: rate(product), handLoopTurnsPerSecond: rate(hand), ...ratios.length > 0 && { ratio: rounded(median(ratios)), ratios: ratios.map((one) => rounded(one)), bothHopsRatio: rounded(hops(product) / hops(hand)) },
    messages: options.number('messages'), conversations: options.number('conversations'),
    microsPerTurn: product.at(-1)?.microsPerTurn, handLoopMicrosPerTurn: hand.at(-1)?.microsPerTurn,
    profile: product.at(-1)?.profile, handLoopProfile: hand.at(-1)?.profile,
  };
}

export const pipeline: Benchmark = {
  purpose: 'turns a second of intent and dialogue on Kafka and Redis, against a loop written by hand; --full: all roles with sockets',
  options: {
    messages: { default: '200000', about: 'messages in messages.v1' },
    conversations: { default: '100000', about: 'conversations' },
    rounds: { default: '1', about: 'rounds of product and hand loop by turns; medians' },
    'warm-rounds': { default: '1', about: 'runs before the first round that are not counted' },
    side: { default: 'both', about: 'product, hand or both; with --full also none' },
    full: { default: false, about: 'then also with ingest sockets, all stages and egress sockets' },
    seconds: { default: '20', about: '--full: measured time' },
    warmup: { default: '20', about: '--full: time before' },
    window: { default: '2000', about: '--full: messages under way' },
    sockets: { default: '4', about: '--full: sockets each way' },
    'full-conversations': { default: '20000', about: '--full: conversations' },
  },
  async run(options) {
    const stages = options.text('side') === 'none' ? {} : await runPipeline(options);
    return options.flag('full') ? { ...stages, ...await runFull(options) } : stages;
  },
};
