/**
 * `fairness`: one tenant sends many times what a stage can do; another tenant, in the same partitions, is measured without
 * and with it. The stage waits for each message and makes so many calls at once: that is its capacity.
 */
import { rounded, type Benchmark } from './lib/benchmark.js';
import { needServers } from './lib/servers.js';
import { WaitingBench } from './lib/waiting-load.js';

const PARTITIONS = 4;

export const fairness: Benchmark = {
  purpose: 'p99 of a tenant, without and with another one that sends many times what the stage can do, on Kafka',
  options: {
    millis: { default: '100', about: 'the stage waits so long for each message' },
    calls: { default: '20', about: 'calls of the stage under way at once' },
    times: { default: '10', about: 'what the other tenant sends, as a multiple of what the stage can do' },
    rate: { default: '30', about: 'messages a second of the tenant that is measured' },
    seconds: { default: '20', about: 'measured time, without and with the other' },
  },
  async run(options) {
    const { kafka: { address } } = await needServers('kafka');
    const millis = options.number('millis');
    const calls = options.number('calls');
    const capacity = calls * 1000 / millis;
    return WaitingBench.with(address, PARTITIONS, async (bench) => {
      await bench.startStage(calls);
      const quiet = { perSecond: options.number('rate'), key: (i: number) => `quiet/q${i % 200}`, millis };
      const noisy = { perSecond: capacity * options.number('times'), key: (i: number) => `noisy/n${i % 5000}`, millis };
      await bench.measure(quiet, 3);
      const alone = await bench.measure(quiet, options.number('seconds'));
      const before = bench.answered;
      const together = await bench.measure(quiet, options.number('seconds'), noisy);
      return {
        p50Millis: rounded(alone.p50Millis), p99Millis: rounded(alone.p99Millis), besideP50Millis: rounded(together.p50Millis), besideP99Millis: rounded(together.p99Millis),
        ratio: rounded(together.p99Millis / alone.p99Millis), measured: together.measured, capacityPerSecond: capacity, times: options.number('times'),
        answeredOfAll: bench.answered - before, sentByTheOther: Math.round(noisy.perSecond * options.number('seconds')),
      };
    });
  },
};
