/** Ties one conversation of the SDK to what the page shows: events in, words out. React reads it as an external store. */
import type { Client, Connection, Conversation as Followed, Outgoing, QuickReply } from '../../../client/src/index.js';
import { EMPTY, reduce, type Action, type Conversation } from './conversation.js';
import { faultWords } from './words.js';

/** A frame "somebody is writing" holds so long. */
const TYPING_MILLIS = 6000;
const PAGE = 40;

export interface ChatSnapshot {
  readonly conversation: Conversation;
  readonly connection: Connection;
  /** Which part of the history is being read. */
  readonly reading: 'latest' | 'older' | undefined;
  /** The history could not be read, in words. */
  readonly fault?: string | undefined;
}

export interface SessionOptions {
  readonly client: Client;
  readonly conversationId: string;
  /** A key that no other message has. */
  readonly newKey: () => string;
  readonly now: () => number;
  /** Something was answered while the page looks on. */
  readonly onReply?: (() => void) | undefined;
}

export class ChatSession {
  private snapshot: ChatSnapshot;
  private readonly listeners = new Set<() => void>();
  private readonly endings: (() => void)[] = [];
  private readonly followed: Followed;
  private readonly contents = new Map<string, Outgoing>();
  private quiet: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly options: SessionOptions) {
    const { client, conversationId } = options;
    this.snapshot = { conversation: EMPTY, connection: client.connection, reading: 'latest' };
    this.followed = client.conversation(conversationId);
    this.listen();
    for (const { idempotencyKey, content, createdAt } of this.followed.unsent) {
      this.show(idempotencyKey, content, createdAt);
      // It is on its way already. Its acceptance is waited for, as the event with its key does not come when a page has it.
      void this.deliver(idempotencyKey, content);
    }
    void this.readLatest();
  }

  readonly getSnapshot = (): ChatSnapshot => this.snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => { this.listeners.delete(listener); };
  };

  say(text: string): void { this.send({ text }, text); }

  choose(choice: QuickReply, replyId: string): void {
    this.send({ postback: { payload: choice.payload, replyId } }, choice.title);
  }

  /** Sends a message again that failed, under its own key: if the server has it after all, it is not doubled. */
  retry(key: string): void {
    const content = this.contents.get(key);
    if (content === undefined) return;
    this.dispatch({ type: 'retried', key });
    void this.deliver(key, content);
  }

  /** Call it at each key that is pressed. */
  typing(): void { this.followed.typing(); }

  async readOlder(): Promise<void> {
    const { older } = this.snapshot.conversation;
    if (typeof older === 'string' && this.snapshot.reading === undefined) await this.read('older', older);
  }

  /** Begins with the newest page; call it again after a fault. */
  readLatest(): Promise<void> { return this.read('latest', 'latest'); }

  close(): void {
    clearTimeout(this.quiet);
    for (const end of this.endings) end();
    this.followed.close();
  }

  private listen(): void {
    const { followed, options } = this;
    const lasting = (event: Extract<Action, { type: 'events' }>['events'][number]): void => { this.dispatch({ type: 'events', events: [event] }); };
    this.endings.push(
      options.client.on('connection', (connection) => {
        this.update({ connection });
        // What kept the history from being read may be over: the server is back, or knows now who this is.
        if (connection.state === 'open' && this.snapshot.fault !== undefined) void this.readLatest();
      }),
      followed.on('message', lasting), followed.on('outcome', lasting), followed.on('handoff', lasting),
      followed.on('reply', (reply) => { lasting(reply); options.onReply?.(); }),
      followed.on('delta', (delta) => { this.dispatch({ type: 'delta', delta }); }),
      followed.on('typing', (typing) => {
        // A person's own typing, in another tab, is no news here.
        if (typing.author.type === 'person') return;
        this.dispatch({ type: 'typing', typing, at: options.now() });
        clearTimeout(this.quiet);
        this.quiet = setTimeout(() => { this.dispatch({ type: 'quiet' }); }, TYPING_MILLIS);
      }),
    );
  }

  private send(content: Outgoing, words: string): void {
    const key = this.options.newKey();
    this.show(key, content, this.options.now(), words);
    void this.deliver(key, content);
  }

  private show(key: string, content: Outgoing, at: number, words = content.text ?? ''): void {
    this.contents.set(key, content);
    this.dispatch({ type: 'said', key, text: words, at: new Date(at).toISOString(), ...(content.postback === undefined ? {} : { postback: content.postback }) });
  }

  private async deliver(key: string, content: Outgoing): Promise<void> {
    try {
      const { messageId, position } = await this.followed.send(content, { idempotencyKey: key });
      this.dispatch({ type: 'accepted', key, messageId, position });
      this.contents.delete(key);
    } catch (error) {
      this.dispatch({ type: 'failed', key, fault: faultWords(error) });
    }
  }

  private async read(reading: 'latest' | 'older', before: string): Promise<void> {
    this.update({ reading, fault: undefined });
    try {
      const page = await this.followed.history({ before, limit: PAGE });
      this.dispatch({ type: 'page', ...page });
      this.update({ reading: undefined });
    } catch (error) {
      this.update({ reading: undefined, fault: faultWords(error) });
    }
  }

  private dispatch(action: Action): void {
    const conversation = reduce(this.snapshot.conversation, action);
    if (conversation !== this.snapshot.conversation) this.update({ conversation });
  }

  private update(part: Partial<ChatSnapshot>): void {
    this.snapshot = { ...this.snapshot, ...part };
    for (const listener of this.listeners) listener();
  }
}
