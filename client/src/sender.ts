/** What one conversation sends: in order, one at a time, each with its key until the server has it. */
import { pause, type Core } from './core.js';
import { ClientError, closedError } from './errors.js';
import type { Accepted, Outgoing, Unsent } from './types.js';

/** Whom a sender serves. */
export interface SenderHost {
  readonly core: Core;
  /** Of the conversation, with a closing slash. */
  readonly path: string;
  /** What is to be kept over a reload has changed. */
  save(): void;
  accepted(unsent: Unsent, accepted: Accepted): void;
}

interface Item {
  readonly unsent: Unsent;
  readonly sent: () => Promise<Accepted>;
  readonly resolve: (accepted: Accepted) => void;
  readonly reject: (error: ClientError) => void;
}

/** The server knows keys for 24 hours; after that a repeat could double the message. */
const LONGEST = 23 * 3_600_000;

export class Sender {
  readonly #items: Item[] = [];
  #running = false;
  #closed = false;
  #wakeUp: ((closing: boolean) => void) | undefined;
  #attempt: Promise<ClientError | undefined> | undefined;
  #made = 0;

  readonly #host: SenderHost;
  readonly #core: Core;

  constructor(host: SenderHost) {
    this.#host = host;
    this.#core = host.core;
  }

  get unsent(): readonly Unsent[] { return this.#items.map(({ unsent }) => unsent); }

  send(content: Outgoing, key: string | undefined): Promise<Accepted> {
    const { queue, clock } = this.#core;
    if (this.#closed) return Promise.reject(closedError());
    // One that an earlier page left over, or that is under way: it is not sent twice.
    const waiting = this.#items.find((item) => item.unsent.idempotencyKey === key);
    if (waiting) return waiting.sent();
    if (queue.size >= queue.limit) return Promise.reject(new ClientError('CONFAB_QUEUE_FULL', `${queue.size} messages wait.`, { retryable: true }));
    return this.#add({ idempotencyKey: key ?? this.#newKey(), content, createdAt: clock.now() });
  }

  /** What an earlier page left over; goes before what is sent from now on. */
  restore(left: readonly Unsent[], refused: (error: ClientError) => void): void {
    for (const unsent of left) this.#add(unsent).catch((error: unknown) => { if (!this.#closed) refused(error as ClientError); });
  }

  /** The server is back: tries at once. */
  wake(): void { this.#wakeUp?.(false); }

  /** Resolves when it is known whether the message under way was accepted, as far as its present try can tell. */
  async settled(): Promise<void> { await this.#attempt; }

  close(): void {
    this.#closed = true;
    this.#core.queue.size -= this.#items.length;
    for (const { reject } of this.#items) reject(closedError());
    this.#wakeUp?.(true);
  }

  #add(unsent: Unsent): Promise<Accepted> {
    const sent = new Promise<Accepted>((resolve, reject) => { this.#items.push({ unsent, resolve, reject, sent: () => sent }); });
    this.#core.queue.size += 1;
    this.#host.save();
    if (!this.#running) void this.#run();
    return sent;
  }

  async #run(): Promise<void> {
    this.#running = true;
    let tries = 0;
    for (let item = this.#items[0]; item && !this.#closed; item = this.#items[0]) {
      this.#attempt = this.#try(item);
      const error = await this.#attempt;
      this.#attempt = undefined;
      if (error && !this.#closed) {
        // A wait that the server asked for ends early only with the client.
        await pause(this.#core, tries, error.retryAfterMs, (end) => { this.#wakeUp = (closing) => { if (closing || error.retryAfterMs === undefined) end(); }; });
        tries += 1;
      } else tries = 0;
    }
    this.#running = false;
  }

  /** Why it is to be tried again; undefined once it has its answer. */
  async #try({ unsent, resolve, reject }: Item): Promise<ClientError | undefined> {
    const { content: { text, postback }, idempotencyKey, createdAt } = unsent;
    try {
      if (this.#core.clock.now() - createdAt > LONGEST) throw new ClientError('CONFAB_OUTCOME_UNKNOWN', 'Tried for 23 hours; perhaps accepted.');
      const { messageId, position, duplicate } = await this.#core.http.request<Accepted>(`${this.#host.path}messages`, 202, text === undefined ? { postback } : { text }, idempotencyKey);
      if (this.#closed) return undefined;
      this.#done();
      const accepted = { messageId, position, duplicate };
      this.#host.accepted(unsent, accepted);
      resolve(accepted);
    } catch (thrown) {
      const error = thrown as ClientError;
      if (error.retryable || this.#closed) return error;
      this.#done();
      reject(error);
    }
    return undefined;
  }

  #done(): void {
    this.#items.shift();
    this.#core.queue.size -= 1;
    this.#host.save();
  }

  /** Belongs to the conversation only, so it need not be a secret. */
  #newKey(): string {
    const part = (): string => this.#core.random().toString(36).slice(2, 12);
    this.#made += 1;
    return `${this.#core.clock.now().toString(36)}-${this.#made}-${part()}${part()}${part()}`;
  }
}
