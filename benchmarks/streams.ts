/**
 * `streams`: the three topics with trivial stages, exactly once, on the runner (two processes of Node) and in Kafka Streams
 * exactly_once_v2 (one process of Java with two stream threads), by turns over the same preloaded messages.
 */
import { median, progress, rounded, type Benchmark, type BenchmarkOptions } from './lib/benchmark.js';
import { installPeer, startPeer } from './lib/java-peer.js';
import { measureSide, type Servers, type Side, type Start } from './lib/preloaded-run.js';
import { nextMessage } from './lib/processes.js';
import { needServers } from './lib/servers.js';

const startRunner: Start<Servers> = async (processes, prefix, { kafka }) => {
  const running = ['intent', 'dialogue'].map((name) => processes.start(name, 'benchmarks/three-topics/stage.js', [name, kafka.address, prefix], {}));
  await Promise.all(running.map((one) => nextMessage(one, 'ready')));
  return running;
};

const startStreams = (options: BenchmarkOptions): Start<Servers> => async (processes, prefix, { kafka }) => [
  await startPeer(processes, { brokers: kafka.address, prefix, threads: 2, commitMillis: options.number('commit') }),
];

const total = ({ microsPerTurn }: Side): number => rounded(Object.values(microsPerTurn).reduce((sum, one) => sum + one, 0), 1);

export const streams: Benchmark = {
  purpose: 'three topics with trivial stages and state in the process, exactly once: the runner against Kafka Streams exactly_once_v2',
  options: {
    messages: { default: '400000', about: 'messages in messages.v1' },
    conversations: { default: '100000', about: 'conversations' },
    rounds: { default: '3', about: 'rounds of both by turns; the median of their ratios' },
    commit: { default: '100', about: 'commit.interval.ms of Kafka Streams; 100 is its default for exactly once' },
  },
  async run(options) {
    const { kafka } = await needServers('kafka');
    await installPeer();
    const rounds: { readonly runner: Side; readonly streams: Side; readonly ratio: number }[] = [];
    for (let round = 1; round <= options.number('rounds'); round += 1) {
      progress(`round ${round}`);
      // Who goes first changes: the broker is warmer, or busier with clearing away, for the second.
      const both: Partial<Record<'runner' | 'streams', Side>> = {};
      for (const side of round % 2 === 1 ? ['runner', 'streams'] as const : ['streams', 'runner'] as const) {
        both[side] = await measureSide(side, side === 'runner' ? startRunner : startStreams(options), options, { kafka });
      }
      const { runner, streams } = both as Record<'runner' | 'streams', Side>;
      rounds.push({ runner, streams, ratio: runner.turnsPerSecond / streams.turnsPerSecond });
      progress(`ratio ${rounded(runner.turnsPerSecond / streams.turnsPerSecond)}`);
    }
    const last = rounds.at(-1);
    return {
      ratio: rounded(median(rounds.map((one) => one.ratio))), ratios: rounds.map((one) => rounded(one.ratio)),
      turnsPerSecond: Math.round(median(rounds.map((one) => one.runner.turnsPerSecond))), streamsTurnsPerSecond: Math.round(median(rounds.map((one) => one.streams.turnsPerSecond))),
      bothHopsRatio: rounded(median(rounds.map((one) => one.runner.bothHopsPerSecond / one.streams.bothHopsPerSecond))),
      // Of processes and broker: it says what the rate cannot on a machine that others use too.
      cpuRatio: rounded(median(rounds.map((one) => total(one.streams) / total(one.runner)))),
      microsPerTurn: last?.runner.microsPerTurn, streamsMicrosPerTurn: last?.streams.microsPerTurn,
      messages: options.number('messages'), conversations: options.number('conversations'), commitIntervalMillis: options.number('commit'), profile: last?.runner.profile,
    };
  },
};
