/** What moves through the runner: one input record on its way to its commit. */
import type { Headers, NewRecord } from '../../platform/event-log/event-log.js';
import type { StateEntry } from '../../platform/state/state-store.js';
import type { StageInput } from '../stage.js';
import type { SpanContext } from '../../platform/observability/tracing.js';
import type { PartitionShare } from './partition-share.js';

/** One input: the stage sees it as its StageInput, the window as a slot. */
export interface Work extends StageInput {
  done: boolean;
  readonly share: PartitionShare;
  readonly headers: Headers | undefined;
  /** The record's bytes, for the dead letter. */
  readonly rawKey: string | null;
  readonly rawValue: Buffer | null;
  attempts: number;
  /** Monotonic time of the first attempt, milliseconds. */
  startedAt: number;
  /** Of a sampled record: the stage's own span and when it began, wall clock. */
  span: { readonly context: SpanContext; readonly start: number } | undefined;
}

/** A finished input: what its commit writes. */
export interface Finished {
  readonly work: Work;
  /** Outputs and dead letters, encoded. */
  readonly records: readonly NewRecord[];
  readonly state: StateEntry | undefined;
  /** True for an input that was buried because the log refused its output. */
  readonly buried?: boolean;
}
