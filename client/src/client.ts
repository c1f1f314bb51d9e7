/** Puts the parts together: one socket, one queue, the conversations. */
import { Followed } from './conversation.js';
import { Emitter } from './emitter.js';
import { ClientError } from './errors.js';
import { closedError, Http } from './http.js';
import { Link, type Frame } from './link.js';
import { platformFetch, platformWebSocket, systemClock, systemRandom } from './platform.js';
import type { Queue } from './sender.js';
import { Tokens } from './tokens.js';
import type { Client, ClientEvents, ClientOptions, Connection, Conversation, ConversationOptions } from './types.js';

/**
 * Makes a client. Nothing is connected until the first conversation.
 * @throws ClientError CONFAB_PLATFORM_LACKS without a WebSocket or fetch, CONFAB_URL_INVALID
 */
export function createClient(options: ClientOptions): Client { return new MultiplexedClient(options); }

class MultiplexedClient implements Client {
  private readonly emitter = new Emitter<ClientEvents>();
  private readonly followed = new Map<string, Followed>();
  private readonly queue: Queue;
  private readonly http: Http;
  private readonly link: Link;
  private over = false;

  constructor(private readonly options: ClientOptions) {
    const { clock = systemClock, random = systemRandom } = options;
    if (!/^https?:\/\/[^/?#]/.test(options.url)) throw new ClientError('CONFAB_URL_INVALID', `"${options.url}" is no base URL such as https://chat.example.com.`);
    const url = options.url.replace(/\/+$/, '');
    const tokens = new Tokens(options.token);
    this.queue = { size: 0, limit: options.queueLimit ?? 100 };
    this.http = new Http({ url, tokens, clock, fetch: options.fetch ?? platformFetch() });
    this.link = new Link({
      url, tokens, clock, random, WebSocket: options.WebSocket ?? platformWebSocket(),
      changed: (connection) => { this.emitter.emit('connection', connection); },
      opened: () => { for (const one of this.followed.values()) one.opened(); },
      lost: () => { for (const one of this.followed.values()) one.lost(); },
      refused: (error) => { for (const one of this.followed.values()) one.emitter.emit('error', error); },
      frame: (frame) => { this.receive(frame); },
      probe: () => [...this.followed.values()].some((one) => one.subscribe()),
    });
  }

  get connection(): Connection { return this.link.connection; }

  on<E extends keyof ClientEvents>(event: E, handler: (event: ClientEvents[E]) => void): () => void {
    return this.emitter.on(event, handler);
  }

  conversation(id: string, options: ConversationOptions = {}): Conversation {
    if (this.over) throw closedError();
    const found = this.followed.get(id);
    if (found) return found;
    const { clock = systemClock, random = systemRandom, storage } = this.options;
    const made = new Followed(id, {
      ...options, clock, random, storage, http: this.http, queue: this.queue,
      frame: (frame) => this.link.send(frame),
      closed: (one) => { if (this.followed.get(id) === one) this.followed.delete(id); },
    });
    this.followed.set(id, made);
    // Handlers are attached by whoever called, before anything can happen.
    if (this.link.connection.state === 'open') made.subscribe(); else this.link.start();
    return made;
  }

  reconnect(): void {
    if (this.over) return;
    this.link.hurry();
    for (const one of this.followed.values()) one.wake();
  }

  close(): void {
    if (this.over) return;
    this.over = true;
    for (const one of [...this.followed.values()]) one.close();
    this.http.close();
    this.link.close();
    this.emitter.clear();
  }

  private receive(frame: Frame): void {
    if (frame.conversationId !== undefined) this.followed.get(frame.conversationId)?.frame(frame);
    else if (frame.type === 'error') for (const one of this.followed.values()) one.frame(frame);
  }
}
