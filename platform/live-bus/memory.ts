/** Live bus within one process. */
import type { LiveBus, LiveFrame } from './live-bus.js';

export class MemoryLiveBus implements LiveBus {
  private readonly listeners = new Set<(frame: LiveFrame) => void>();

  /** Hears everything that is published; must not throw. Returns how to stop. */
  listen(listener: (frame: LiveFrame) => void): () => void {
    this.listeners.add(listener);
    return () => { this.listeners.delete(listener); };
  }

  publish(frame: LiveFrame): void {
    for (const listener of this.listeners) listener(frame);
  }

  close(): Promise<void> {
    this.listeners.clear();
    return Promise.resolve();
  }
}
