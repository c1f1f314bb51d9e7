/** A partition of an input topic as long as this process owns it. */
import { setMaxListeners } from 'node:events';
import type { TopicPartition } from '../../platform/event-log/event-log.js';
import { Postponed } from './postponed.js';
import { Window } from './window.js';
import type { Work } from './work.js';

export class PartitionShare implements TopicPartition {
  readonly window: Window<Work>;
  /** Backlogs of which only offsets are kept. */
  readonly postponed = new Postponed();
  /** What was last committed: offset and runs, to see whether anyone else was here in between. */
  committed: { offset: number; runs: readonly number[] };
  /** Aborts the calls in flight when the partition leaves. */
  private readonly abort = new AbortController();
  /** Bytes of inputs that are not committed. */
  bytes = 0;
  paused = false;
  endOffset = 0;
  /** Batches that the log has handed over. */
  batches = 0;

  constructor(readonly topic: string, readonly partition: number, start: number, runs: readonly number[]) {
    // One for each call under way: many are no leak.
    setMaxListeners(0, this.abort.signal);
    this.window = new Window(start, runs);
    this.committed = { offset: start, runs };
  }

  get signal(): AbortSignal { return this.abort.signal; }

  /** True once the partition has left: results for it are dropped. */
  get gone(): boolean { return this.abort.signal.aborted; }

  leave(reason: string): void {
    this.abort.abort(new Error(reason));
  }

  /** There is something to commit even without finished work: markers and gaps were passed, or work beyond the low water. */
  get isBehindCommit(): boolean {
    return this.window.lowWater > this.committed.offset;
  }
}
