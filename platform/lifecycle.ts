/**
 * Starts the parts of a process in order and stops them in the opposite one.
 *
 * A stop has two steps: first every part is asked to `drain` (take nothing new), then each is stopped (finish what is in
 * flight, let go of connections). Both go from the part that was started last to the first, so that the doors close before
 * the rooms. The whole stop is bounded; a second signal ends the process at once.
 */
import type { Clock } from './clock.js';
import type { Logger } from './observability/logger.js';

/** One part of a process. */
export interface Component {
  readonly name: string;
  /** Resolves when the part does its job, or can be asked by `ready` when that takes longer. */
  start?(): Promise<void> | void;
  /** False, or the reason, while the part cannot do its job. Without it a part is ready once it was started. */
  ready?(): boolean | string;
  /** Take nothing new. Called for every part before any is stopped. */
  drain?(): Promise<void> | void;
  /** Finish what is in flight and let go of everything. May be called while `start` still waits, and after it failed. */
  stop?(): Promise<void> | void;
}

/** The part of node:process that is used; replaced in tests. */
export interface ProcessPort {
  on(event: string, listener: (argument: unknown) => void): unknown;
  off(event: string, listener: (argument: unknown) => void): unknown;
  exit(code: number): void;
}

export interface LifecycleOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Bound of the whole stop, milliseconds. */
  readonly drainTimeout: number;
  readonly process?: ProcessPort;
}

export interface Readiness {
  readonly ready: boolean;
  /** Why not, one entry for each part that is not ready. */
  readonly waiting: readonly string[];
}

type Phase = 'new' | 'starting' | 'running' | 'stopping' | 'stopped';

const EXIT_OK = 0;
const EXIT_FAILED = 1;

export class Lifecycle {
  private readonly components: Component[] = [];
  private readonly started: Component[] = [];
  private phase: Phase = 'new';
  private stopping: Promise<number> | undefined;
  private readonly port: ProcessPort;
  private resolveEnded: (code: number) => void = () => undefined;
  /** Resolves with the exit code when the process has stopped. */
  readonly ended: Promise<number> = new Promise((resolve) => { this.resolveEnded = resolve; });

  constructor(private readonly options: LifecycleOptions) {
    this.port = options.process ?? process;
  }

  /** Adds a part; parts start in the order in which they were added. Only before `start`. */
  add(component: Component): this {
    if (this.phase !== 'new') throw new Error(`${component.name} was added after the start`);
    this.components.push(component);
    return this;
  }

  /**
   * Starts every part in order. When one fails, those that run are stopped and its error is thrown.
   * A stop that is asked for meanwhile ends the start quietly.
   */
  async start(): Promise<void> {
    this.phase = 'starting';
    for (const component of this.components) {
      if (this.isStopping()) return;
      this.started.push(component);
      try {
        await component.start?.();
      } catch (error) {
        if (this.isStopping()) return;
        // The failed part is stopped too: it may hold half of what it wanted.
        await this.stop(`${component.name} did not start`, EXIT_FAILED);
        throw error;
      }
    }
    if (!this.isStopping()) this.phase = 'running';
  }

  /** Whether every part can do its job; false from the moment a stop begins. */
  readiness(): Readiness {
    if (this.phase !== 'running') return { ready: false, waiting: [this.phase === 'new' ? 'starting' : this.phase] };
    const waiting = this.components.flatMap((component) => {
      const state = component.ready?.() ?? true;
      return state === true ? [] : [state === false ? component.name : `${component.name}: ${state}`];
    });
    return { ready: waiting.length === 0, waiting };
  }

  /** Drains and stops; later calls get the first one's promise. Resolves with the exit code, never rejects. */
  stop(reason: string, code = EXIT_OK): Promise<number> {
    this.stopping ??= this.stopAll(reason, code).then((exitCode) => {
      this.phase = 'stopped';
      this.resolveEnded(exitCode);
      return exitCode;
    });
    return this.stopping;
  }

  /**
   * SIGTERM and SIGINT stop the process within the bound and end it with the exit code; a second one ends it at once.
   * An error that nobody caught is logged and ends it with 1. Returns a function that takes the handlers away.
   */
  handleSignals(): () => void {
    const onSignal = (signal: unknown): void => {
      if (this.stopping) {
        this.options.logger.warn({ signal }, 'second signal: exit at once');
        this.port.exit(EXIT_FAILED);
        return;
      }
      void this.stop(String(signal)).then((code) => { this.port.exit(code); });
    };
    const onError = (error: unknown): void => {
      this.options.logger.fatal({ err: error }, 'an error that nobody caught');
      this.port.exit(EXIT_FAILED);
    };
    const handlers: [string, (argument: unknown) => void][] = [
      ['SIGTERM', onSignal], ['SIGINT', onSignal], ['unhandledRejection', onError], ['uncaughtException', onError],
    ];
    for (const [event, listener] of handlers) this.port.on(event, listener);
    return () => { for (const [event, listener] of handlers) this.port.off(event, listener); };
  }

  private isStopping(): boolean { return this.phase === 'stopping' || this.phase === 'stopped'; }

  private async stopAll(reason: string, code: number): Promise<number> {
    const { clock, logger, drainTimeout } = this.options;
    this.phase = 'stopping';
    const begun = clock.monotonic();
    logger.info({ reason }, 'stopping');
    const bound = new AbortController();
    const tooLate = clock.sleep(drainTimeout, bound.signal).then(() => true, () => false);
    const failed = { any: false };
    const current = { name: '' };
    const done = this.stopInOrder(failed, current).then(() => false);
    const late = await Promise.race([done, tooLate]);
    bound.abort(new Error('stopped in time'));
    const millis = Math.round(clock.monotonic() - begun);
    if (late) logger.error({ component: current.name, millis }, 'the stop took too long');
    else logger.info({ millis }, 'stopped');
    return late || failed.any ? EXIT_FAILED : code;
  }

  private async stopInOrder(failed: { any: boolean }, current: { name: string }): Promise<void> {
    const guard = async (component: Component, step: 'drain' | 'stop'): Promise<void> => {
      current.name = component.name;
      try {
        await component[step]?.();
      } catch (error) {
        failed.any = true;
        this.options.logger.error({ err: error, component: component.name, step }, 'a part failed to stop');
      }
    };
    const order = [...this.started].reverse();
    for (const component of order) await guard(component, 'drain');
    for (const component of order) await guard(component, 'stop');
  }
}
