/**
 * One partition of a state view as its owner keeps it: reads that never believe a store that lost something, writes behind
 * the commits, one under way at a time, and healing from the state topic. A partition whose part of the store does not
 * answer waits by itself; the others are not held up by it.
 */
import { nextTurn, type Clock } from '../../platform/clock.js';
import { ConfabError, isCode } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import { replay } from '../../platform/state/replay.js';
import type { StateEntry, StateStore, Watermark } from '../../platform/state/state-store.js';
import { Backlog, newestOf } from './state-view-backlog.js';

/** Decodes a state record and tells which position it reflects. */
export interface StateCodec<V> {
  /** @throws CONFAB_RECORD_INVALID, CONFAB_SCHEMA_UNKNOWN: `learn`, then decode again */
  decode(bytes: Buffer): V;
  reflects(value: V): string;
  learn?(bytes: Buffer): Promise<void>;
}

export interface PartitionParts<V> {
  readonly log: EventLog;
  readonly store: StateStore;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Full name of the state topic; also the name of the view in the store. */
  readonly topic: string;
  readonly codec: StateCodec<V>;
  readonly onHeal?: (partition: number) => void;
}

const MAX_PAUSE = 2000;

export class ViewPartition<V> {
  readonly backlog = new Backlog();
  private healing: Promise<void> | undefined;
  private writing: Promise<void> | undefined;
  private readonly stopped = new AbortController();
  private closing = false;

  constructor(private readonly parts: PartitionParts<V>, readonly partition: number, private readonly epoch: string) {}

  /** Brings the store up to the end of the state topic. @throws CONFAB_STATE_UNAVAILABLE, CONFAB_LOG_UNAVAILABLE */
  heal(): Promise<void> {
    this.healing ??= this.catchUp().finally(() => { this.healing = undefined; });
    return this.healing;
  }

  /** The newest committed entry of each key. @throws CONFAB_STATE_UNAVAILABLE, CONFAB_LOG_UNAVAILABLE */
  async read(keys: readonly string[]): Promise<(StateEntry | undefined)[]> {
    const { backlog } = this;
    for (;;) {
      // Taken before the read: what is written to the store meanwhile is in neither of the two afterwards.
      const before = keys.map((key) => backlog.get(key));
      const expected = backlog.acknowledged;
      const { entries, watermark } = await this.parts.store.read(this.parts.topic, this.partition, keys);
      if (this.isBehind(watermark, expected) || backlog.letGo) await this.lost(watermark);
      // A write has landed since the read was sent: what it brought may be missing here.
      else if (watermark !== undefined && watermark.offset < backlog.acknowledged) continue;
      else return entries.map((entry, i) => newestOf(newestOf(entry, before[i]), backlog.get(keys[i] ?? '')));
    }
  }

  /** Writes what stands in the log once more, over values that cannot be used. @throws CONFAB_STATE_UNAVAILABLE, CONFAB_LOG_UNAVAILABLE */
  async repair(): Promise<void> {
    await this.replay(0, this.backlog.acknowledged);
  }

  /** The commit with these entries was decided; `end` is the offset after the last of them. Does not wait for the store. */
  committed(entries: readonly StateEntry[], end: number): void {
    this.backlog.add(entries, end);
    this.flush();
  }

  /** What waits for the store is let go: the log has it. */
  letGo(): void {
    this.parts.logger.warn({ partition: this.partition, entries: this.backlog.size }, 'state store takes no writes: what waits for it is let go and will be read from the log');
    this.backlog.forget();
  }

  /** The store could not be brought up to the log yet; it goes on trying. */
  distrust(reason: unknown): void {
    this.parts.logger.warn({ err: reason, partition: this.partition }, 'state store could not be brought up to the log yet: trying again');
    this.backlog.forget();
    this.flush();
  }

  /** Another process may own it now. */
  stop(): void { this.stopped.abort(new Error('the partition has left')); }

  /** Waits until the store has everything that was committed, or cannot be reached. */
  async close(): Promise<void> {
    this.closing = true;
    await this.writing;
    this.stop();
  }

  private isBehind(watermark: Watermark | undefined, expected: number): boolean {
    return watermark === undefined || watermark.epoch !== this.epoch || watermark.offset < expected;
  }

  private async lost(watermark: Watermark | undefined): Promise<void> {
    if (this.healing === undefined) {
      this.parts.logger.warn({ partition: this.partition, watermark, expected: this.backlog.acknowledged }, 'state store lost writes: healing');
      this.parts.onHeal?.(this.partition);
    }
    await this.heal();
  }

  private async catchUp(): Promise<void> {
    const { store, topic } = this.parts;
    let { watermark } = await store.read(topic, this.partition, []);
    if (watermark?.epoch !== this.epoch) {
      await store.reset(topic, this.partition, this.epoch);
      ({ watermark } = await store.read(topic, this.partition, []));
    }
    if (watermark?.epoch !== this.epoch) throw new ConfabError('CONFAB_STATE_UNAVAILABLE', { detail: `The state store has partition ${this.partition} of ${topic} for another log.` });
    await this.replay(watermark.offset, watermark.offset);
  }

  private async replay(from: number, known: number): Promise<void> {
    const { log, store, topic } = this.parts;
    const { reached } = await replay({
      log, store, topic, partition: this.partition, epoch: this.epoch, from, known, signal: this.stopped.signal,
      reflects: (bytes) => reflectsOf(this.parts, bytes),
    });
    // What was committed meanwhile stays in the backlog and follows with the next write.
    this.backlog.healed(reached);
  }

  /** One write under way at a time; what gathers meanwhile goes with the next. */
  private flush(): void {
    this.writing ??= this.writeAll().finally(() => { this.writing = undefined; });
  }

  private async writeAll(): Promise<void> {
    const { signal } = this.stopped;
    for (let attempt = 0; !signal.aborted && (this.backlog.letGo || !this.backlog.isEmpty);) {
      try {
        await this.write();
        if (attempt > 0) this.parts.logger.info({ partition: this.partition }, 'state store takes writes again');
        attempt = 0;
        await nextTurn();
      } catch (error) {
        if (signal.aborted) return;
        if (attempt === 0) this.parts.logger.warn({ err: error, partition: this.partition }, 'state store does not take writes: trying again');
        attempt += 1;
        if (this.closing) return;
        await this.parts.clock.sleep(Math.min(MAX_PAUSE, 50 * 2 ** attempt), signal).catch(() => undefined);
      }
    }
  }

  private async write(): Promise<void> {
    const { backlog } = this;
    if (backlog.letGo) { await this.heal(); return; }
    const entries = backlog.all();
    const { target } = backlog;
    const taken = await this.parts.store.write(this.parts.topic, this.partition, entries, { epoch: this.epoch, offset: target }, backlog.acknowledged);
    if (taken) backlog.written(entries, target);
    // Flushed or rolled back meanwhile: what is unwritten stays so until the store has caught up with the log.
    else if (!this.stopped.signal.aborted) await this.lost(undefined);
  }
}

/** Undefined: the record is not readable. A promise only when its schema has to be looked up. */
function reflectsOf<V>({ codec, logger, topic }: PartitionParts<V>, bytes: Buffer): string | undefined | Promise<string | undefined> {
  const read = (): string => codec.reflects(codec.decode(bytes));
  const fault = (error: unknown): undefined => {
    if (!isCode(error, 'CONFAB_RECORD_INVALID')) throw error;
    logger.error({ err: error, topic }, 'state record is not readable and is left out');
  };
  try {
    return read();
  } catch (error) {
    if (!isCode(error, 'CONFAB_SCHEMA_UNKNOWN') || codec.learn === undefined) return fault(error);
    return codec.learn(bytes).then(read).catch(fault);
  }
}
