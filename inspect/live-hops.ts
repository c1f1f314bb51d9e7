/** A viewer that hands on what it gets one by one, for who reads with `for await`. */
import type { ConfabError } from '../platform/errors.js';
import type { Viewer } from './follower.js';
import type { Hop } from './story-tracker.js';

export class LiveHops implements Viewer {
  private readonly waiting: Hop[] = [];
  private wake: (() => void) | undefined;
  private faulty = false;

  /** @param onFault called once for each time that the log cannot be read; it is tried again */
  constructor(private readonly onFault: (error: ConfabError) => void) {}

  records(hops: readonly Hop[]): void {
    this.faulty = false;
    this.waiting.push(...hops);
    this.wake?.();
  }

  failed(error: ConfabError): void {
    if (!this.faulty) this.onFault(error);
    this.faulty = true;
  }

  async *until(signal: AbortSignal): AsyncGenerator<Hop> {
    const stop = (): void => { this.wake?.(); };
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (!signal.aborted) {
        const hop = this.waiting.shift();
        if (hop !== undefined) yield hop;
        else await new Promise<void>((resolve) => { this.wake = resolve; });
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}
