/**
 * `egress`: what a node of the role egress holds, costs and stands, over sockets of a client of a few lines in a process of its
 * own. Every reply carries its number: a figure is worth nothing when one was lost, repeated or out of order.
 */
import { fanOutSection } from './egress/fan-out.js';
import { killSection } from './egress/kill.js';
import { latencySection } from './egress/latency.js';
import { memorySection } from './egress/memory.js';
import { recoverSection } from './egress/recover.js';
import { slowReadersSection } from './egress/slow-readers.js';
import { stormSection } from './egress/storm.js';
import { throughputSection } from './egress/throughput.js';
import { BenchmarkError, progress, type Benchmark, type BenchmarkOptions } from './lib/benchmark.js';

const sections: Readonly<Record<string, (options: BenchmarkOptions) => Promise<Record<string, unknown>>>> = {
  memory: memorySection, throughput: throughputSection, fanout: fanOutSection, latency: latencySection, slow: slowReadersSection, storm: stormSection, kill: killSection, recover: recoverSection,
};

function chosen(text: string): string[] {
  const names = text === 'all' ? Object.keys(sections) : text.split(',');
  const unknown = names.find((name) => !Object.hasOwn(sections, name));
  if (unknown !== undefined) throw new BenchmarkError(`there is no section "${unknown}"; there are ${Object.keys(sections).join(', ')}`);
  return names;
}

export const egress: Benchmark = {
  purpose: 'sockets of egress: memory, CPU a reply, fan-out, latency, slow readers, a storm, kill -9 of a node, resumes from the log; nothing lost or repeated',
  options: {
    'only': { default: 'all', about: `sections, by commas: ${Object.keys(sections).join(', ')}` },
    'idle-sockets': { default: '15000', about: 'memory: sockets on one node' },
    'presence': { default: false, about: 'memory: with CONFAB_PRESENCE' },
    'sockets': { default: '10000', about: 'throughput, fanout, latency: sockets' },
    'rounds': { default: '15', about: 'throughput: replies to each socket' },
    'fan-outs': { default: '20', about: 'fanout: replies to all sockets' },
    'rate': { default: '1000', about: 'latency, slow: replies a second' },
    'warm-up': { default: '25', about: 'latency: seconds before' },
    'seconds': { default: '30', about: 'latency: measured time' },
    'slow-sockets': { default: '2000', about: 'slow: sockets, one in a hundred of them slow' },
    'slow-seconds': { default: '10', about: 'slow: measured time of each phase' },
    'slow-rounds': { default: '2', about: 'slow: rounds without and beside slow readers; medians' },
    'flood': { default: '8', about: 'slow: MiB to each slow reader before' },
    'storm-sockets': { default: '5000', about: 'storm: sockets that come at once' },
    'storm-rounds': { default: '5', about: 'storm: rounds, after one that warms up; medians' },
    'kill-sockets': { default: '10000', about: 'kill: sockets on two nodes' },
    'records': { default: '1000000', about: 'recover: replies in the partition' },
    'clients': { default: '1000', about: 'recover: clients that resume from its log' },
    'live-rate': { default: '200', about: 'recover: replies a second to others meanwhile' },
    'recover-rounds': { default: '2', about: 'recover: rounds, after one that warms up; medians' },
    'kill-rate': { default: '1000', about: 'kill: replies a second' },
  },
  async run(options) {
    const results: Record<string, unknown> = {};
    for (const name of chosen(options.text('only'))) {
      progress(`section ${name}`);
      const began = performance.now();
      results[name] = await sections[name]?.(options);
      progress(`${name} (${Math.round((performance.now() - began) / 1000)} s): ${JSON.stringify(results[name])}`);
    }
    return results;
  },
};
