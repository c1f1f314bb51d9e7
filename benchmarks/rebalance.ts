/**
 * `rebalance`: the processors go from one process to four and back, one at a time, under a steady open loop. The longest
 * silence is the longest time that any conversation waited for the outcome of a message, from when the message was due; what
 * was lost, doubled or out of order is judged from the log.
 */
import { randomBytes } from 'node:crypto';
import { BenchmarkError, median, progress, rounded, type Benchmark, type BenchmarkOptions } from './lib/benchmark.js';
import { judge } from './lib/judge.js';
import { pause, Processes, type Running } from './lib/processes.js';
import { needServers, type Server } from './lib/servers.js';
import { checkLoad, startSocketLoad } from './lib/socket-load.js';
import { makeTopics, removeKeys, removeTopics } from './lib/topics.js';

interface Servers { readonly kafka: Server; readonly redis: Server }
interface Change { readonly what: string; readonly second: number }
interface Round {
  readonly longestSilenceMillis: number;
  /** By what happened last before it. */
  readonly silences: readonly (Change & { readonly longestMillis: number })[];
  readonly p50Millis: number;
  readonly p99Millis: number;
  readonly turns: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly reordered: number;
}

/** A round takes as long as its changes take; it is ended from here. */
const AT_MOST_SECONDS = 3600;

/** Which roles move together, and which stay in a process each. */
function rolesOf(moving: string): { moving: string[]; staying: string[] } {
  const processors = ['intent', 'dialogue', 'analytics'];
  if (moving !== 'all' && !processors.includes(moving)) throw new BenchmarkError(`--roles is all or one of ${processors.join(', ')}`);
  const chosen = moving === 'all' ? processors : [moving];
  return { moving: chosen, staying: processors.filter((role) => !chosen.includes(role)) };
}

const roleArguments = (roles: readonly string[]): string[] => roles.flatMap((role) => ['--role', role]);

/** Up to `--processes` and down again; each change is given `--pause` seconds. SIGTERM, as an orchestrator would. */
async function scale(processes: Processes, first: Running, options: BenchmarkOptions, start: (name: string) => Promise<Running>, told: (what: string) => void): Promise<void> {
  const running = [first];
  const wait = (): Promise<void> => pause(options.number('pause') * 1000);
  for (let count = 2; count <= options.number('processes'); count += 1) {
    told(`${count - 1} → ${count}`);
    running.push(await start(`processors-${count}`));
    await wait();
  }
  // The oldest go first, so that every partition moves once more.
  for (let count = running.length; count > 1; count -= 1) {
    told(`${count} → ${count - 1}`);
    await processes.stop(running.shift() as Running);
    await wait();
  }
}

async function runRound(servers: Servers, options: BenchmarkOptions): Promise<Round> {
  const prefix = `bench-${randomBytes(4).toString('hex')}.`;
  const processes = new Processes();
  try {
    await makeTopics(servers.kafka.address, prefix);
    const settings = { CONFAB_KAFKA_BROKERS: servers.kafka.address, CONFAB_REDIS_URL: servers.redis.address, CONFAB_PREFIX: prefix };
    const { moving, staying } = rolesOf(options.text('roles'));
    const start = (name: string): Promise<Running> => processes.startConfab(name, roleArguments(moving), settings);
    const [ingress, egress, first] = await Promise.all([
      processes.startConfab('ingress', ['--role', 'ingress'], settings), processes.startConfab('egress', ['--role', 'egress'], settings), start('processors-1'),
      ...staying.map((role) => processes.startConfab(role, ['--role', role], settings)),
    ]);
    const load = await startSocketLoad(processes, {
      ingestUrl: ingress.url, streamUrl: egress.url, name: 'rebalance-', sockets: 1, conversations: options.number('conversations'),
      rate: options.number('rate'), warmupSeconds: options.number('warmup'), seconds: AT_MOST_SECONDS,
    });
    await load.measuring;
    const began = performance.now();
    const changes: Change[] = [];
    await scale(processes, first, options, start, (what) => { progress(what); changes.push({ what, second: Math.floor((performance.now() - began) / 1000) }); });
    load.end();
    const result = await load.result;
    checkLoad(result);
    const { lost, duplicated, reordered } = await judge(servers.kafka.address, prefix);
    const silences = changes.map((change, i) => ({ ...change, longestMillis: Math.max(0, ...result.longestBySecond.slice(change.second, changes[i + 1]?.second)) }));
    const round = { longestSilenceMillis: Math.round(result.maxMillis), silences, p50Millis: rounded(result.p50Millis), p99Millis: rounded(result.p99Millis), turns: result.turns, lost, duplicated, reordered };
    progress(JSON.stringify(round));
    if (lost + duplicated + reordered > 0) throw new BenchmarkError(`${lost} lost, ${duplicated} duplicated, ${reordered} reordered`);
    return round;
  } finally {
    await processes.stopAll();
    await removeTopics(servers.kafka.address, prefix);
    await removeKeys(servers.redis.address, prefix);
  }
}

export const rebalance: Benchmark = {
  purpose: 'processors from one process to four and back under load: longest silence of a conversation, and what the log says was lost, doubled or reordered',
  options: {
    rounds: { default: '1', about: 'rounds; the worst silence of all, medians of the percentiles' },
    processes: { default: '4', about: 'processes at the most' },
    roles: { default: 'all', about: 'what moves: all processors together, or intent, dialogue, analytics' },
    rate: { default: '200', about: 'messages a second' },
    conversations: { default: '2000', about: 'conversations' },
    warmup: { default: '8', about: 'seconds before' },
    pause: { default: '5', about: 'seconds after each change' },
  },
  async run(options) {
    const servers = await needServers('kafka', 'redis');
    const rounds: Round[] = [];
    for (let round = 1; round <= options.number('rounds'); round += 1) rounds.push(await runRound(servers, options));
    const sum = (of: (round: Round) => number): number => rounds.reduce((total, round) => total + of(round), 0);
    return {
      longestSilenceMillis: Math.max(...rounds.map((round) => round.longestSilenceMillis)), lost: sum((round) => round.lost), duplicated: sum((round) => round.duplicated), reordered: sum((round) => round.reordered),
      p50Millis: median(rounds.map((round) => round.p50Millis)), p99Millis: median(rounds.map((round) => round.p99Millis)), turns: sum((round) => round.turns),
      processes: options.number('processes'), roles: options.text('roles'), rate: options.number('rate'), silences: rounds.at(-1)?.silences,
    };
  },
};
