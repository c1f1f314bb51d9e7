/**
 * `pipeline`: intent and dialogue as two processes over a preloaded messages.v1, from 20 % to 100 % of the committed replies;
 * and the hand loop that does the same work, in the same run. `--full`: all roles, sockets both ways (pipeline-full.ts).
 */
import { randomBytes } from 'node:crypto';
import { median, progress, rounded, type Benchmark, type BenchmarkOptions } from './lib/benchmark.js';
import { CpuMeter } from './lib/cpu.js';
import { preload } from './lib/preload.js';
import { nextMessage, Processes, type Running } from './lib/processes.js';
import { countReplies, type Mark } from './lib/reply-counter.js';
import { needServers, type Server } from './lib/servers.js';
import { makeTopics, removeKeys, removeTopics } from './lib/topics.js';
import { runFull } from './pipeline-full.js';

interface Servers { readonly kafka: Server; readonly redis: Server }
interface Side { readonly turnsPerSecond: number; readonly microsPerTurn: Record<string, number> }
export type Start = (processes: Processes, prefix: string, servers: Servers) => Promise<Running[]>;

const BEGIN = 0.2;

const startProduct: Start = async (processes, prefix, { kafka, redis }) => {
  const settings = { CONFAB_KAFKA_BROKERS: kafka.address, CONFAB_REDIS_URL: redis.address, CONFAB_PREFIX: prefix };
  return Promise.all(['intent', 'dialogue'].map((role) => processes.startConfab(role, ['--role', role], settings)));
};

export const startHandLoop: Start = async (processes, prefix, { kafka, redis }) => {
  const env = { HAND_BROKERS: kafka.address, HAND_REDIS: redis.address, HAND_PREFIX: prefix };
  const running = ['intent', 'dialogue'].map((name) => processes.start(name, `benchmarks/hand-loop/${name}.js`, [], env));
  await Promise.all(running.map((one) => nextMessage(one, 'ready')));
  return running;
};

async function measureSide(name: string, start: Start, options: BenchmarkOptions, servers: Servers): Promise<Side> {
  const prefix = `bench-${randomBytes(4).toString('hex')}.`;
  const processes = new Processes();
  const total = options.number('messages');
  try {
    await makeTopics(servers.kafka.address, prefix);
    await preload(servers.kafka.address, prefix, { messages: total, conversations: options.number('conversations') });
    progress(`${name}: starting`);
    const marks: { begin?: Mark; end?: Mark } = {};
    let meter: CpuMeter | undefined;
    let microsPerTurn: Record<string, number> = {};
    const counter = await countReplies({ brokers: servers.kafka.address, prefix, total, marks: [
      { share: BEGIN, reached: (mark) => { marks.begin = mark; meter?.start(); } },
      { share: 1, reached: (mark) => { marks.end = mark; microsPerTurn = meter?.perUnit(total * (1 - BEGIN)) ?? {}; } },
    ] });
    try {
      const running = await start(processes, prefix, servers);
      meter = new CpuMeter({ ...Object.fromEntries(running.map((one) => [one.name, [one.pid]])), kafka: servers.kafka.pids, redis: servers.redis.pids });
      await counter.done;
    } finally { await counter.stop(); }
    const seconds = ((marks.end?.at ?? 0) - (marks.begin?.at ?? 0)) / 1000;
    const turnsPerSecond = ((marks.end?.count ?? 0) - (marks.begin?.count ?? 0)) / seconds;
    progress(`${name}: ${Math.round(turnsPerSecond)} turns/s over ${seconds.toFixed(1)} s; CPU µs a turn ${JSON.stringify(microsPerTurn)}`);
    return { turnsPerSecond, microsPerTurn };
  } finally {
    await processes.stopAll();
    await removeTopics(servers.kafka.address, prefix);
    await removeKeys(servers.redis.address, prefix);
  }
}

/** Both sides by turns, so that a slow spell of the machine does not fall on one of them; medians of the rounds. */
async function runPipeline(options: BenchmarkOptions): Promise<Record<string, unknown>> {
  const servers = await needServers('kafka', 'redis');
  const side = options.text('side');
  const product: Side[] = [];
  const hand: Side[] = [];
  for (let round = 1; round <= options.number('rounds'); round += 1) {
    progress(`round ${round}`);
    if (side !== 'hand') product.push(await measureSide('product', startProduct, options, servers));
    if (side !== 'product') hand.push(await measureSide('hand loop', startHandLoop, options, servers));
  }
  const rate = (sides: readonly Side[]): number | undefined => sides.length === 0 ? undefined : median(sides.map((one) => one.turnsPerSecond));
  const [turnsPerSecond, handLoopTurnsPerSecond] = [rate(product), rate(hand)];
  return {
    ...turnsPerSecond !== undefined && { turnsPerSecond: Math.round(turnsPerSecond) },
    ...handLoopTurnsPerSecond !== undefined && { handLoopTurnsPerSecond: Math.round(handLoopTurnsPerSecond) },
    ...turnsPerSecond !== undefined && handLoopTurnsPerSecond !== undefined && { ratio: rounded(turnsPerSecond / handLoopTurnsPerSecond) },
    messages: options.number('messages'), conversations: options.number('conversations'),
    microsPerTurn: product.at(-1)?.microsPerTurn, handLoopMicrosPerTurn: hand.at(-1)?.microsPerTurn,
  };
}

export const pipeline: Benchmark = {
  purpose: 'turns a second of intent and dialogue on Kafka and Redis, against a loop written by hand; --full: all roles with sockets',
  options: {
    messages: { default: '200000', about: 'messages in messages.v1' },
    conversations: { default: '100000', about: 'conversations' },
    rounds: { default: '1', about: 'rounds of product and hand loop by turns; medians' },
    side: { default: 'both', about: 'product, hand or both; with --full also none' },
    full: { default: false, about: 'then also with ingest sockets, all stages and egress sockets' },
    seconds: { default: '20', about: '--full: measured time' },
    warmup: { default: '10', about: '--full: time before' },
    window: { default: '2000', about: '--full: messages under way' },
    sockets: { default: '4', about: '--full: sockets each way' },
    'full-conversations': { default: '20000', about: '--full: conversations' },
  },
  async run(options) {
    const stages = options.text('side') === 'none' ? {} : await runPipeline(options);
    return options.flag('full') ? { ...stages, ...await runFull(options) } : stages;
  },
};
