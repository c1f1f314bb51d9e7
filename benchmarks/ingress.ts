/**
 * `ingress`: POSTs a second of the ingress role on Kafka (each acknowledged by the log) against a bare Fastify handler with
 * the same validation that answers at once. The load is a process of its own; both sides by turns.
 */
import { randomBytes } from 'node:crypto';
import type { HttpLoadResult, HttpLoadSettings } from './load/http.js';
import { BenchmarkError, median, progress, rounded, type Benchmark, type BenchmarkOptions } from './lib/benchmark.js';
import { nextMessage, Processes, type Running } from './lib/processes.js';
import { needServers } from './lib/servers.js';
import { makeTopics, removeKeys, removeTopics } from './lib/topics.js';

async function measure(processes: Processes, name: string, url: string, options: BenchmarkOptions): Promise<HttpLoadResult> {
  const settings: HttpLoadSettings = { url, connections: options.number('connections'), pipelining: options.number('pipelining'), warmupSeconds: options.number('warmup'), seconds: options.number('seconds') };
  const load: Running = processes.start('load', 'benchmarks/load/http.js', [JSON.stringify(settings)], {});
  const { result } = await nextMessage<{ type: 'result'; result: HttpLoadResult }>(load, 'result');
  progress(`${name}: ${Math.round(result.requestsPerSecond)} POST/s, p50 ${result.p50Millis} ms, p99 ${result.p99Millis} ms`);
  if (result.failed > 0) throw new BenchmarkError(`${name}: ${result.failed} requests were not answered with 2xx`);
  return result;
}

export const ingress: Benchmark = {
  purpose: 'POST/s of the ingress role against a bare Fastify handler with the same validation',
  options: {
    seconds: { default: '15', about: 'measured time of each side and round' },
    warmup: { default: '5', about: 'time before' },
    connections: { default: '64', about: 'connections' },
    pipelining: { default: '1', about: 'requests under way on a connection' },
    rounds: { default: '2', about: 'rounds of both sides by turns; medians' },
  },
  async run(options) {
    const servers = await needServers('kafka', 'redis');
    const prefix = `bench-${randomBytes(4).toString('hex')}.`;
    const processes = new Processes();
    try {
      await makeTopics(servers.kafka.address, prefix);
      const product = await processes.startConfab('ingress', ['--role', 'ingress'], { CONFAB_KAFKA_BROKERS: servers.kafka.address, CONFAB_REDIS_URL: servers.redis.address, CONFAB_PREFIX: prefix });
      const bare = processes.start('bare', 'benchmarks/load/bare-fastify.js', [], {});
      const { url: bareUrl } = await nextMessage<{ type: 'listening'; url: string }>(bare, 'listening');
      const results: { product: HttpLoadResult; bare: HttpLoadResult }[] = [];
      for (let round = 0; round < options.number('rounds'); round += 1) {
        results.push({ bare: await measure(processes, 'bare', bareUrl, options), product: await measure(processes, 'ingress', product.url, options) });
      }
      const requestsPerSecond = median(results.map((one) => one.product.requestsPerSecond));
      const bareRequestsPerSecond = median(results.map((one) => one.bare.requestsPerSecond));
      return {
        requestsPerSecond: Math.round(requestsPerSecond), bareRequestsPerSecond: Math.round(bareRequestsPerSecond), ratio: rounded(requestsPerSecond / bareRequestsPerSecond),
        p50Millis: median(results.map((one) => one.product.p50Millis)), p99Millis: median(results.map((one) => one.product.p99Millis)), connections: options.number('connections'),
      };
    } finally {
      await processes.stopAll();
      await removeTopics(servers.kafka.address, prefix);
      await removeKeys(servers.redis.address, prefix);
    }
  },
};
