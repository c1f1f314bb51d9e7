/** Metrics of presence. They exist where it is switched on. */
import { Counter, Gauge, type Metrics } from '../../platform/observability/metrics.js';

export type Written = 'present' | 'left' | 'lease' | 'swept';

export class PresenceMetrics {
  private readonly records: Counter<'kind'>;

  constructor(private readonly registry: Metrics) {
    this.records = new Counter({ name: 'confab_presence_records_total', help: 'Records written to presence.v1: present, left, lease, or swept (tombstones of entries of dead nodes).', labelNames: ['kind'], registers: [registry] });
  }

  wrote(kind: Written, count = 1): void { this.records.inc({ kind }, count); }

  /** Asked when metrics are read. */
  holds(conversations: () => number): void {
    new Gauge({ name: 'confab_presence_conversations', help: 'Conversations with sockets on this node.', registers: [this.registry], collect() { this.set(conversations()); } });
  }

  seen(entries: () => number, age: () => number): void {
    new Gauge({ name: 'confab_presence_entries', help: 'Entries of presence.v1, of all nodes, that this node keeps in memory.', registers: [this.registry], collect() { this.set(entries()); } });
    new Gauge({ name: 'confab_presence_age_seconds', help: 'Since this node has read all of presence.v1 that there was; a few seconds while all is well.', registers: [this.registry], collect() { this.set(Math.min(age(), 1e9) / 1_000); } });
  }
}
