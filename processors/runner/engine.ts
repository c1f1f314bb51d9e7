/** What differs between the scopes of a stage: how inputs become finished work. The rest is the runner's (stage-runner.ts). */
import type { LogRecord } from '../../platform/event-log/event-log.js';
import type { PartitionShare } from './partition-share.js';
import type { Finished } from './work.js';

export interface Engine {
  /** Makes ready for a partition number, before anything of it is fetched. Idempotent for one that is owned already. */
  gain(partition: number): Promise<void>;
  /** Forgets a partition number; its shares are gone. */
  lose(partition: number): void;
  /** Takes records that are not done yet; they are in the share's window when it returns. */
  add(share: PartitionShare, records: readonly LogRecord[]): void;
  /** Finished work in commit order, at most `limit` output records. */
  take(limit: number): Finished[];
  /** True when `take` would give something. */
  readonly hasFinished: boolean;
  /** The commit of this work was decided; `stateOffsets`: offset of the last state record, by partition. */
  committed(finished: readonly Finished[], stateOffsets: ReadonlyMap<number, number>): void;
  /** A commit failed: everything that is not committed is forgotten. */
  clear(): void;
  close(): Promise<void>;
}
