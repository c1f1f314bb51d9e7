/** What one conversation sends: in order, one at a time, each with its key until the server has it. */
import { backoff } from './backoff.js';
import { ClientError } from './errors.js';
import { closedError, type Http } from './http.js';
import type { ClientClock } from './platform.js';
import type { Accepted, Outgoing, Unsent } from './types.js';

/** What waits in all conversations of a client. */
export interface Queue { size: number; readonly limit: number }

export interface SenderOptions {
  readonly path: string;
  readonly http: Http;
  readonly queue: Queue;
  readonly clock: ClientClock;
  readonly random: () => number;
  /** The list of unsent messages is another one. */
  readonly changed: () => void;
  readonly accepted: (unsent: Unsent, accepted: Accepted) => void;
}

interface Item {
  readonly unsent: Unsent;
  resolve(accepted: Accepted): void;
  reject(error: ClientError): void;
}

/** The server knows keys for 24 hours; after that a repeat could double the message. */
const LONGEST = 23 * 3_600_000;

export class Sender {
  private readonly items: Item[] = [];
  private running = false;
  private closed = false;
  private wakeUp: ((closing: boolean) => void) | undefined;
  private attempt: Promise<unknown> | undefined;
  private made = 0;

  constructor(private readonly options: SenderOptions) {}

  get unsent(): readonly Unsent[] { return this.items.map(({ unsent }) => unsent); }

  send(content: Outgoing, key: string | undefined): Promise<Accepted> {
    const { queue, clock } = this.options;
    if (this.closed) return Promise.reject(closedError());
    if (queue.size >= queue.limit) return Promise.reject(new ClientError('CONFAB_QUEUE_FULL', `${queue.size} messages wait to be accepted already.`, { retryable: true }));
    return this.add({ idempotencyKey: key ?? this.newKey(), content, createdAt: clock.now() });
  }

  /** What an earlier page left over; goes before what is sent from now on. */
  restore(left: readonly Unsent[], refused: (error: ClientError) => void): void {
    for (const unsent of left) this.add(unsent).catch((error: unknown) => { if (!this.closed) refused(error as ClientError); });
  }

  /** The server is back: tries at once. */
  wake(): void { this.wakeUp?.(false); }

  /** Resolves when it is known whether the message under way was accepted, as far as its present try can tell. */
  async settled(): Promise<void> { await this.attempt?.catch(() => undefined); }

  close(): void {
    this.closed = true;
    this.options.queue.size -= this.items.length;
    for (const { reject } of this.items) reject(closedError());
    this.wakeUp?.(true);
  }

  private add(unsent: Unsent): Promise<Accepted> {
    return new Promise((resolve, reject) => {
      this.items.push({ unsent, resolve, reject });
      this.options.queue.size += 1;
      this.options.changed();
      if (!this.running) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.running = true;
    let tries = 0;
    for (let item = this.items[0]; item && !this.closed; item = this.items[0]) {
      try {
        const accepted = await this.post(item.unsent);
        tries = 0;
        this.done();
        this.options.accepted(item.unsent, accepted);
        item.resolve(accepted);
      } catch (thrown) {
        if (this.closed) return;
        const error = thrown as ClientError;
        if (error.retryable) { await this.pause(tries, error.retryAfterMs); tries += 1; } else { tries = 0; this.done(); item.reject(error); }
      }
    }
    this.running = false;
  }

  private async post({ content: { text, postback }, idempotencyKey, createdAt }: Unsent): Promise<Accepted> {
    if (this.options.clock.now() - createdAt > LONGEST) throw new ClientError('CONFAB_OUTCOME_UNKNOWN', 'The message could not be sent for 23 hours, and it is not known whether a try was accepted.');
    const attempt = this.options.http.request<Accepted>(this.options.path, 202, text === undefined ? { postback } : { text }, idempotencyKey);
    this.attempt = attempt;
    try {
      const { messageId, position, duplicate } = await attempt;
      if (this.closed) throw closedError();
      return { messageId, position, duplicate };
    } finally {
      this.attempt = undefined;
    }
  }

  private done(): void {
    this.items.shift();
    this.options.queue.size -= 1;
    this.options.changed();
  }

  private pause(tries: number, retryAfterMs: number | undefined): Promise<void> {
    const { clock, random } = this.options;
    return new Promise((resolve) => {
      const end = (): void => { timer.cancel(); this.wakeUp = undefined; resolve(); };
      const timer = clock.after(backoff(tries, random, retryAfterMs), end);
      // A wait that the server asked for ends early only with the client.
      this.wakeUp = (closing) => { if (closing || retryAfterMs === undefined) end(); };
    });
  }

  /** Belongs to the conversation only, so it need not be a secret. */
  private newKey(): string {
    const part = (): string => this.options.random().toString(36).slice(2, 12);
    this.made += 1;
    return `${this.options.clock.now().toString(36)}-${this.made}-${part()}${part()}${part()}`;
  }
}
