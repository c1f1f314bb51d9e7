/** Waiting that goes by progress, not by speed. */

export const pause = (millis: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, millis); });

/** Waits so long, or until the signal aborts. */
export function pauseUntil(millis: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) { resolve(); return; }
    const done = (): void => { clearTimeout(timer); signal.removeEventListener('abort', done); resolve(); };
    const timer = setTimeout(done, millis);
    signal.addEventListener('abort', done);
  });
}

/** Says when something stands still: a slow machine is given time, a stuck system is not. */
export class Progress {
  private last: string | undefined;
  private since = performance.now();

  constructor(private readonly what: string, private readonly patience: number, private readonly now_ = (): number => performance.now()) {}

  /** True while it moves, or has stood still for less than the patience. */
  moves(state: unknown): boolean {
    const text = JSON.stringify(state);
    if (text !== this.last) { this.last = text; this.since = this.now_(); }
    return this.now_() - this.since < this.patience;
  }

  /** @throws Error when it has stood still for too long */
  now(state: unknown): void {
    if (!this.moves(state)) throw new Error(`${this.what}: nothing has moved for ${this.patience / 1000} s (${this.last ?? ''})`);
  }
}
