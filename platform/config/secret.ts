import { inspect } from 'node:util';

/**
 * A value that is never shown. It has no text form: putting it into a string or JSON fails, `inspect` gives a mask, so a
 * secret cannot slip out by accident. `reveal` is called only where the value goes into a connection.
 */
export class Secret {
  readonly #value: string;
  readonly #again: (() => string) | undefined;

  /** `again` reads the value anew, for a secret that came from a file and may be renewed there. */
  constructor(value: string, again?: () => string) { this.#value = value; this.#again = again; }

  reveal(): string { return this.#value; }

  /** As the file holds it now; the value read at the start when it did not come from a file or the file is gone. */
  revealFresh(): string {
    try { return this.#again?.() ?? this.#value; } catch { return this.#value; }
  }

  /** @throws always: a secret has no text form */
  toString(): never { throw new TypeError('A secret has no text form; use reveal() where it is needed.'); }

  [Symbol.toPrimitive](): never { return this.toString(); }

  /** @throws always: a secret has no JSON form */
  toJSON(): never { return this.toString(); }

  [inspect.custom](): string { return '[secret]'; }
}
