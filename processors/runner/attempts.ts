/**
 * One attempt of one input: the stage is asked, waited for within its budget, and what comes of it is finished work, another
 * try, or a dead letter. A stage that answers at once costs no promise.
 */
import type { Clock } from '../../platform/clock.js';
import { ConfabError, toConfabError } from '../../platform/errors.js';
import type { NewRecord } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { StateEntry } from '../../platform/state/state-store.js';
import type { Effects } from '../stage.js';
import type { AnyContext, AnyConversationStage, AnyResult } from './any-stage.js';
import { deadLetterRecord, type DeadLetterOptions, type Phase } from './dead-letter.js';
import { pauseBefore, timedOut } from './failure.js';
import { effectsFor, type EffectsOptions } from './effects.js';
import type { Inputs } from './inputs.js';
import { Lanes } from './lanes.js';
import type { StateView } from './state-view.js';
import type { Finished, Work } from './work.js';

export interface StatePort {
  readonly view: StateView<unknown>;
  /** Encodes a state. @throws CONFAB_VALUE_INVALID */
  encode(value: unknown): Buffer;
}

export interface AttemptOptions {
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
  readonly effects: EffectsOptions;
  /** Calls under way at once, in this process. Default 2,048. */
  readonly concurrency?: number;
  readonly onRetry?: () => void;
  readonly onDrop?: () => void;
  readonly onDeadLetter?: (phase: Phase, code: string) => void;
}

export const MAX_STATE_BYTES = 64 * 1024;
const CALLS = 2048;
/** Beyond the budget: for a timer that is late because the process was busy. */
const LATE = 5000;

export class Attempts {
  /** Conversations that wait. */
  readonly lanes: Lanes;
  /** Attempts that were made. */
  count = 0;
  /** Grows with every `forget` of everything: results of an older life are dropped. */
  private life = 0;

  /** @param finished takes finished work; `later`: the same, when it was not `run` that was asked last */
  constructor(private readonly options: AttemptOptions, private readonly finished: (each: Finished) => void, private readonly later: () => void) {
    this.lanes = new Lanes({ calls: options.concurrency ?? CALLS, attempt: (work) => this.attempt(work) });
  }

  /** The input has its turn, or waits behind its conversation. */
  run(work: Work): void { this.lanes.dispatch(work); }

  forget(partition?: number): void {
    if (partition === undefined) this.life += 1;
    this.lanes.forget(partition);
  }

  /** As `Engine.waits`. */
  waits(work: Work): boolean {
    return this.lanes.has(work.key) && (work.attempts === 0 || this.options.clock.monotonic() - work.startedAt < this.options.budget + LATE);
  }

  /** True when the work is finished; false when its conversation waits now. */
  private attempt(work: Work): boolean {
    this.count += 1;
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
      if (result instanceof Promise) return this.wait(work, context, result);
      context.release();
      return this.complete(work, result, context);
    } catch (error) {
      context.release();
      return this.failed(work, error);
    }
  }

  /** Its state has left the cache since it was prepared, or cannot be read now: its conversation waits until it is there. */
  private reload(work: Work): false {
    this.lanes.hold(work);
    const goOn = this.whenStillWanted(work, () => this.attempt(work));
    void this.options.state?.view.loaded(work.partition, work.key).then(goOn);
    return false;
  }

  private wait(work: Work, context: WorkContext, promise: Promise<AnyResult>): boolean {
    this.lanes.hold(work);
    this.lanes.called();
    let outcome: (() => boolean) | undefined;
    const goOn = this.whenStillWanted(work, () => outcome?.() === true);
    const settle = (result: () => boolean): void => {
      if (outcome !== undefined) return;
      outcome = result;
      timer.cancel();
      context.release();
      goOn();
      this.lanes.answered();
    };
    const left = this.options.budget - (this.options.clock.monotonic() - work.startedAt);
    const timer = this.options.clock.after(left, () => {
      context.abort();
      settle(() => this.bury(work, 'process', timedOut(this.options.budget)));
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
    const { clock, budget } = this.options;
    const pause = pauseBefore(error, { attempts: work.attempts, spent: clock.monotonic() - work.startedAt, budget });
    if (pause === undefined) return this.bury(work, 'process', error);
    this.options.onRetry?.();
    this.lanes.hold(work);
    clock.after(pause, this.whenStillWanted(work, () => this.attempt(work)));
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

  /** For what comes back later: only in the life in which it went out, and while its partition is here. */
  private whenStillWanted(work: Work, run: () => boolean): () => void {
    const { life } = this;
    return () => {
      if (life !== this.life || work.share.gone || !run()) return;
      this.lanes.release(work.key);
      this.later();
    };
  }

  private finish(work: Work, records: readonly NewRecord[], state: StateEntry | undefined): true {
    this.finished({ work, records, state });
    return true;
  }
}

/** One for each attempt: the abort signal exists only for a stage that asks for it. */
class WorkContext implements AnyContext {
  private controller: AbortController | undefined;
  private waitsFor: Effects | undefined;
  private leaves: (() => void) | undefined;

  constructor(private readonly options: AttemptOptions, private readonly work: Work) {}

  now(): number { return this.options.clock.now(); }
  get epoch(): string { return this.options.epoch(); }

  /**
   * Linked by hand and released: `AbortSignal.any` leaves something behind in the long-lived signal of the share for every
   * attempt (Node 20), for good.
   */
  get signal(): AbortSignal {
    if (this.controller !== undefined) return this.controller.signal;
    const controller = this.controller = new AbortController();
    const { signal } = this.work.share;
    this.leaves = () => { controller.abort(signal.reason); };
    if (signal.aborted) this.leaves(); else signal.addEventListener('abort', this.leaves, { once: true });
    return controller.signal;
  }

  get effects(): Effects { return this.waitsFor ??= effectsFor(this.options.effects, this.work, () => this.signal); }

  /** The attempt is over. */
  release(): void { if (this.leaves !== undefined) this.work.share.signal.removeEventListener('abort', this.leaves); }

  abort(): void { this.controller?.abort(new ConfabError('CONFAB_STAGE_TIMEOUT')); }
}
