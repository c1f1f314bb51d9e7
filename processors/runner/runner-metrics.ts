/** What the runner counts, a batch at a time. */
import { Counter, Gauge, Histogram, type Metrics } from '../../platform/observability/metrics.js';

export interface RunnerMetrics {
  readonly read: (records: number, skipped: number, postponed: number) => void;
  readonly committed: (inputs: number, records: number, seconds: number) => void;
  readonly commitFailed: (code: string) => void;
  readonly lag: (offsets: number) => void;
  readonly deadLetter: (phase: string, code: string) => void;
  readonly retried: () => void;
  readonly dropped: () => void;
  readonly healed: () => void;
  /** A consumer without progress was replaced, by what it was stuck in. */
  readonly replaced: (reason: string) => void;
  readonly stuck: (is: boolean) => void;
}

function once<M>(metrics: Metrics, name: string, make: () => M): M {
  return (metrics.getSingleMetric(name) as M | undefined) ?? make();
}

/** Makes, or finds, the metrics of stages on `metrics`, and binds them to one stage. */
export function runnerMetrics(metrics: Metrics, stage: string): RunnerMetrics {
  const registers = [metrics];
  const counter = (name: string, help: string, labels: string[] = []): Counter => once(metrics, name, () => new Counter({ name, help, labelNames: ['stage', ...labels], registers }));
  const read = counter('confab_stage_records_read_total', 'Input records that a stage was handed.').labels(stage);
  const skipped = counter('confab_stage_records_skipped_total', 'Input records that a former owner had finished.').labels(stage);
  const inputs = counter('confab_stage_inputs_committed_total', 'Input records whose outcome was committed.').labels(stage);
  const outputs = counter('confab_stage_records_written_total', 'Records that were written in commits.').labels(stage);
  const failures = counter('confab_stage_commit_failures_total', 'Commits that failed, by error code.', ['code']);
  const letters = counter('confab_stage_dead_letters_total', 'Records that went to the dead letters, by phase and error code.', ['phase', 'code']);
  const retries = counter('confab_stage_retries_total', 'Attempts that were made again.').labels(stage);
  const drops = counter('confab_stage_inputs_dropped_total', 'Inputs that the state already reflected.').labels(stage);
  const heals = counter('confab_stage_state_heals_total', 'Times that the state store was found behind and brought up to date.').labels(stage);
  const postponed = counter('confab_stage_records_postponed_total', 'Records of a backlog that were put off for the others of their partition, to be read again.').labels(stage);
  const replacements = counter('confab_stage_consumer_replacements_total', 'Consumers that made no progress and were replaced, by what they were stuck in.', ['reason']);
  const stuck = once(metrics, 'confab_stage_stuck', () => new Gauge({ name: 'confab_stage_stuck', help: 'Whether a stage makes no progress although there is work: 1 or 0.', labelNames: ['stage'], registers })).labels(stage);
  stuck.set(0);
  const lag = once(metrics, 'confab_stage_lag_records', () => new Gauge({ name: 'confab_stage_lag_records', help: 'Offsets between commit and end of the partitions of this process.', labelNames: ['stage'], registers })).labels(stage);
  const seconds = once(metrics, 'confab_stage_commit_duration_seconds', () => new Histogram({
    name: 'confab_stage_commit_duration_seconds', help: 'Time of one commit group.', labelNames: ['stage'], registers,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  })).labels(stage);
  return {
    read(records, done, later) { read.inc(records); if (done > 0) skipped.inc(done); if (later > 0) postponed.inc(later); },
    committed(count, records, took) { inputs.inc(count); outputs.inc(records); seconds.observe(took); },
    commitFailed(code) { failures.labels(stage, code).inc(); },
    lag(offsets) { lag.set(offsets); },
    deadLetter(phase, code) { letters.labels(stage, phase, code).inc(); },
    retried() { retries.inc(); },
    dropped() { drops.inc(); },
    healed() { heals.inc(); },
    replaced(reason) { replacements.labels(stage, reason).inc(); },
    stuck(is) { stuck.set(is ? 1 : 0); },
  };
}
