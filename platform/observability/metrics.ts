/**
 * Metrics by prom-client. Names follow the Prometheus conventions: `confab_<thing>_<unit>`, counters end in `_total`,
 * times are seconds, sizes bytes. A component takes a Metrics and makes its own on it; label children are kept, not looked
 * up per message. `docs/metrics.md` is generated from where they are made.
 */
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';

export { Counter, Gauge, Histogram } from 'prom-client';
export type Metrics = Registry;

/** A registry without process metrics: for tests and tools. */
export function createMetrics(): Metrics {
  return new Registry();
}

/** The registry of a process: with the metrics of Node (CPU, memory, event loop) and what runs here. */
export function createProcessMetrics(options: { readonly version: string; readonly roles: readonly string[] }): Metrics {
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const info = new Gauge({ name: 'confab_build_info', help: 'Always 1; the labels say what runs here.', labelNames: ['version', 'roles'], registers: [metrics] });
  info.set({ version: options.version, roles: options.roles.length === 0 ? 'all' : options.roles.join(',') }, 1);
  return metrics;
}

/** One metric, as far as its name says. */
export interface NamedMetric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  readonly help: string;
}

const FORM = /^confab_[a-z][a-z0-9]*(_[a-z0-9]+)*$/;
const WRONG_UNIT = /_(ms|millis|milliseconds|minutes|micros|kb|mb|kib|mib|percent)(_total)?$/;
const UNIT = /_(seconds|bytes|ratio|records|messages|frames|events|partitions|entries|turns|conversations)$/;

/** Why a name breaks the conventions; empty when it does not. */
export function metricNameFaults({ name, type, help }: NamedMetric): string[] {
  const faults: string[] = [];
  if (!FORM.test(name)) faults.push('must be confab_ and lower-case words joined by _');
  if (WRONG_UNIT.test(name)) faults.push('must have a base unit: seconds, bytes, ratio');
  if ((type === 'counter') !== name.endsWith('_total')) faults.push(type === 'counter' ? 'a counter ends in _total' : 'only counters end in _total');
  if (type === 'histogram' && !UNIT.test(name)) faults.push('a histogram ends in its unit');
  if (!/^[A-Z].*\.$/s.test(help)) faults.push('the help must be a sentence');
  return faults;
}

/** Faults of every metric of a registry that is ours, as `name: fault`. */
export async function metricFaults(metrics: Metrics): Promise<string[]> {
  const all = (await metrics.getMetricsAsJSON()) as unknown as NamedMetric[];
  return all.filter(({ name }) => !/^(process|nodejs)_/.test(name)).flatMap((metric) => metricNameFaults(metric).map((fault) => `${metric.name}: ${fault}`));
}
