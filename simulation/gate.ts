/**
 * Whether a process runs. All that reaches its code from outside (answers, timers, records, requests) enters here: while it
 * is stopped it waits, once the process is dead it never happens. So a process can be stopped or killed between any two of
 * its awaits.
 */
import type { Clock, Timer } from '../platform/clock.js';

export class Gate {
  private state: 'running' | 'stopped' | 'dead' = 'running';
  private waiting: (() => void)[] = [];

  get alive(): boolean { return this.state !== 'dead'; }
  get running(): boolean { return this.state === 'running'; }

  enter(run: () => void): void {
    if (this.state === 'running') run();
    else if (this.state === 'stopped') this.waiting.push(run);
  }

  stop(): void { if (this.state === 'running') this.state = 'stopped'; }

  /** Goes on where it was stopped: what waited happens in its order, before anything new. */
  async resume(turn: () => Promise<void>): Promise<void> {
    while (this.state === 'stopped') {
      const next = this.waiting.shift();
      if (next === undefined) { this.state = 'running'; return; }
      next();
      await turn();
    }
  }

  kill(): void {
    this.state = 'dead';
    this.waiting = [];
  }
}

/** The clock of one process: differs from the true time by its skew, and is silent while the process is. */
export class ProcessClock implements Clock {
  constructor(private readonly world: Clock, private readonly gate: Gate, public skew: number) {}

  now(): number { return Math.round(this.world.now() + this.skew); }
  monotonic(): number { return this.world.monotonic(); }

  after(millis: number, run: () => void): Timer {
    let cancelled = false;
    const timer = this.world.after(millis, () => { this.gate.enter(() => { if (!cancelled) run(); }); });
    return { cancel: () => { cancelled = true; timer.cancel(); } };
  }

  sleep(millis: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) { reject(signal.reason as Error); return; }
      const aborted = (): void => { timer.cancel(); reject(signal?.reason as Error); };
      const timer = this.after(millis, () => { signal?.removeEventListener('abort', aborted); resolve(); });
      signal?.addEventListener('abort', aborted, { once: true });
    });
  }
}
