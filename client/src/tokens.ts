/** The token of a client and where a newer one comes from. */
import { ClientError } from './errors.js';
import type { ClientOptions } from './types.js';

export class Tokens {
  readonly #source: ClientOptions['token'];
  #current: Promise<string | undefined> | undefined;
  #renewal: Promise<string | undefined> | undefined;

  constructor(source: ClientOptions['token']) { this.#source = source; }

  get renewable(): boolean { return typeof this.#source === 'function'; }

  /** The token in use; the first time it is asked for. @throws CONFAB_TOKEN_UNAVAILABLE */
  get(): Promise<string | undefined> { return this.#current ?? this.renew(); }

  /** Asks for a newer one; those who ask at the same time share the answer. @throws CONFAB_TOKEN_UNAVAILABLE */
  renew(): Promise<string | undefined> {
    this.#renewal ??= this.#ask().then((token) => {
      this.#current = Promise.resolve(token);
      return token;
    }).finally(() => { this.#renewal = undefined; });
    return this.#renewal;
  }

  async #ask(): Promise<string | undefined> {
    const source = this.#source;
    if (typeof source !== 'function') return source;
    try {
      return await source();
    } catch (cause) {
      throw new ClientError('CONFAB_TOKEN_UNAVAILABLE', `No token: ${String((cause as Error | undefined)?.message ?? cause)}`, { retryable: true, cause });
    }
  }
}
