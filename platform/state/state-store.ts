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
   * The write is refused as a whole, and false comes back, when the store cannot be brought to the watermark by it: it has
   * no watermark (never reset, or flushed), one of another epoch, or, where `continues` is given, one below `continues`
   * (rolled back: what was written up to there is lost). `continues` is the watermark that this writer left before; without
   * it a roll-back between two writes would go unnoticed. After false: read the watermark, then bring the view up to date.
   * @throws CONFAB_STATE_UNAVAILABLE
   */
  write(view: string, partition: number, entries: readonly StateEntry[], watermark: Watermark, continues?: number): Promise<boolean>;
  /** Forgets the partition's values and sets the watermark to offset 0 of `epoch`: a rebuild begins. */
  reset(view: string, partition: number, epoch: string): Promise<void>;
  /** Refuses a store that may forget (Redis with an eviction policy). @throws CONFAB_REDIS_EVICTS, CONFAB_STATE_UNAVAILABLE */
  check(): Promise<void>;
  close(): Promise<void>;
}
