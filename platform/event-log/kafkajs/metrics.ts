/** What the Kafka adapter counts; per send and per commit, never per record. */
import { Counter, Histogram, type Metrics } from '../../observability/metrics.js';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

export interface KafkaMetrics {
  sent(records: number, seconds: number): void;
  appendFailed(code: string): void;
  committed(group: string, seconds: number): void;
  joined(group: string): void;
}

export const noMetrics: KafkaMetrics = { sent: () => undefined, appendFailed: () => undefined, committed: () => undefined, joined: () => undefined };

/** Once for a registry. */
export function kafkaMetrics(registry: Metrics): KafkaMetrics {
  const registers = [registry];
  const records = new Counter({ name: 'confab_kafka_appended_records_total', help: 'Records handed to Kafka outside of transactions.', registers });
  const sends = new Histogram({ name: 'confab_kafka_send_seconds', help: 'Duration of a send of an appender.', buckets: SECONDS, registers });
  const failures = new Counter({ name: 'confab_kafka_append_failures_total', help: 'Appends that failed, by code.', labelNames: ['code'], registers });
  const commits = new Histogram({ name: 'confab_kafka_commit_seconds', help: 'Duration of a commit.', labelNames: ['group'], buckets: SECONDS, registers });
  const generations = new Counter({ name: 'confab_kafka_generations_total', help: 'Generations of a group that this process took part in.', labelNames: ['group'], registers });
  return {
    sent: (count, seconds) => { records.inc(count); sends.observe(seconds); },
    appendFailed: (code) => { failures.inc({ code }); },
    committed: (group, seconds) => { commits.observe({ group }, seconds); },
    joined: (group) => { generations.inc({ group }); },
  };
}
