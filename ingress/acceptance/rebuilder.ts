/**
 * Makes the index of a partition again from messages.v1 when it was lost. It reads the last 24 hours, waits until no claim
 * that was lost can reach the log any more (15 s after the loss was found), reads what came meanwhile, and opens the index.
 * One node rebuilds a partition at a time; a flush in between makes it begin anew.
 */
import type { Clock } from '../../platform/clock.js';
import type { Logger } from '../../platform/observability/logger.js';
import { DOUBT_MILLIS, LEASE, type Claim, type ClaimIndex, type RebuildTurn } from './claim-index/claim-index.js';
import type { LogReader } from './log-reader.js';

export interface RebuilderOptions {
  readonly clock: Clock;
  readonly index: ClaimIndex;
  readonly reader: LogReader;
  readonly logger: Logger;
  readonly keepMillis: number;
  /** Names this node; unique to its process. */
  readonly owner: string;
  /** True when no claim can ever have been made in this partition: then there is nothing to wait for. It is asked once a rebuild. */
  readonly isFirst: (partition: number) => Promise<boolean>;
}

const RETRY = 1000;
const FILL_KEYS = 500;
/** Partitions rebuilt at once by one node. */
const PARALLEL = 4;

type Mine = Extract<RebuildTurn, { state: 'mine' }>;

export class Rebuilder {
  private readonly options: RebuilderOptions;
  private readonly stopped = new AbortController();
  private readonly queue: number[] = [];
  private readonly waiting = new Set<number>();
  private active = 0;

  constructor(options: RebuilderOptions) { this.options = options; }

  /** Partitions that are not whole, as far as this node knows. */
  get pending(): number { return this.waiting.size; }

  /** The partition's index was found lost. Idempotent. */
  lost(partition: number): void {
    if (this.waiting.has(partition) || this.stopped.signal.aborted) return;
    this.waiting.add(partition);
    this.queue.push(partition);
    this.next();
  }

  close(): void { this.stopped.abort(); }

  private next(): void {
    while (this.active < PARALLEL) {
      const partition = this.queue.shift();
      if (partition === undefined) return;
      this.active += 1;
      void this.work(partition).finally(() => {
        this.active -= 1;
        this.waiting.delete(partition);
        this.next();
      });
    }
  }

  private async work(partition: number): Promise<void> {
    const { clock, logger } = this.options;
    const { signal } = this.stopped;
    while (!signal.aborted) {
      try {
        if (await this.attempt(partition)) return;
      } catch (error) {
        if (!signal.aborted) logger.warn({ err: error, partition }, 'the index of idempotency keys could not be rebuilt yet');
      }
      await clock.sleep(RETRY, signal).catch(() => undefined);
    }
  }

  /** True when the index is whole, by this node or another. */
  private async attempt(partition: number): Promise<boolean> {
    const { index, owner, logger } = this.options;
    const turn = await index.beginRebuild(partition, owner);
    if (turn.state !== 'mine') return turn.state === 'ready';
    logger.info({ partition }, 'rebuilding the index of idempotency keys');
    if (!await this.refill(partition, turn)) return false;
    if (!await index.finishRebuild(partition, owner)) return false;
    logger.info({ partition }, 'the index of idempotency keys is whole');
    return true;
  }

  private async refill(partition: number, turn: Mine): Promise<boolean> {
    const { clock, index, reader, keepMillis, owner } = this.options;
    const fill = async (entries: readonly { keyHash: string; claim: Claim }[]): Promise<boolean> => {
      for (let at = 0; at === 0 || at < entries.length; at += FILL_KEYS) {
        if (!await index.fill(partition, owner, entries.slice(at, at + FILL_KEYS))) return false;
      }
      return true;
    };
    const from = await reader.offsetAt(partition, turn.now - keepMillis);
    const first = await reader.each(partition, from, fill);
    if (!first.completed) return false;
    if (await this.options.isFirst(partition)) return true;
    // What was claimed before the loss was found may still be appended. The store's clock decides; ours only measures.
    const start = clock.monotonic();
    for (;;) {
      const left = turn.lostAt + DOUBT_MILLIS - turn.now - (clock.monotonic() - start);
      if (left <= 0) break;
      await clock.sleep(Math.min(left, LEASE / 3), this.stopped.signal);
      if (!await index.fill(partition, owner, [])) return false;
    }
    return (await reader.each(partition, first.next, fill)).completed;
  }
}
