/**
 * Keeps one stage of one process running: starts its consumer, watches that it makes progress (progress.ts), and replaces it
 * when it does not. A replaced consumer is dropped where it stands; the next one joins under another name, ends what the
 * dropped one left open, and goes on from what was committed.
 */
import type { Clock, Timer } from '../../platform/clock.js';
import { ConfabError } from '../../platform/errors.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Consumer } from './consumer.js';
import { LOOK_EVERY, type Progress, type Stuck } from './progress.js';
import type { RunnerMetrics } from './runner-metrics.js';

export interface StageRunnerOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RunnerMetrics;
  /** A consumer that shares nothing with one before it, and the judge of its progress. */
  readonly newConsumer: () => { readonly consumer: Consumer; readonly progress: Progress };
}

export class StageRunner {
  private current: { readonly consumer: Consumer; readonly progress: Progress };
  private stuck: Stuck | undefined;
  private timer: Timer | undefined;
  private closed = false;

  constructor(private readonly options: StageRunnerOptions) {
    this.current = options.newConsumer();
  }

  async start(): Promise<void> {
    this.watch();
    await this.current.consumer.start();
  }

  /** True while it owns what it was assigned, can commit, and makes progress where there is something to do. */
  get ready(): boolean { return this.stuck === undefined && this.current.consumer.ready; }

  /** Why it is not ready. */
  get waitsFor(): string {
    if (this.ready) return '';
    return this.stuck === undefined ? 'takes its partitions over' : `makes no progress: ${this.stuck.detail}`;
  }

  /** Lag of what this process owns, in offsets. */
  get lag(): number { return this.current.consumer.inFlight.lag; }

  /** Commits what is finished, leaves the group, hands its partitions over. */
  async close(): Promise<void> {
    this.closed = true;
    this.timer?.cancel();
    await this.current.consumer.close();
  }

  private watch(): void {
    this.timer = this.options.clock.after(LOOK_EVERY, () => {
      if (this.closed) return;
      this.judge(this.current.progress.look());
      this.watch();
    });
  }

  private judge(stuck: Stuck | undefined): void {
    const { logger, metrics, name } = this.options;
    if (stuck === undefined) {
      // A consumer that was put in place of another proves itself first.
      if (this.stuck === undefined || !this.current.consumer.ready || !this.current.progress.proven) return;
      logger.info({ stage: name }, 'the stage makes progress again');
      this.told(undefined);
      return;
    }
    if (this.stuck?.reason !== stuck.reason) logger.error({ err: new ConfabError('CONFAB_STAGE_STUCK', { detail: stuck.detail }), reason: stuck.reason }, 'the stage makes no progress');
    this.told(stuck);
    if (!stuck.replace) return;
    metrics.replaced(stuck.reason);
    logger.warn({ reason: stuck.reason }, 'its consumer is replaced');
    this.current.consumer.abandon();
    this.current = this.options.newConsumer();
    this.current.consumer.start().catch((error: unknown) => { logger.error({ err: error }, 'a consumer cannot start'); });
  }

  private told(stuck: Stuck | undefined): void {
    this.stuck = stuck;
    this.options.metrics.stuck(stuck !== undefined);
  }
}
