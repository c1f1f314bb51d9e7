/** What differs between the scopes of a stage: how inputs become finished work. The rest is the runner's (consumer.ts). */
import type { PartitionShare } from './partition-share.js';
import type { Finished, Work } from './work.js';

export interface Engine {
  /** Makes ready for a partition number, before anything of it is fetched. Idempotent for one that is owned already. */
  gain(partition: number): Promise<void>;
  /** Forgets a partition number; its shares are gone. */
  lose(partition: number): void;
  /** Takes inputs that are not done yet and stand in the windows of their shares. */
  add(works: readonly Work[]): void;
  /** Finished work in commit order, at most `limit` output records. `shares`: what is owned now. */
  take(limit: number, shares: Iterable<PartitionShare>): Finished[];
  /** True when `take` would give something. */
  readonly hasFinished: boolean;
  /** The commit of this work was decided; `stateOffsets`: offset of the last state record, by partition. */
  committed(finished: readonly Finished[], stateOffsets: ReadonlyMap<number, number>): void;
  /** A commit failed: everything that is not committed is forgotten. */
  clear(): void;
  close(): Promise<void>;
  /** Grows with whatever it does. Where it stands still although there is work, something is stuck. */
  readonly activity: number;
  /** True while this input waits for something that ends by itself: an effect within its budget, its next try, its state. */
  waits(work: Work): boolean;
}
