/**
 * `concurrency`: a stage that waits, as for a language model, on Kafka. One at a time per partition against conversations side
 * by side; and what conversations that are answered at once notice of the slow ones beside them.
 */
import { partitionOf } from '../platform/partitioner.js';
import { progress, rounded, type Benchmark, type BenchmarkOptions } from './lib/benchmark.js';
import { needServers } from './lib/servers.js';
import { WaitingBench } from './lib/waiting-load.js';

const PARTITIONS = 4;

/** One conversation a partition: the runner itself takes its messages one at a time. */
function oneAtATime(brokers: string, millis: number): Promise<number> {
  const keys = Array.from({ length: PARTITIONS }, (_, partition) => {
    for (let i = 0; ; i += 1) if (partitionOf(`default/c${i}`, PARTITIONS) === partition) return `default/c${i}`;
  });
  return WaitingBench.with(brokers, PARTITIONS, async (bench) => {
    const turns = Math.ceil(6000 / millis);
    await bench.append(PARTITIONS * turns, { key: (i) => keys[i % PARTITIONS] ?? '', millis });
    const began = performance.now();
    await bench.startStage();
    await bench.until('the first', PARTITIONS, 60);
    const first = performance.now();
    await bench.until('one at a time', PARTITIONS * turns, 120);
    progress(`started after ${rounded(first - began, 0)} ms`);
    return PARTITIONS * (turns - 1) / (performance.now() - first) * 1000;
  });
}

function sideBySide(brokers: string, millis: number, conversations: number, turns: number): Promise<number> {
  return WaitingBench.with(brokers, PARTITIONS, async (bench) => {
    await bench.append(conversations * turns, { key: (i) => `default/c${i % conversations}`, millis });
    await bench.startStage();
    const from = Math.round(conversations * turns * 0.2);
    await bench.until('the first fifth', from, 120);
    const first = { at: performance.now(), answered: bench.answered };
    await bench.until('side by side', conversations * turns, 300);
    return (bench.answered - first.answered) / (performance.now() - first.at) * 1000;
  });
}

interface Beside { readonly p99Millis: number; readonly p50Millis: number; readonly besideP99Millis: number; readonly besideP50Millis: number }

function beside(brokers: string, millis: number, conversations: number, options: BenchmarkOptions): Promise<Beside> {
  return WaitingBench.with(brokers, PARTITIONS, async (bench) => {
    await bench.startStage();
    const fast = { perSecond: options.number('fast'), key: (i: number) => `default/fast-${i % 500}`, millis: 0 };
    const slow = { perSecond: options.number('slow'), key: (i: number) => `default/c${i % conversations}`, millis };
    await bench.measure(fast, 3);
    const alone = await bench.measure(fast, options.number('seconds'));
    const together = await bench.measure(fast, options.number('seconds'), slow);
    return { p50Millis: rounded(alone.p50Millis), p99Millis: rounded(alone.p99Millis), besideP50Millis: rounded(together.p50Millis), besideP99Millis: rounded(together.p99Millis) };
  });
}

export const concurrency: Benchmark = {
  purpose: 'a stage that waits, on Kafka: conversations side by side against one at a time per partition; fast ones beside slow ones',
  options: {
    millis: { default: '200', about: 'the stage waits so long for each message' },
    conversations: { default: '2000', about: 'conversations' },
    turns: { default: '20', about: 'messages of each conversation, for the throughput' },
    fast: { default: '200', about: 'messages a second of conversations that are answered at once' },
    slow: { default: '1000', about: 'messages a second of slow conversations beside them' },
    seconds: { default: '15', about: 'measured time of fast ones, alone and beside slow ones' },
  },
  async run(options) {
    const { kafka: { address } } = await needServers('kafka');
    const millis = options.number('millis');
    const conversations = options.number('conversations');
    const single = await oneAtATime(address, millis);
    progress(`one at a time per partition: ${rounded(single)} a second`);
    const many = await sideBySide(address, millis, conversations, options.number('turns'));
    progress(`side by side: ${rounded(many)} a second`);
    const fast = await beside(address, millis, conversations, options);
    return {
      oneAtATimePerSecond: rounded(single), perSecond: rounded(many), ratio: rounded(many / single), partitions: PARTITIONS, conversations, millis,
      fast, fastRatio: rounded(fast.besideP99Millis / fast.p99Millis),
    };
  },
};
