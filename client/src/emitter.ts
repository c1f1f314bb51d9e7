/** Typed events. A handler that throws does not keep the others from being called: its error becomes an unhandled rejection. */
export class Emitter<Events> {
  private readonly handlers = new Map<keyof Events, Set<(event: never) => void>>();

  on<E extends keyof Events>(event: E, handler: (event: Events[E]) => void): () => void {
    const found = this.handlers.get(event) ?? new Set();
    this.handlers.set(event, found);
    // Wrapped, so that the same function can listen twice and each answer ends its own.
    const entry = (value: Events[E]): void => { handler(value); };
    found.add(entry);
    return () => { found.delete(entry); };
  }

  emit<E extends keyof Events>(event: E, value: Events[E]): void {
    for (const handler of [...this.handlers.get(event) ?? []]) {
      try {
        (handler as (event: Events[E]) => void)(value);
      } catch (error) {
        void Promise.reject(error as Error);
      }
    }
  }

  /** Nothing is emitted any more. */
  clear(): void { this.handlers.clear(); }
}
