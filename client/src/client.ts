/** Puts the parts together: one socket, one queue, the conversations. */
import { Followed } from './conversation.js';
import type { Core } from './core.js';
import { Emitter } from './emitter.js';
import { ClientError, closedError } from './errors.js';
import { Http, type HttpHost } from './http.js';
import { Link, type Frame, type LinkHost } from './link.js';
import { platformFetch, platformWebSocket, systemClock, systemRandom, type ClientClock, type FetchLike, type StorageLike, type WebSocketConstructor } from './platform.js';
import { Tokens } from './tokens.js';
import type { Client, ClientEvents, ClientOptions, Connection, Conversation, ConversationOptions, Position } from './types.js';

/**
 * Makes a client. Nothing is connected until the first conversation.
 * @throws ClientError CONFAB_PLATFORM_LACKS without a WebSocket or fetch, CONFAB_URL_INVALID
 */
export function createClient(options: ClientOptions): Client { return new MultiplexedClient(options); }

class MultiplexedClient implements Client, Core, LinkHost, HttpHost {
  declare readonly url: string;
  declare readonly WebSocket: WebSocketConstructor;
  declare readonly fetch: FetchLike;
  declare readonly tokens: Tokens;
  declare readonly clock: ClientClock;
  declare readonly random: () => number;
  declare readonly storage: StorageLike | undefined;
  declare readonly queue: Core['queue'];
  readonly http = new Http(this);
  readonly #emitter = new Emitter<ClientEvents>();
  readonly #followed = new Map<string, Followed>();
  readonly #link = new Link(this);
  #over = false;

  constructor({ url, token, clock = systemClock, random = systemRandom, queueLimit = 100, storage, ...given }: ClientOptions) {
    if (!/^https?:\/\/[^/?#]/.test(url)) throw new ClientError('CONFAB_URL_INVALID', `"${url}" is no http URL.`);
    Object.assign(this, {
      clock, random, storage,
      url: url.replace(/\/+$/, ''), tokens: new Tokens(token), queue: { size: 0, limit: queueLimit },
      WebSocket: given.WebSocket ?? platformWebSocket(), fetch: given.fetch ?? platformFetch(),
    } satisfies Partial<MultiplexedClient>);
  }

  get connection(): Connection { return this.#link.connection; }

  on<E extends keyof ClientEvents>(event: E, handler: (event: ClientEvents[E]) => void): () => void {
    return this.#emitter.on(event, handler);
  }

  conversation(id: string, options?: ConversationOptions): Conversation {
    if (this.#over) throw closedError();
    return this.#followed.get(id) ?? this.#follow(id, options?.after);
  }

  reconnect(): void {
    if (this.#over) return;
    this.#link.hurry();
    this.#each((one) => { one.wake(); });
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#each((one) => { one.close(); });
    this.http.close();
    this.#link.close();
    this.#emitter.clear();
  }

  send(frame: Frame): boolean { return this.#link.send(frame); }

  changed(connection: Connection): void { this.#emitter.emit('connection', connection); }

  opened(): void {
    this.#each((one) => {
      one.subscribe();
      one.wake();
    });
  }

  lost(): void { this.#each((one) => { one.lost(); }); }

  refused(error: ClientError): void { this.#each((one) => { one.emitter.emit('error', error); }); }

  frame(frame: Frame): void {
    const { conversationId } = frame;
    if (conversationId) this.#followed.get(conversationId)?.frame(frame);
    // A fault that names no conversation.
    else if (frame.type === 'error') this.#each((one) => { one.frame(frame); });
  }

  probe(): boolean { return [...this.#followed.values()].some((one) => one.subscribe()); }

  #follow(id: string, after: Position | undefined): Followed {
    const made = new Followed(id, this, after, (one) => { if (this.#followed.get(id) === one) this.#followed.delete(id); });
    this.#followed.set(id, made);
    made.subscribe();
    this.#link.start();
    return made;
  }

  #each(run: (conversation: Followed) => void): void {
    for (const one of [...this.#followed.values()]) run(one);
  }
}
