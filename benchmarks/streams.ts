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

/** Medians of the rounds' ratios: the runner to Kafka Streams. */
function comparison(ours: readonly Side[], theirs: readonly Side[]): Record<string, unknown> {
  const ratios = (of: (side: Side) => number): number[] => ours.map((one, i) => of(one) / of(theirs[i] as Side));
  const rates = ratios((side) => side.turnsPerSecond);
  return {
    ratio: rounded(median(rates)), ratios: rates.map((one) => rounded(one)),
    bothHopsRatio: rounded(median(ratios((side) => side.bothHopsPerSecond))),
    // CPU time of processes and broker: it says what the rate cannot on a machine that others use too. Above 1: the runner takes less.
    cpuRatio: rounded(median(ratios(total).map((one) => 1 / one))),
  };
}

function figures(name: string, sides: readonly Side[]): Record<string, unknown> {
  if (sides.length === 0) return {};
  const field = (text: string): string => (name === '' ? text : `${name}${text[0]?.toUpperCase() ?? ''}${text.slice(1)}`);
  return { [field('turnsPerSecond')]: Math.round(median(sides.map((one) => one.turnsPerSecond))), [field('microsPerTurn')]: sides.at(-1)?.microsPerTurn };
}

export const streams: Benchmark = {
  purpose: 'three topics with trivial stages and state in the process, exactly once: the runner against Kafka Streams exactly_once_v2',
  options: {
    messages: { default: '400000', about: 'messages in messages.v1' },
    conversations: { default: '100000', about: 'conversations' },
    rounds: { default: '3', about: 'rounds of both by turns; the median of their ratios' },
    side: { default: 'both', about: 'runner, streams or both' },
    commit: { default: '100', about: 'commit.interval.ms of Kafka Streams; 100 is its default for exactly once' },
  },
  async run(options) {
    const { kafka } = await needServers('kafka');
    if (options.text('side') !== 'runner') await installPeer();
    const only = options.text('side');
    const [ours, theirs]: [Side[], Side[]] = [[], []];
    for (let round = 1; round <= options.number('rounds'); round += 1) {
      progress(`round ${round}`);
      // Who goes first changes: the broker is warmer, or busier with clearing away, for the second.
      for (const side of round % 2 === 1 ? ['runner', 'streams'] : ['streams', 'runner']) {
        if (only !== 'both' && only !== side) continue;
        const measured = await measureSide(side, side === 'runner' ? startRunner : startStreams(options), options, { kafka });
        (side === 'runner' ? ours : theirs).push(measured);
      }
    }
    return {
      ...only === 'both' && comparison(ours, theirs), ...figures('', ours), ...figures('streams', theirs),
      messages: options.number('messages'), conversations: options.number('conversations'), commitIntervalMillis: options.number('commit'), profile: ours.at(-1)?.profile,
    };
  },
};
