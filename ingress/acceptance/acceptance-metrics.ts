/** Metrics of acceptance; counted per batch where they can be. */
import { Counter, Histogram, type Metrics } from '../../platform/observability/metrics.js';
import type { ErrorCode } from '../../platform/errors.js';

export interface AcceptanceMetrics {
  accepted(count: number): void;
  duplicates(count: number): void;
  refused(code: ErrorCode): void;
  batch(records: number, millis: number): void;
}

export const noMetrics: AcceptanceMetrics = { accepted: () => undefined, duplicates: () => undefined, refused: () => undefined, batch: () => undefined };

export function acceptanceMetrics(registry: Metrics): AcceptanceMetrics {
  const registers = [registry];
  const accepted = new Counter({ name: 'confab_ingress_messages_accepted_total', help: 'Messages that the log has acknowledged.', registers });
  const duplicates = new Counter({ name: 'confab_ingress_messages_duplicate_total', help: 'Requests answered with the result of an earlier one of the same key.', registers });
  const refused = new Counter({ name: 'confab_ingress_messages_refused_total', help: 'Messages refused by acceptance, by code.', labelNames: ['code'], registers });
  const records = new Histogram({ name: 'confab_ingress_batch_records', help: 'Messages of one append.', buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 4000], registers });
  const seconds = new Histogram({ name: 'confab_ingress_append_seconds', help: 'Time of one batch from its start to its acknowledgement.', buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5], registers });
  return {
    accepted: (count) => { accepted.inc(count); },
    duplicates: (count) => { duplicates.inc(count); },
    refused: (code) => { refused.inc({ code }); },
    batch: (count, millis) => { records.observe(count); seconds.observe(millis / 1000); },
  };
}
