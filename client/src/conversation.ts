/** One conversation: what is sent, what is received, and what is kept of both over a reload. */
import type { Core } from './core.js';
import { Emitter } from './emitter.js';
import { closedError } from './errors.js';
import { Inbox, type InboxHost } from './inbox.js';
import type { Frame } from './link.js';
import type { StorageLike } from './platform.js';
import { Sender, type SenderHost } from './sender.js';
import type { Accepted, Conversation, ConversationEvents, HistoryOptions, HistoryPage, Outgoing, Position, SendOptions, Unsent } from './types.js';

/** What `storage` has of a conversation. */
interface Kept { readonly position?: Position; readonly seen?: readonly Position[]; readonly unsent?: readonly Unsent[] }

type Marks = Record<string, Position>;

const TYPING = 3_000;
/** A storage that is full, forbidden or holds nonsense is done without. */
const NOTHING = (): void => undefined;

export class Followed implements Conversation, SenderHost, InboxHost {
  readonly emitter = new Emitter<ConversationEvents>();
  declare readonly id: string;
  declare readonly core: Core;
  declare readonly path: string;
  readonly #ended: (conversation: Followed) => void;
  readonly #inbox = new Inbox(this);
  readonly #sender: Sender;
  /** What the application has acknowledged, and what of it the server was told on the present subscription. */
  readonly #marks: Marks = {};
  #told: Marks = {};
  #typedAt = -Infinity;
  #over = false;
  #saving = false;
  /** Resolves when what an earlier page left has been taken over; undefined: there is nothing to wait for. */
  #loading: Promise<void> | undefined;

  constructor(id: string, core: Core, after: Position | undefined, ended: (conversation: Followed) => void) {
    this.#ended = ended;
    Object.assign(this, { id, core, path: `/v1/conversations/${encodeURIComponent(id)}/` } satisfies Partial<Followed>);
    this.#sender = new Sender(this);
    this.#inbox.seen.begin(after);
    if (core.storage) this.#load(core.storage, after);
  }

  get position(): Position | undefined { return this.#inbox.seen.position; }
  get unsent(): readonly Unsent[] { return this.#sender.unsent; }

  on<E extends keyof ConversationEvents>(event: E, handler: (event: ConversationEvents[E]) => void): () => void {
    return this.emitter.on(event, handler);
  }

  async send(content: Outgoing, options?: SendOptions): Promise<Accepted> {
    if (this.#loading) await this.#loading;
    return this.#sender.send(content, options?.idempotencyKey);
  }

  async history(options: HistoryOptions = {}): Promise<HistoryPage> {
    if (this.#loading) await this.#loading;
    if (this.#over) throw closedError();
    return this.#inbox.history(options.after === undefined ? { before: 'latest', ...options } : options);
  }

  typing(): void {
    const now = this.core.clock.now();
    if (now - this.#typedAt >= TYPING && this.#inbox.ready && this.core.send({ type: 'typing', conversationId: this.id })) this.#typedAt = now;
  }

  received(position: Position): void { this.#mark('received', position); }
  read(position: Position): void { this.#mark('read', position); }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.emitter.clear();
    this.#sender.close();
    this.core.send({ type: 'unsubscribe', conversationId: this.id });
    this.#ended(this);
  }

  /** Asks the server to follow, from where this one is. False when that cannot be. */
  subscribe(): boolean {
    const after = this.#inbox.seen.resume;
    return !this.#loading && !this.#over && this.core.send({ type: 'subscribe', conversationId: this.id, ...(after && { after }) });
  }

  /** The socket is gone. */
  lost(): void { this.#inbox.lost(); }

  /** The server may be back. */
  wake(): void { this.#sender.wake(); }

  frame(frame: Frame): void {
    if (this.#over) return;
    this.#inbox.take(frame);
    const { type, position, retryAfterMs } = frame;
    // What was refused, or came too often, is told again: after the time that the server names, or when more has come.
    if (type === 'ready' || type === 'error') this.#told = {};
    if (position) this.#tell();
    else if (retryAfterMs) this.core.clock.after(retryAfterMs, () => { this.#tell(); });
  }

  page({ before, after, limit = 50 }: HistoryOptions): Promise<HistoryPage> {
    const from = before ? `&before=${encodeURIComponent(before)}` : after ? `&after=${encodeURIComponent(after)}` : '';
    return this.core.http.request<HistoryPage>(`${this.path}events?limit=${limit}${from}`, 200);
  }

  settled(): Promise<void> { return this.#sender.settled(); }

  accepted(unsent: Unsent, accepted: Accepted): void { this.#inbox.accepted(unsent, accepted, this.id); }

  /** Once for all that changes in the same turn. */
  save(): void {
    const { storage } = this.core;
    if (!storage || this.#saving || this.#loading) return;
    this.#saving = true;
    void Promise.resolve().then(() => {
      this.#saving = false;
      const { position, latest } = this.#inbox.seen;
      return storage.setItem(this.#key, JSON.stringify({ position, seen: latest, unsent: this.unsent }));
    }).catch(NOTHING);
  }

  #mark(type: string, position: Position): void {
    if (position <= (this.#marks[type] ?? '')) return;
    this.#marks[type] = position;
    this.#tell();
  }

  #tell(): void {
    for (const type in this.#marks) {
      const position = this.#marks[type] as Position;
      if (this.#told[type] !== position && !this.#over && this.#inbox.ready && this.core.send({ type, conversationId: this.id, position })) this.#told[type] = position;
    }
  }

  #load(storage: StorageLike, after: Position | undefined): void {
    const restore = (text: string | null): void => {
      const { position, seen = [], unsent = [] } = JSON.parse(text ?? '{}') as Kept;
      this.#inbox.seen.begin(after ?? position);
      for (const one of seen) this.#inbox.seen.add(one);
      this.#sender.restore(unsent, (error) => { this.emitter.emit('error', error); });
    };
    try {
      const kept = storage.getItem(this.#key);
      // Where storage answers at once, what it has is there at once, too.
      if (kept === null || typeof kept === 'string') restore(kept);
      else this.#loading = kept.then(restore).catch(NOTHING).finally(() => { this.#loading = undefined; this.subscribe(); });
    } catch { /* Nothing usable was kept. */ }
  }

  get #key(): string { return `confab:${this.id}`; }
}
