/**
 * Port: the view of state records that a stage reads from.
 *
 * The truth is the state topic (e.g. `dialogue-states.v1`); a store holds, per partition of it, the newest value of each
 * key and a watermark: the first offset of the state topic that the store does not reflect yet. All methods work on one
 * partition, so that a clustered store keeps it in one slot and can change values and watermark together.
 * Adapters: memory.ts, embedded.ts, redis.ts. Contract suite: state-store.contract.ts.
 */

export interface StateEntry {
  readonly key: string;
  /** The encoded state record; null: there is no state (tombstone). */
  readonly value: Buffer | null;
  /** Position of the input that the value reflects (`formatPosition`). Compares as a string. */
  readonly reflects: string;
}

export interface StateRead {
  /** One for each key that was asked for, in that order; undefined when the store has none. */
  readonly entries: readonly (StateEntry | undefined)[];
  /** undefined: the store has no watermark for this partition (new, flushed): rebuild it. */
  readonly watermark: Watermark | undefined;
}

export interface Watermark {
  /** First 8 hex digits of the state topic's id: another epoch means another topic: rebuild. */
  readonly epoch: string;
  /** The store reflects every record of the state topic's partition below this offset. */
  readonly offset: number;
}

export interface StateStore {
  readonly kind: 'memory' | 'embedded' | 'redis';
  /** Values of some keys and the watermark, in one round trip. @throws CONFAB_STATE_UNAVAILABLE */
  read(view: string, partition: number, keys: readonly string[]): Promise<StateRead>;
  /**
   * Writes values and moves the watermark, in one atomic step. An entry whose `reflects` is lower than the stored one's is
   * left out (a zombie's late write); an equal one is written again. The watermark never goes back within an epoch.
   * Refused as a whole (false) when the store has no watermark, one of another epoch, or one below `expected`: it was
   * flushed or rolled back, and moving its watermark would hide the loss. The caller then rebuilds.
   * @param expected where the caller knows the store to stand: the watermark it read or last wrote
   * @throws CONFAB_STATE_UNAVAILABLE
   */
  write(view: string, partition: number, entries: readonly StateEntry[], watermark: Watermark, expected: number): Promise<boolean>;
  /**
   * A rebuild begins: forgets the partition's values and sets the watermark to offset 0 of `epoch`. Does nothing where there
   * is a watermark of that epoch: another process was first, and what it has written stays.
   * @throws CONFAB_STATE_UNAVAILABLE
   */
  reset(view: string, partition: number, epoch: string): Promise<void>;
  /** Refuses a store that may forget (Redis with an eviction policy). @throws CONFAB_REDIS_EVICTS, CONFAB_STATE_UNAVAILABLE */
  check(): Promise<void>;
  close(): Promise<void>;
}
