/**
 * Scope "partition": one worker a partition, records in offset order, a batch for each commit. The stage keeps a memory of
 * the partition, which is restored from its state topic when the partition is taken over or the memory may be spoiled. It may
 * also have work that time brings (stage.ts, DueWork): that is taken into a commit like finished inputs.
 */
import type { Clock } from '../../platform/clock.js';
import { toConfabError } from '../../platform/errors.js';
import type { EventLog, NewRecord } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import { Alarm } from './alarm.js';
import type { AnyContext, AnyPartitionStage, AnyResult } from './any-stage.js';
import { deadLetterRecord, type DeadLetterOptions, type Phase } from './dead-letter.js';
import { DueTask } from './due-task.js';
import { noEffects } from './effects.js';
import type { Engine } from './engine.js';
import type { Inputs } from './inputs.js';
import type { PartitionShare } from './partition-share.js';
import type { Finished, Work } from './work.js';

export interface PartitionEngineOptions {
  readonly stage: AnyPartitionStage;
  readonly inputs: Inputs;
  readonly log: EventLog;
  /** Full name of the state topic. */
  readonly stateTopic: string;
  /** The stage also reads that topic as its input. */
  readonly stateIsInput: boolean;
  readonly decodeState: (bytes: Buffer) => unknown;
  readonly deadLetters: DeadLetterOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly epoch: () => string;
  readonly encode: (work: Work, result: AnyResult) => NewRecord[];
  readonly onFinished: () => void;
  readonly onDeadLetter?: (phase: Phase, code: string) => void;
}

interface Partition {
  memory: unknown;
  /** False while the memory is being restored. */
  usable: boolean;
  /** After a failure: one record at a time, to find the one that fails. */
  careful: number;
  ready: Work[];
  /** When there is something to do without an input, wall clock; Infinity: never. */
  dueAt: number;
}

const BACKOFF = 1000;

export class PartitionEngine implements Engine {
  private readonly partitions = new Map<number, Partition>();
  private incoming: Work[] = [];
  private decoding = false;
  /** Batches that were decoded, processed or read back. */
  activity = 0;

  private readonly alarm: Alarm;

  constructor(private readonly options: PartitionEngineOptions) {
    this.alarm = new Alarm(options.clock, () => {
      options.onFinished();
      // Where nobody could take it now, it is asked again.
      this.alarm.set(this.options.clock.now() + BACKOFF);
    });
  }

  get hasFinished(): boolean {
    for (const partition of this.partitions.values()) if (partition.usable && (partition.ready.length > 0 || this.isDue(partition))) return true;
    return false;
  }

  async gain(number: number): Promise<void> {
    if (this.partitions.has(number)) return;
    const partition: Partition = { memory: undefined, usable: false, careful: 0, ready: [], dueAt: Infinity };
    await this.restore(number, partition);
    this.partitions.set(number, partition);
    this.setAlarm();
  }

  /** Nothing of a partition waits by itself: a commit takes what is there. */
  waits(): boolean { return false; }

  lose(number: number): void {
    this.partitions.delete(number);
    this.incoming = this.incoming.filter((work) => work.partition !== number);
  }

  add(works: readonly Work[]): void {
    for (const work of works) this.incoming.push(work);
    if (!this.decoding) void this.decode();
  }

  take(limit: number, shares: Iterable<PartitionShare>): Finished[] {
    const finished: Finished[] = [];
    const owned = this.options.stage.due === undefined ? [] : [...shares];
    let records = 0;
    for (const [number, partition] of this.partitions) {
      if (!partition.usable || records >= limit) continue;
      const before = finished.length;
      const count = partition.careful > 0 ? 1 : partition.ready.length;
      const works = partition.ready.splice(0, count);
      if (works.length > 0) this.process(number, partition, works, finished);
      for (let i = before; i < finished.length; i += 1) records += finished[i]?.records.length ?? 0;
      if (records >= limit || !this.isDue(partition)) continue;
      const due = this.takeDue(number, partition, owned.find((share) => share.partition === number), limit - records);
      if (due !== undefined) { finished.push(due); records += due.records.length; }
    }
    this.setAlarm();
    return finished;
  }

  committed(): void { /* the memory already has it */ }

  clear(): void {
    this.partitions.clear();
    this.incoming = [];
    this.alarm.cancel();
  }

  async close(): Promise<void> { this.alarm.cancel(); }

  private isDue(partition: Partition): boolean { return partition.usable && partition.dueAt <= this.options.clock.now(); }

  private setAlarm(): void {
    if (this.options.stage.due === undefined) return;
    let earliest = Infinity;
    for (const partition of this.partitions.values()) if (partition.usable) earliest = Math.min(earliest, partition.dueAt);
    this.alarm.set(earliest);
  }

  private lookAhead(partition: Partition): void {
    if (this.options.stage.due !== undefined) partition.dueAt = this.options.stage.due.next(partition.memory) ?? Infinity;
  }

  private takeDue(number: number, partition: Partition, share: PartitionShare | undefined, limit: number): Finished | undefined {
    const { stage, clock, encode, logger } = this.options;
    // It is about to leave, or has just come.
    if (share === undefined) { partition.dueAt = clock.now() + BACKOFF; return undefined; }
    const work = new DueTask(share, clock.now());
    try {
      this.activity += 1;
      const outputs = stage.due?.take(partition.memory, limit, this.context(work)) ?? [];
      const finished = { work, records: encode(work, { outputs }), state: undefined };
      this.lookAhead(partition);
      return outputs.length === 0 ? undefined : finished;
    } catch (error) {
      logger.error({ err: error, partition: number }, 'what is due cannot be done: trying again');
      partition.usable = false;
      this.restoreAfter(BACKOFF, number, partition);
      return undefined;
    }
  }

  private process(number: number, partition: Partition, works: Work[], finished: Finished[]): void {
    this.activity += 1;
    const readable: Work[] = [];
    const buried: Finished[] = [];
    for (const work of works) {
      const fault = this.options.inputs.fault(work);
      if (fault === undefined) readable.push(work); else buried.push(this.bury(work, 'decode', fault));
    }
    let outputs: NewRecord[] = [];
    const last = readable.at(-1);
    try {
      // Restoring looks for records from a time on: the newest input gives theirs.
      if (last !== undefined) outputs = this.options.encode(newestOf(readable), { outputs: this.options.stage.process(readable, partition.memory, this.context(last)) });
    } catch (error) {
      this.spoiled(number, partition, works, error, finished);
      return;
    }
    this.lookAhead(partition);
    if (partition.careful > 0) partition.careful -= 1;
    finished.push(...buried, ...readable.map((work) => ({ work, records: work === last ? outputs : [], state: undefined })));
  }

  /** The memory may hold half of a batch: restore it, then go record by record; one that fails alone is buried. */
  private spoiled(number: number, partition: Partition, works: Work[], error: unknown, finished: Finished[]): void {
    const [only] = works;
    if (works.length === 1 && only !== undefined) finished.push(this.bury(only, 'process', error));
    else { partition.ready.unshift(...works); partition.careful = works.length; }
    partition.usable = false;
    // Only after the commit that is being formed, so that what this take has counted is read back.
    this.restoreAfter(0, number, partition);
  }

  private restoreAfter(millis: number, number: number, partition: Partition): void {
    this.options.clock.after(millis, () => {
      this.restore(number, partition).then(
        () => { this.setAlarm(); this.options.onFinished(); },
        (fault: unknown) => { this.options.logger.warn({ err: fault, partition: number }, 'memory cannot be restored: trying again'); this.restoreAfter(BACKOFF, number, partition); },
      );
    });
  }

  private bury(work: Work, phase: Phase, thrown: unknown): Finished {
    const error = toConfabError(thrown, 'CONFAB_STAGE_FAILED');
    work.attempts += 1;
    this.options.logger.error({ err: error, topic: work.topic, partition: work.partition, offset: work.offset, phase }, 'record goes to the dead letters');
    this.options.onDeadLetter?.(phase, error.code);
    return { work, records: [deadLetterRecord(this.options.deadLetters, work, phase, error, null)], state: undefined };
  }

  private async restore(number: number, partition: Partition): Promise<void> {
    const { log, stateTopic, stage, clock } = this.options;
    const from = stage.restoreMillis === Infinity ? 0 : await log.admin.offsetAt(stateTopic, number, clock.now() - stage.restoreMillis);
    const newest = new Map<string, Buffer | null>();
    // What was committed last, by whomever, is visible only once its markers are written.
    const end = await log.settledEnd(stateTopic, number);
    for await (const batch of log.read(stateTopic, number, from, end)) {
      this.activity += 1;
      for (const record of batch.records) if (record.key !== null) newest.set(record.key, record.value);
    }
    const records = [...newest].flatMap(([key, value]) => value === null ? [] : this.known(number, key, value));
    partition.memory = stage.restore(records, number, end);
    partition.usable = true;
    this.lookAhead(partition);
  }

  /**
   * One record of the memory. Where it is an input too, anybody's mistake may stand there: it goes to the dead letters when it is
   * met, and must not keep the stage from taking the partition over. What only the stage writes is never passed over.
   */
  private known(partition: number, key: string, bytes: Buffer): { key: string; value: unknown }[] {
    const { decodeState, stateTopic, stateIsInput, logger } = this.options;
    try {
      return [{ key, value: decodeState(bytes) }];
    } catch (error) {
      if (!stateIsInput || toConfabError(error).retryable) throw error;
      logger.debug({ err: error, topic: stateTopic, partition }, 'a record is not taken into the memory');
      return [];
    }
  }

  private async decode(): Promise<void> {
    this.decoding = true;
    while (this.incoming.length > 0) {
      const works = this.incoming;
      this.incoming = [];
      while (!await this.decoded(works)) await this.options.clock.sleep(BACKOFF);
      for (const work of works) if (!work.share.gone) this.partitions.get(work.partition)?.ready.push(work);
      this.options.onFinished();
    }
    this.decoding = false;
  }

  private async decoded(works: Work[]): Promise<boolean> {
    try {
      await this.options.inputs.decode(works);
      return true;
    } catch (error) {
      this.options.logger.warn({ err: error }, 'inputs cannot be decoded: trying again');
      return false;
    }
  }

  private context(work: Work): AnyContext {
    return { now: () => this.options.clock.now(), epoch: this.options.epoch(), signal: work.share.signal, effects: noEffects };
  }
}

function newestOf(works: readonly Work[]): Work {
  return works.reduce((newest, work) => (work.timestamp > newest.timestamp ? work : newest));
}
