/** What is counted of the questions to a language model. */
import { Counter, Histogram, type Metrics } from '../../../platform/observability/metrics.js';

export interface ModelMetrics {
  readonly asked: (task: string) => void;
  readonly failed: (task: string, code: string) => void;
  readonly tokens: (count: number) => void;
  readonly settled: (task: string, seconds: number) => void;
  /** Time until there was something to show. */
  readonly begun: (seconds: number) => void;
}

const BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 25];

export function modelMetrics(metrics: Metrics): ModelMetrics {
  const registers = [metrics];
  const asked = new Counter({ name: 'confab_model_questions_total', help: 'Questions to the language model, by task.', labelNames: ['task'], registers });
  const failed = new Counter({ name: 'confab_model_failures_total', help: 'Questions to the language model that ended with the fallback, by task and error code.', labelNames: ['task', 'code'], registers });
  const tokens = new Counter({ name: 'confab_model_tokens_total', help: 'Tokens of questions and answers, as the model counts or as they were estimated.', registers });
  const seconds = new Histogram({ name: 'confab_model_duration_seconds', help: 'Time from a question to the end of its answer, or to its failure.', labelNames: ['task'], buckets: BUCKETS, registers });
  const begun = new Histogram({ name: 'confab_model_first_piece_seconds', help: 'Time from a question to the first piece of an answer that was shown.', buckets: BUCKETS, registers });
  return {
    asked(task) { asked.labels(task).inc(); },
    failed(task, code) { failed.labels(task, code).inc(); },
    tokens(count) { tokens.inc(count); },
    settled(task, took) { seconds.labels(task).observe(took); },
    begun(took) { begun.observe(took); },
  };
}
