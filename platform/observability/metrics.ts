/**
 * Metrics by prom-client. Names follow the Prometheus conventions: `confab_<thing>_<unit>_total|seconds|bytes`.
 * A component takes a Metrics and makes its own on it; label children are kept, not looked up per message.
 */
import { Registry } from 'prom-client';

export { Counter, Gauge, Histogram } from 'prom-client';
export type Metrics = Registry;

export function createMetrics(): Metrics {
  return new Registry();
}
