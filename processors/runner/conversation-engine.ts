/**
 * Scope "conversation": inputs of one conversation one after the other, different conversations side by side, also within
 * a partition. A stage that answers at once costs no promise; only the lane of a conversation that waits exists.
 */
import type { Clock } from '../../platform/clock.js';
import { nextTurn } from '../../platform/clock.js';
import { ConfabError, toConfabError } from '../../platform/errors.js';
import type { LogRecord, NewRecord } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { StateEntry } from '../../platform/state/state-store.js';
import { deadLetterRecord, type DeadLetterOptions, type Phase } from './dead-letter.js';
import type { Engine } from './engine.js';
import type { Inputs } from './inputs.js';
import type { PartitionShare } from './partition-share.js';
import type { StateView } from './state-view.js';
import type { AnyContext, AnyConversationStage, AnyResult } from './any-stage.js';
import type { Finished, Work } from './work.js';

export interface StatePort {
  readonly view: StateView<unknown>;
  /** Encodes a state. @throws CONFAB_VALUE_INVALID */
  encode(value: unknown): Buffer;
}

export interface ConversationEngineOptions {
  readonly stage: AnyConversationStage;
  readonly inputs: Inputs;
  readonly state: StatePort | undefined;
  readonly deadLetters: DeadLetterOptions;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly epoch: () => string;
  /** Encodes what the stage returns. @throws CONFAB_VALUE_INVALID, CONFAB_RECORD_TOO_LARGE */
  readonly encode: (work: Work, result: AnyResult) => NewRecord[];
  /** Milliseconds that one input may take, retries included. */
  readonly budget: number;
  /** Work is ready to be committed. */
  readonly onFinished: () => void;
  readonly onRetry?: () => void;
  readonly onDrop?: () => void;
  readonly onDeadLetter?: (phase: Phase, code: string) => void;
}

export const MAX_STATE_BYTES = 64 * 1024;
const CHUNK = 256;
const FIRST_BACKOFF = 100;
const MAX_BACKOFF = 5000;

export class ConversationEngine implements Engine {
  private incoming: Work[] = [];
  private pumping = false;
  /** Conversations that wait for an answer or a retry, with what came in behind. */
  private readonly lanes = new Map<string, { readonly partition: number; readonly queue: Work[] }>();
  private finished: Finished[] = [];
  private finishedHead = 0;
  /** Grows with every `clear`: results of an older life are dropped. */
  private life = 0;

  constructor(private readonly options: ConversationEngineOptions) {}

  get hasFinished(): boolean { return this.finishedHead < this.finished.length; }

  async gain(partition: number): Promise<void> {
    await this.options.state?.view.gain(partition);
  }

  lose(partition: number): void {
    this.options.state?.view.lose(partition);
    const stays = (work: Work): boolean => work.partition !== partition;
    this.incoming = this.incoming.filter(stays);
    this.finished = this.finished.slice(this.finishedHead).filter((each) => stays(each.work));
    this.finishedHead = 0;
    for (const [key, lane] of this.lanes) if (lane.partition === partition) this.lanes.delete(key);
  }

  add(share: PartitionShare, records: readonly LogRecord[]): void {
    for (const record of records) {
      const work = this.options.inputs.work(share, record);
      share.window.add(work);
      this.incoming.push(work);
    }
    if (!this.pumping) void this.pump();
  }

  take(limit: number): Finished[] {
    const start = this.finishedHead;
    let end = start;
    let count = 0;
    while (end < this.finished.length && count < limit) {
      const each = this.finished[end] as Finished;
      count += Math.max(1, each.records.length + (each.state === undefined ? 0 : 1));
      end += 1;
    }
    const taken = this.finished.slice(start, end);
    this.finishedHead = end;
    // Under a backlog it is never empty: what was taken must not gather in front of it.
    if (this.finishedHead * 2 >= this.finished.length) { this.finished.splice(0, this.finishedHead); this.finishedHead = 0; }
    return taken;
  }

  committed(finished: readonly Finished[], stateOffsets: ReadonlyMap<number, number>): void {
    const state = this.options.state;
    if (state === undefined) return;
    const entries = new Map<number, StateEntry[]>();
    for (const { work, state: entry } of finished) {
      if (entry === undefined) continue;
      state.view.unpin(entry.key);
      const list = entries.get(work.partition);
      if (list === undefined) entries.set(work.partition, [entry]); else list.push(entry);
    }
    for (const [partition, list] of entries) state.view.committed(partition, list, (stateOffsets.get(partition) ?? -1) + 1);
    state.view.trim();
  }

  clear(): void {
    this.life += 1;
    this.incoming = [];
    this.lanes.clear();
    this.finished = [];
    this.finishedHead = 0;
    this.options.state?.view.clear();
  }

  async close(): Promise<void> {
    await this.options.state?.view.close();
  }

  /** Decodes, loads states and dispatches what came in, a chunk at a time, so that commits and heartbeats get their turn. */
  private async pump(): Promise<void> {
    this.pumping = true;
    while (this.incoming.length > 0) {
      const life = this.life;
      const chunk = await this.prepared(this.incoming.splice(0, CHUNK), life);
      if (life !== this.life) continue;
      for (const work of chunk) if (!work.share.gone) this.dispatch(work);
      if (this.hasFinished) this.options.onFinished();
      if (this.incoming.length > 0) await nextTurn();
    }
    this.pumping = false;
  }

  /** Tries until the chunk is decoded and its states are there, or its partitions have left. */
  private async prepared(chunk: Work[], life: number): Promise<Work[]> {
    for (let backoff = FIRST_BACKOFF; ; backoff = Math.min(MAX_BACKOFF, backoff * 2)) {
      try {
        await this.prepare(chunk);
        return chunk;
      } catch (error) {
        this.options.logger.warn({ err: error }, 'inputs cannot be prepared: trying again');
        await this.options.clock.sleep(backoff);
        chunk = chunk.filter((work) => !work.share.gone);
        if (life !== this.life || chunk.length === 0) return [];
      }
    }
  }

  private async prepare(chunk: readonly Work[]): Promise<void> {
    const waiting = this.options.inputs.decode(chunk);
    if (waiting !== undefined) await waiting;
    const view = this.options.state?.view;
    if (view === undefined) return;
    const missing = new Map<number, string[]>();
    for (const work of chunk) {
      if (view.has(work.key)) continue;
      const keys = missing.get(work.partition);
      if (keys === undefined) missing.set(work.partition, [work.key]); else keys.push(work.key);
    }
    if (missing.size > 0) await Promise.all([...missing].map(([partition, keys]) => view.ensure(partition, keys)));
  }

  private dispatch(work: Work): void {
    const lane = this.lanes.get(work.key);
    if (lane === undefined) this.attempt(work); else lane.queue.push(work);
  }

  /** True when the work is finished; false when its conversation waits now. */
  private attempt(work: Work): boolean {
    const fault = this.options.inputs.fault(work);
    if (fault !== undefined) return this.bury(work, 'decode', fault);
    if (this.options.state?.view.has(work.key) === false) return this.reload(work);
    const context = new WorkContext(this.options, work);
    if (work.attempts === 0) work.startedAt = this.options.clock.monotonic();
    work.attempts += 1;
    try {
      const state = this.options.state?.view.get(work.key);
      if (state !== undefined && this.options.stage.position(work, context) <= state.reflects) {
        this.options.onDrop?.();
        return this.finish(work, [], undefined);
      }
      const result = this.options.stage.process(work, state?.value, context);
      return result instanceof Promise ? this.wait(work, context, result) : this.complete(work, result, context);
    } catch (error) {
      return this.failed(work, error);
    }
  }

  /** Its state has left the cache since it was prepared: its conversation waits until it is there again. */
  private reload(work: Work): false {
    this.hold(work);
    const life = this.life;
    void this.options.state?.view.loaded(work.partition, work.key).then(() => {
      if (life === this.life && !work.share.gone && this.attempt(work)) this.release(work.key);
    });
    return false;
  }

  private wait(work: Work, context: WorkContext, promise: Promise<AnyResult>): boolean {
    this.hold(work);
    const life = this.life;
    let settled = false;
    const settle = (then: () => boolean): void => {
      if (settled) return;
      settled = true;
      timer.cancel();
      if (life === this.life && !work.share.gone && then()) this.release(work.key);
    };
    const left = this.options.budget - (this.options.clock.monotonic() - work.startedAt);
    const timer = this.options.clock.after(left, () => {
      context.abort();
      settle(() => this.bury(work, 'process', new ConfabError('CONFAB_STAGE_TIMEOUT', { detail: `${this.options.budget} ms have passed.` })));
    });
    promise.then(
      (result) => { settle(() => this.complete(work, result, context)); },
      (error: unknown) => { settle(() => this.failed(work, error)); },
    );
    return false;
  }

  private complete(work: Work, result: AnyResult, context: AnyContext): boolean {
    let phase: Phase = 'produce';
    try {
      const records = this.options.encode(work, result);
      phase = 'process';
      return this.finish(work, records, this.nextState(work, result, context));
    } catch (error) {
      return this.bury(work, phase, error);
    }
  }

  private nextState(work: Work, result: AnyResult, context: AnyContext): StateEntry | undefined {
    const state = this.options.state;
    if (state === undefined || result.state === undefined) return undefined;
    const value = state.encode(result.state);
    if (value.length > MAX_STATE_BYTES) throw new ConfabError('CONFAB_STATE_TOO_LARGE', { detail: `It would have ${value.length} bytes.` });
    const entry = { key: work.key, value, reflects: this.options.stage.position(work, context) };
    state.view.set(work.partition, work.key, { value: result.state, reflects: entry.reflects }, value.length);
    return entry;
  }

  /** Tries again within the budget when that can help; else the record goes to the dead letters and the conversation goes on. */
  private failed(work: Work, thrown: unknown): boolean {
    const error = toConfabError(thrown, 'CONFAB_STAGE_FAILED');
    const spent = this.options.clock.monotonic() - work.startedAt;
    const pause = Math.min(MAX_BACKOFF, FIRST_BACKOFF * 2 ** (work.attempts - 1));
    if (!error.retryable || spent + pause > this.options.budget) return this.bury(work, 'process', error);
    this.options.onRetry?.();
    this.hold(work);
    const life = this.life;
    this.options.clock.after(pause, () => {
      if (life === this.life && !work.share.gone && this.attempt(work)) this.release(work.key);
    });
    return false;
  }

  private bury(work: Work, phase: Phase, thrown: unknown): boolean {
    const error = toConfabError(thrown, 'CONFAB_STAGE_FAILED');
    let position: string | null = null;
    try { position = this.options.stage.position(work, new WorkContext(this.options, work)); } catch { /* unreadable: it stays null */ }
    this.options.logger.error({ err: error, topic: work.topic, partition: work.partition, offset: work.offset, phase }, 'record goes to the dead letters');
    this.options.onDeadLetter?.(phase, error.code);
    return this.finish(work, [deadLetterRecord(this.options.deadLetters, work, phase, error, position)], undefined);
  }

  private hold(work: Work): void {
    if (!this.lanes.has(work.key)) this.lanes.set(work.key, { partition: work.partition, queue: [] });
  }

  /** The conversation goes on: what waited behind runs until one of them waits in its turn. */
  private release(key: string): void {
    for (let lane = this.lanes.get(key); lane !== undefined; ) {
      const next = lane.queue.shift();
      if (next === undefined) { this.lanes.delete(key); break; }
      if (!this.attempt(next)) break;
    }
    this.options.onFinished();
  }

  private finish(work: Work, records: readonly NewRecord[], state: StateEntry | undefined): true {
    this.finished.push({ work, records, state });
    return true;
  }
}

/** One for each attempt: the abort signal exists only for a stage that asks for it. */
class WorkContext implements AnyContext {
  private controller: AbortController | undefined;

  constructor(private readonly options: ConversationEngineOptions, private readonly work: Work) {}

  now(): number { return this.options.clock.now(); }
  get epoch(): string { return this.options.epoch(); }

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    return AbortSignal.any([this.controller.signal, this.work.share.signal]);
  }

  abort(): void { this.controller?.abort(new ConfabError('CONFAB_STAGE_TIMEOUT')); }
}
