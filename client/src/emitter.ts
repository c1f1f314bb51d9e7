/** Typed events. A handler that throws does not keep the others from being called: its error becomes an unhandled rejection. */
export class Emitter<Events> {
  readonly #handlers = new Map<keyof Events, Set<(event: unknown) => void>>();

  on<E extends keyof Events>(event: E, handler: (event: Events[E]) => void): () => void {
    const found = this.#handlers.get(event) ?? new Set();
    this.#handlers.set(event, found);
    found.add(handler as (event: unknown) => void);
    return () => { found.delete(handler as (event: unknown) => void); };
  }

  emit<E extends keyof Events>(event: E, value: Events[E]): void {
    for (const handler of [...this.#handlers.get(event) ?? []]) {
      try {
        handler(value);
      } catch (error) {
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- whatever the handler threw
        void Promise.reject(error);
      }
    }
  }

  /** Nothing is emitted any more. */
  clear(): void { this.#handlers.clear(); }
}
