/** One conversation: what is sent, what is received, and what is kept of both over a reload. */
import { Emitter } from './emitter.js';
import { closedError, type Http } from './http.js';
import { Inbox } from './inbox.js';
import type { Frame } from './link.js';
import type { ClientClock, StorageLike } from './platform.js';
import { Sender, type Queue } from './sender.js';
import type { Accepted, Conversation, ConversationEvents, ConversationOptions, HistoryOptions, HistoryPage, Outgoing, Position, SendOptions, Unsent } from './types.js';

export interface FollowedOptions extends ConversationOptions {
  readonly http: Http;
  readonly queue: Queue;
  readonly clock: ClientClock;
  readonly random: () => number;
  readonly storage: StorageLike | undefined;
  /** False when the socket is not open. */
  readonly frame: (frame: Frame) => boolean;
  readonly closed: (conversation: Followed) => void;
}

/** What `storage` has of a conversation. */
interface Kept { readonly position?: Position; readonly seen?: readonly Position[]; readonly unsent?: readonly Unsent[] }

const TYPING = 3_000;

export class Followed implements Conversation {
  readonly emitter = new Emitter<ConversationEvents>();
  private readonly path: string;
  private readonly inbox: Inbox;
  private readonly sender: Sender;
  private readonly marks: { received?: Position; read?: Position } = {};
  private typedAt = -Infinity;
  private over = false;
  private saving = false;
  /** Resolves when what an earlier page left has been taken over; undefined: there is nothing to wait for. */
  private loading: Promise<void> | undefined;

  constructor(readonly id: string, private readonly options: FollowedOptions) {
    const { http, queue, clock, random, storage, after } = options;
    this.path = `/v1/conversations/${encodeURIComponent(id)}/`;
    this.sender = new Sender({
      path: `${this.path}messages`, http, queue, clock, random,
      changed: () => { this.save(); },
      accepted: (unsent, accepted) => { this.inbox.accepted(unsent, accepted, id); },
    });
    this.inbox = new Inbox({
      emitter: this.emitter, clock, random,
      read: (query) => this.page(query), settled: () => this.sender.settled(),
      subscribe: () => { this.subscribe(); }, moved: () => { this.save(); },
    });
    this.inbox.seen.position = after;
    if (storage) this.loading = this.load(storage, after).finally(() => { this.loading = undefined; this.subscribe(); });
  }

  get position(): Position | undefined { return this.inbox.seen.position; }
  get unsent(): readonly Unsent[] { return this.sender.unsent; }

  on<E extends keyof ConversationEvents>(event: E, handler: (event: ConversationEvents[E]) => void): () => void {
    return this.emitter.on(event, handler);
  }

  async send(content: Outgoing, { idempotencyKey }: SendOptions = {}): Promise<Accepted> {
    if (this.loading) await this.loading;
    return this.sender.send(content, idempotencyKey);
  }

  async history(options: HistoryOptions = {}): Promise<HistoryPage> {
    if (this.loading) await this.loading;
    if (this.over) throw closedError();
    return this.inbox.history(options.after === undefined ? { before: 'latest', ...options } : options);
  }

  typing(): void {
    const now = this.options.clock.now();
    if (Math.abs(now - this.typedAt) >= TYPING && this.inbox.ready && this.options.frame({ type: 'typing', conversationId: this.id })) this.typedAt = now;
  }

  received(position: Position): void { this.mark('received', position); }
  read(position: Position): void { this.mark('read', position); }

  close(): void {
    if (this.over) return;
    this.over = true;
    this.emitter.clear();
    this.sender.close();
    this.options.frame({ type: 'unsubscribe', conversationId: this.id });
    this.options.closed(this);
  }

  /** Asks the server to follow, from where this one is. False when the socket is not open. */
  subscribe(): boolean {
    if (this.loading || this.over) return false;
    const after = this.inbox.seen.resume;
    return this.options.frame({ type: 'subscribe', conversationId: this.id, ...(after === undefined ? {} : { after }) });
  }

  /** The socket is open. */
  opened(): void {
    this.subscribe();
    this.sender.wake();
  }

  /** The socket is gone. */
  lost(): void { this.inbox.lost(); }

  wake(): void { this.sender.wake(); }

  frame(frame: Frame): void {
    if (this.over) return;
    this.inbox.take(frame);
    if (frame.type === 'ready') for (const type of ['received', 'read'] as const) this.tell(type);
  }

  private mark(type: 'received' | 'read', position: Position): void {
    if (position <= (this.marks[type] ?? '')) return;
    this.marks[type] = position;
    if (this.inbox.ready) this.tell(type);
  }

  private tell(type: 'received' | 'read'): void {
    const position = this.marks[type];
    if (position !== undefined) this.options.frame({ type, conversationId: this.id, position });
  }

  private page({ before, after, limit = 50 }: HistoryOptions): Promise<HistoryPage> {
    const from = before ? `&before=${encodeURIComponent(before)}` : after ? `&after=${encodeURIComponent(after)}` : '';
    return this.options.http.request<HistoryPage>(`${this.path}events?limit=${limit}${from}`, 200);
  }

  private async load(storage: StorageLike, after: Position | undefined): Promise<void> {
    try {
      const kept = JSON.parse(await storage.getItem(this.key) ?? '{}') as Kept;
      const { seen } = this.inbox;
      seen.position = after ?? kept.position;
      for (const position of kept.seen ?? []) seen.add(position);
      this.sender.restore(kept.unsent ?? [], (error) => { this.emitter.emit('error', error); });
    } catch { /* Nothing usable was kept. */ }
  }

  private get key(): string { return `confab:${this.id}`; }

  /** Once for all that changes in the same turn. */
  private save(): void {
    const { storage } = this.options;
    if (!storage || this.saving || this.loading) return;
    this.saving = true;
    void Promise.resolve().then(async () => {
      this.saving = false;
      const { position, latest } = this.inbox.seen;
      await storage.setItem(this.key, JSON.stringify({ position, seen: latest, unsent: this.unsent }));
    }).catch(() => { /* Full or forbidden: it goes on without. */ });
  }
}
