/** The only door to time. Everything that asks for the time, waits or schedules does it through a Clock. */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall-clock time in milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds from an arbitrary start; never goes back. For durations. */
  monotonic(): number;
  /** Calls `run` once after `millis`. A timer never keeps the process alive by itself. */
  after(millis: number, run: () => void): Timer;
  /** Resolves after `millis`, or rejects with the signal's reason once it aborts. Keeps the process alive. */
  sleep(millis: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(millis, run) {
    const handle = setTimeout(run, millis);
    handle.unref();
    return { cancel: () => { clearTimeout(handle); } };
  },
  sleep(millis, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) { reject(signal.reason as Error); return; }
      const onAbort = (): void => { clearTimeout(handle); reject(signal?.reason as Error); };
      const handle = setTimeout(() => { signal?.removeEventListener('abort', onAbort); resolve(); }, millis);
      signal?.addEventListener('abort', onAbort, { once: true });
    });
  },
};

/** Lets input and output and other work have their turn before a long computation goes on. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => { setImmediate(resolve); });
}
