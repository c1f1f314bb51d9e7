/**
 * What one conversation receives: each outcome once and in order, the message that it answers before it, over every loss of
 * the socket. Frames wait in a queue while something must be read first; after a loss the queue is dropped, since what was
 * not handed over comes again after `resume`.
 */
import { pause, type Core } from './core.js';
import type { Emitter } from './emitter.js';
import { ClientError } from './errors.js';
import type { Frame } from './link.js';
import { Seen } from './seen.js';
import type { Accepted, ConversationEvents, HistoryEvent, HistoryOptions, HistoryPage, Message, Position, Receipt, Reply, Unsent } from './types.js';

/** Whom an inbox serves. */
export interface InboxHost {
  readonly core: Core;
  readonly emitter: Emitter<ConversationEvents>;
  page(options: HistoryOptions): Promise<HistoryPage>;
  /** Resolves when the answer to the message under way is known. */
  settled(): Promise<void>;
  subscribe(): boolean;
  /** What is to be kept over a reload has changed. */
  save(): void;
}

/** An `error` frame. */
interface Fault { readonly code: string; readonly detail: string; readonly retryAfterMs?: number }

/** Messages that are remembered. */
const KNOWN = 1_000;
const TRIES = 5;
/** How long a subscription that failed is left alone, as a number of tries. */
const FAULT = 3;
/** A subscription that failed for one of these reasons fails again. */
const LASTING = /FORBIDDEN|SCOPE|LIMIT|INVALID|TOKEN/;

export class Inbox {
  readonly seen = new Seen();
  /** The server follows the conversation on the present socket. */
  ready = false;
  readonly #host: InboxHost;
  #queue: Frame[] = [];
  #working = false;
  #holds = 0;
  /** Counts the sockets: what was begun for an earlier one is given up. */
  #turn = 0;
  #blank = false;
  /** Messages by id: undefined once the application has it, else as it was read. */
  readonly #known = new Map<string, Message | undefined>();

  constructor(host: InboxHost) { this.#host = host; }

  take(frame: Frame): void {
    this.#queue.push(frame);
    void this.#work();
  }

  /** The socket is gone. */
  lost(): void {
    this.#turn += 1;
    this.ready = this.#working = false;
    // What is ours does not come again.
    this.#queue = this.#queue.filter(({ type }) => type === 'message');
  }

  /** A message of ours has its place. */
  accepted({ idempotencyKey, content, createdAt }: Unsent, { messageId, position }: Accepted, conversationId: string): void {
    if (this.#told(messageId)) return;
    const { text, postback } = content;
    const message: Message = {
      type: 'message', messageId, conversationId, position, idempotencyKey, author: { type: 'person' },
      ...(text && { text }), ...(postback && { postback }), createdAt: new Date(createdAt).toISOString(),
    };
    this.seen.asked(messageId, position);
    this.#know(messageId, message);
    // In its turn: a page that is being read may hold it.
    this.take(message as unknown as Frame);
    this.#lookBack();
  }

  /** A page for the application. Of the newest, nothing is emitted again, and events wait until it has been handed over. */
  async history(options: HistoryOptions): Promise<HistoryPage> {
    const newest = options.before === 'latest';
    if (newest) this.#holds += 1;
    try {
      const page = await this.#patiently(options, () => true);
      for (const event of newest ? [...page.events].reverse() : page.events) {
        if (event.type === 'message') this.#learn(event, newest);
        else if (newest) this.seen.take(event.position, answered(event));
      }
      if (newest) this.#shown(page.events.at(-1)?.position);
      return page;
    } finally {
      // In a turn of its own: whoever waits for the page comes first.
      if (newest) this.#host.core.clock.after(0, () => { this.#holds -= 1; void this.#work(); });
    }
  }

  /** The newest page was shown, down to `oldest`. */
  #shown(oldest: Position | undefined): void {
    // What lies before the page comes with the pages before it.
    if (oldest) { this.seen.raise(oldest); this.seen.position ??= oldest; }
    // Nothing to resume from: what happens until the server follows the conversation is read then.
    else if (!this.ready) this.#blank = true;
    this.#lookBack();
  }

  /** Tells whether the present socket is still there. */
  #wanted(): () => boolean {
    const turn = this.#turn;
    return () => turn === this.#turn;
  }

  async #work(): Promise<void> {
    if (this.#working) return;
    const wanted = this.#wanted();
    this.#working = true;
    // After a loss another one is at work.
    while (wanted()) {
      const frame = this.#holds > 0 ? undefined : this.#queue.shift();
      if (!frame) { this.#working = false; return; }
      const pending = this.#handle(frame);
      if (pending) await pending;
    }
  }

  #handle(frame: Frame): Promise<void> | undefined {
    const { emitter } = this.#host;
    switch (frame.type) {
      case 'reply': case 'outcome': case 'handoff': return this.#outcome(frame as unknown as HistoryEvent);
      case 'typing': case 'delta': case 'receipt': if (frame.type !== 'receipt' || this.seen.confirm(frame as unknown as Receipt)) emitter.emit(frame.type, frame as never); return undefined;
      case 'ready': return this.#stands(frame as unknown as ConversationEvents['ready']);
      case 'message': this.#tell(frame as unknown as Message); return undefined;
      case 'error': return this.#fault(frame as unknown as Fault);
      default: return undefined;
    }
  }

  #outcome(event: HistoryEvent): Promise<void> | undefined {
    const id = answered(event);
    if (this.seen.has(event.position)) return undefined;
    if (id && !this.#told(id)) return this.#withMessage(event, id);
    this.#deliver(event);
    return undefined;
  }

  /** An outcome of a message that was not sent here, or whose acceptance is still on its way. */
  async #withMessage(event: HistoryEvent, id: string): Promise<void> {
    const wanted = this.#wanted();
    await this.#host.settled();
    if (!this.#known.has(id) && wanted()) await this.#lookUp(event, id, wanted);
    if (!wanted()) return;
    const message = this.#known.get(id);
    if (message) this.#tell(message);
    this.#deliver(event);
  }

  /** The messages since the last outcome, so that one page serves the outcomes that follow; else those just before it. */
  async #lookUp(event: HistoryEvent, id: string, wanted: () => boolean): Promise<void> {
    const { position } = this.seen;
    for (const page of [{ after: position, limit: 200 }, { before: event.position }]) {
      try {
        const { events } = await this.#patiently(page, wanted);
        if (!wanted()) return;
        for (const one of events) if (one.type === 'message' && !this.#known.has(one.messageId)) this.#know(one.messageId, one);
      } catch { return; /* An outcome is worth more than the message before it. */ }
      if (this.#known.has(id)) return;
    }
  }

  #stands(ready: ConversationEvents['ready']): Promise<void> | undefined {
    const first = !this.ready;
    this.ready = true;
    if (first || !ready.recovered) this.#host.emitter.emit('ready', ready);
    const { position } = this.seen;
    if (!ready.recovered && position) return this.#readGap(position, ready.position);
    this.seen.position ??= ready.position;
    this.#lookBack(position);
    if (!this.#blank) return undefined;
    this.#blank = false;
    return this.#readGap('');
  }

  /** A message was answered before the server followed the conversation: it is followed anew, from there. */
  #lookBack(known?: Position): void { if (this.ready && !known && this.seen.resume !== this.seen.position) this.#host.subscribe(); }

  /** What the stream does not bring is read, from `start` ('': from the oldest kept); it goes on from `upTo`. */
  async #readGap(start: Position, upTo?: Position): Promise<void> {
    const wanted = this.#wanted();
    // Positions of another log do not compare with what was seen of this one.
    let reset = !!upTo && start > upTo;
    if (reset) this.seen.forget();
    for (let after: Position | null = start; after !== null;) {
      let page: HistoryPage;
      const from: Position = after;
      try {
        page = await this.#patiently({ after: from, limit: 500 }, wanted);
      } catch (error) {
        if (wanted()) this.#host.emitter.emit('error', error as ClientError);
        break;
      }
      if (!wanted()) return;
      for (const event of page.events) {
        if (upTo && event.position > upTo) continue;
        if (event.type === 'message') this.#tell(event);
        else { this.#deliver(event, reset); reset = false; }
      }
      after = page.next;
    }
    if (upTo && wanted()) { this.seen.position = upTo; this.#host.save(); }
    this.#lookBack();
  }

  #fault({ code, detail, retryAfterMs }: Fault): Promise<void> | undefined {
    const host = this.#host;
    const lasting = LASTING.test(code);
    host.emitter.emit('error', new ClientError(code, detail, { retryable: !lasting, retryAfterMs }));
    if (code === 'CONFAB_POSITION_INVALID') {
      const { position } = this.seen;
      if (this.ready) return this.#readGap(position ?? '');
      // What was remembered is no position: there is nothing to resume from.
      if (position) { this.seen.position = undefined; host.subscribe(); }
    } else if (!lasting && !retryAfterMs) {
      // Without a time the server has given the subscription up.
      const wanted = this.#wanted();
      this.ready = false;
      void pause(host.core, FAULT).then(() => { if (wanted()) host.subscribe(); });
    }
    return undefined;
  }

  #tell(message: Message): void {
    if (this.#told(message.messageId)) return;
    this.#learn(message, true);
    this.#host.emitter.emit('message', message);
  }

  /** The application has a message; `open`: its outcome is still to come. */
  #learn({ messageId, position, author }: Message, open: boolean): void {
    this.#know(messageId);
    if (open && author.type === 'person') this.seen.asked(messageId, position);
  }

  /** The application has the message. */
  #told(messageId: string): boolean { return this.#known.has(messageId) && this.#known.get(messageId) === undefined; }

  #deliver(event: HistoryEvent, reset = false): void {
    if (!this.seen.take(event.position, answered(event), reset)) return;
    this.#host.save();
    this.#host.emitter.emit(event.type, event);
  }

  #know(messageId: string, message?: Message): void {
    this.#known.set(messageId, message);
    if (this.#known.size > KNOWN) this.#known.delete(this.#known.keys().next().value as string);
  }

  /** A page; what may succeed later is repeated a few times, as long as it is wanted. */
  async #patiently(options: HistoryOptions, wanted: () => boolean): Promise<HistoryPage> {
    for (let tries = 0; ; tries += 1) {
      try {
        return await this.#host.page(options);
      } catch (thrown) {
        const error = thrown as ClientError;
        if (!error.retryable || tries >= TRIES) throw error;
        await pause(this.#host.core, tries, error.retryAfterMs);
        if (!wanted()) throw error;
      }
    }
  }
}

/** The message that an event is the outcome of. */
function answered(event: HistoryEvent): string | null | undefined { return (event as Partial<Reply>).inReplyTo; }
