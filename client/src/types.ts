/** What applications see: what comes in, what goes out, and what they may bring along. */
import type { ClientError } from './errors.js';
import type { ClientClock, FetchLike, StorageLike, WebSocketConstructor } from './platform.js';

/** A place in a conversation: opaque, and of one conversation they compare as strings. */
export type Position = string;

export interface Author {
  readonly type: 'bot' | 'agent' | 'system' | 'person';
  readonly name?: string;
}

export interface QuickReply { readonly title: string; readonly payload: string }
export interface Postback { readonly payload: string; readonly replyId?: string }

interface Placed { readonly conversationId: string; readonly position: Position }

/** A message that is in the conversation: from here, from another tab or device, or from a person who took over. */
export interface Message extends Placed {
  readonly type: 'message';
  readonly messageId: string;
  readonly author: Author;
  readonly text?: string;
  readonly postback?: Postback;
  readonly createdAt: string;
  /** Only for what this client sent: the key of `send`, by which a page finds the bubble that it showed at once. */
  readonly idempotencyKey?: string;
}

/** The reply to a message (`inReplyTo`), or what somebody said without being asked (`inReplyTo` null). */
export interface Reply extends Placed {
  readonly type: 'reply';
  readonly replyId: string;
  readonly inReplyTo: string | null;
  readonly author: Author;
  readonly text: string;
  readonly parts?: readonly { readonly text?: string }[];
  readonly quickReplies?: readonly QuickReply[];
  readonly createdAt: string;
}

/** How a message ended that has no reply. */
export interface Outcome extends Placed {
  readonly type: 'outcome';
  readonly inReplyTo: string | null;
  readonly outcome: 'silent' | 'handed_off' | 'dead_lettered';
}

/** The conversation goes over to a person or back to the bot. */
export interface Handoff extends Placed {
  readonly type: 'handoff';
  readonly to: 'person' | 'bot';
  readonly reason?: string;
}

/** A part of a reply that is being made; `index` 0 starts it over. The whole `reply` follows. */
export interface Delta { readonly type: 'delta'; readonly conversationId: string; readonly replyId: string; readonly index: number; readonly text: string }

export interface Typing { readonly type: 'typing'; readonly conversationId: string; readonly author: Author }

/** Everything up to the position has arrived at, or was read by, the other side. */
export interface Receipt extends Placed { readonly type: 'receipt'; readonly state: 'delivered' | 'read' }

/** The conversation is followed. `recovered` false: what came before could not be resumed; the events read instead follow. */
export interface Ready extends Placed { readonly type: 'ready'; readonly recovered: boolean }

/** What a history page holds. */
export type HistoryEvent = Message | Reply | Outcome | Handoff;

export interface ConversationEvents {
  readonly message: Message;
  readonly reply: Reply;
  readonly outcome: Outcome;
  readonly handoff: Handoff;
  readonly delta: Delta;
  readonly typing: Typing;
  readonly receipt: Receipt;
  readonly ready: Ready;
  readonly error: ClientError;
}

export type ConnectionState = 'connecting' | 'open' | 'waiting' | 'closed';

export interface Connection {
  readonly state: ConnectionState;
  /** With `waiting`: the next try comes after so many milliseconds. */
  readonly retryInMs?: number;
  /** Why the last connection ended, or could not be made. */
  readonly reason?: ClientError;
}

export interface ClientEvents {
  readonly connection: Connection;
}

/** Either a text or the choice of a quick reply. */
export type Outgoing = { readonly text: string; readonly postback?: undefined } | { readonly postback: Postback; readonly text?: undefined };

export interface SendOptions {
  /** Default: a new one for each call. The same key and content are accepted once, however often they are sent in 24 hours. */
  readonly idempotencyKey?: string | undefined;
}

/** The server has the message, for good. */
export interface Accepted {
  readonly messageId: string;
  readonly position: Position;
  /** An earlier try had been accepted. */
  readonly duplicate: boolean;
}

/** A message that waits to be accepted. */
export interface Unsent {
  readonly idempotencyKey: string;
  readonly content: Outgoing;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
}

export interface HistoryOptions {
  /** Newest first, before a position or, by `latest`, from the newest. */
  readonly before?: Position | undefined;
  /** Oldest first, after a position; '' from the oldest kept. Not together with `before`. */
  readonly after?: Position | undefined;
  /** 1 to 500. Default 50. */
  readonly limit?: number | undefined;
}

export interface HistoryPage {
  readonly events: readonly HistoryEvent[];
  /** Goes on in the same direction, as `before` or `after`; null: there is nothing more. */
  readonly next: Position | null;
  /** Older ones are no longer kept. */
  readonly truncated: boolean;
}

export interface ConversationOptions {
  /** Follow everything after this position. Default: what `storage` remembers, else from now on. */
  readonly after?: Position | undefined;
}

/** One conversation that is followed. */
export interface Conversation {
  readonly id: string;
  /** Everything up to here has been handed over; undefined while nothing is known. */
  readonly position: Position | undefined;
  /** What was not accepted yet, in order; after a reload with `storage`, what was left over. */
  readonly unsent: readonly Unsent[];
  /** Calls `handler` for each event; the answer ends that. */
  on<E extends keyof ConversationEvents>(event: E, handler: (event: ConversationEvents[E]) => void): () => void;
  /**
   * Resolves when the server has the message. In order within a conversation; while the server is away it waits, and is
   * repeated with the same key, so it is accepted once. Rejects with a ClientError when it is refused, when too many wait
   * (CONFAB_QUEUE_FULL), or when the client is closed (CONFAB_CLOSED).
   */
  send(content: Outgoing, options?: SendOptions): Promise<Accepted>;
  /**
   * A page of what happened. Default: the newest 50. While `before: 'latest'` is read, events wait, and none that the page
   * holds is emitted afterwards: show the page, then what the events bring.
   */
  history(options?: HistoryOptions): Promise<HistoryPage>;
  /** The person is writing. Call it at each key: it is sent at most once in 3 seconds. */
  typing(): void;
  /** Everything up to the position has arrived (read: was read). Kept until the socket is open. */
  received(position: Position): void;
  read(position: Position): void;
  /** Ends it: nothing is emitted any more, what waits to be sent is rejected (and stays in `storage`). */
  close(): void;
}

export interface ClientOptions {
  /** Base URL of the server, such as `https://chat.example.com`. */
  readonly url: string;
  /** A token, or what gets one: called before each connection, 60 s before a token ends and when the server asks for a newer one. */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Default: the platform's. Node before 22 has none: pass that of the package `ws`. */
  readonly WebSocket?: WebSocketConstructor | undefined;
  /** Default: the platform's. */
  readonly fetch?: FetchLike | undefined;
  /** Messages that may wait to be accepted, over all conversations. Default 100. */
  readonly queueLimit?: number | undefined;
  /** Keeps position and unsent messages of each conversation over a reload: `sessionStorage`, React Native's AsyncStorage, … */
  readonly storage?: StorageLike | undefined;
  /** For tests. */
  readonly clock?: ClientClock | undefined;
  /** Uniform in [0, 1). For tests. */
  readonly random?: (() => number) | undefined;
}

export interface Client {
  readonly connection: Connection;
  on<E extends keyof ClientEvents>(event: E, handler: (event: ClientEvents[E]) => void): () => void;
  /** Follows a conversation; the same object while it is open. All conversations share one socket. */
  conversation(id: string, options?: ConversationOptions): Conversation;
  /** Tries at once instead of waiting: when the platform says that the network is back, or after a new login. */
  reconnect(): void;
  /** Closes the socket and all conversations. */
  close(): void;
}
