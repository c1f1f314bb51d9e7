/** For tests only: a platform and a server in memory, under a clock that is moved by hand. */
import type { TestContext } from 'node:test';
import { createClient } from './client.js';
import type { ClientClock, FetchLike, WebSocketLike } from './platform.js';
import type { Client, ClientOptions, Conversation, ConversationEvents, HistoryEvent, Message } from './types.js';

/** Lets all that can go on without time passing go on. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i += 1) await new Promise((resolve) => { setImmediate(resolve); });
}

export class HandClock implements ClientClock {
  time = Date.UTC(2026, 0, 1);
  private timers: { due: number; run: () => void }[] = [];

  now(): number { return this.time; }

  after(millis: number, run: () => void): { cancel(): void } {
    const timer = { due: this.time + millis, run };
    this.timers.push(timer);
    return { cancel: () => { this.timers = this.timers.filter((other) => other !== timer); } };
  }

  async advance(millis: number): Promise<void> {
    const end = this.time + millis;
    for (;;) {
      await settle();
      const next = this.timers.filter(({ due }) => due <= end).sort((a, b) => a.due - b.due)[0];
      if (!next) break;
      this.timers = this.timers.filter((other) => other !== next);
      this.time = Math.max(this.time, next.due);
      next.run();
    }
    this.time = end;
    await settle();
  }

  get waiting(): number { return this.timers.length; }
}

type Sent = Readonly<Record<string, string>> & { readonly type: string };

export class FakeSocket implements WebSocketLike {
  readyState = 0;
  readonly sent: Sent[] = [];
  readonly following = new Set<string>();
  closedWith: number | undefined;
  private readonly listeners = new Map<string, ((event: object) => void)[]>();
  /** As the sockets of `ws`: shows pings. Set to make it one. */
  on: ((event: string, run: () => void) => void) | undefined;
  pinged: () => void = () => undefined;

  constructor(private readonly world: World, readonly url: string, readonly protocols: readonly string[]) {
    world.sockets.push(this);
    if (world.showsPings) this.on = (event, run) => { if (event === 'ping') this.pinged = run; };
    void Promise.resolve().then(() => {
      if (world.hangs || this.closedWith !== undefined) return;
      if (!world.reachable) { this.fire('error', { message: 'refused' }); this.end(1006); return; }
      this.readyState = 1;
      this.fire('open', {});
    });
  }

  addEventListener(type: string, listener: (event: object) => void): void { this.listeners.set(type, [...this.listeners.get(type) ?? [], listener]); }

  send(data: string): void {
    const frame = JSON.parse(data) as Sent;
    this.sent.push(frame);
    if (!this.world.deaf) this.world.frame(this, frame);
  }

  close(code?: number): void { this.closedWith = code; this.readyState = 3; this.following.clear(); }

  /** A frame of the server. */
  push(frame: object): void { if (this.readyState === 1) this.fire('message', { data: JSON.stringify(frame) }); }
  raw(data: unknown): void { this.fire('message', { data }); }

  /** The server, or the network, ends it. */
  end(code: number, reason: object | string = ''): void {
    if (this.readyState === 3) return;
    this.readyState = 3;
    this.following.clear();
    this.fire('close', { code, reason: typeof reason === 'string' ? reason : JSON.stringify(reason) });
  }

  private fire(type: string, event: object): void { for (const listener of this.listeners.get(type) ?? []) listener(event); }
}

export interface Posted { readonly conversationId: string; readonly key: string; readonly body: { text?: string; postback?: { payload: string } }; readonly token: string | undefined }

type Answer = { status: number; body: unknown; retryAfter?: number } | 'cut' | 'hang';

/** A server that keeps what the real one keeps, and misbehaves as it is told. */
export class World {
  readonly clock = new HandClock();
  readonly sockets: FakeSocket[] = [];
  readonly posts: Posted[] = [];
  readonly reads: string[] = [];
  reachable = true;
  /** Sockets never open. */
  hangs = false;
  /** Frames of the client are not answered. */
  deaf = false;
  showsPings = false;
  /** Messages are answered as soon as they are accepted. */
  answers = true;
  /** Outcomes up to this offset can no longer be resumed. */
  lostUpTo = -1;
  epoch = 'aaaaaaaa';
  /** What the next POSTs are answered with instead; `after`: it was accepted all the same. */
  readonly faults: { answer: Answer; accepted?: boolean }[] = [];
  readonly readFaults: Answer[] = [];
  private readonly logs = new Map<string, HistoryEvent[]>();
  private readonly keys = new Map<string, Message>();
  private offset = 0;
  /** Keys are to differ, waits are to be half of what they may be. */
  private drawn = 0;

  get socket(): FakeSocket { return this.sockets.at(-1) as FakeSocket; }

  /** For `createClient`. */
  get platform(): Pick<ClientOptions, 'url' | 'WebSocket' | 'fetch' | 'clock' | 'random'> {
    const open = (url: string, protocols: string[]): FakeSocket => new FakeSocket(this, url, protocols);
    return { url: 'http://server', clock: this.clock, random: () => 0.5 - (this.drawn += 1) * 1e-9, fetch: this.fetch, WebSocket: function Socket(url: string, protocols: string[]) { return open(url, protocols); } as unknown as NonNullable<ClientOptions['WebSocket']> };
  }

  log(conversationId: string): HistoryEvent[] {
    const found = this.logs.get(conversationId) ?? [];
    this.logs.set(conversationId, found);
    return found;
  }

  position(offset: number, index: number): string { return `${this.epoch}-${String(offset).padStart(12, '0')}-0${index}`; }

  /** Somebody writes a message. */
  write(conversationId: string, text: string): Message {
    this.offset += 1;
    const message: Message = { type: 'message', messageId: `m${this.offset}`, conversationId, position: this.position(this.offset, 0), author: { type: 'person' }, text, createdAt: new Date(this.clock.now()).toISOString() };
    this.log(conversationId).push(message);
    return message;
  }

  /** The outcome of a message; `quiet`: sockets do not hear of it. */
  reply(message: Message, quiet = false): void {
    const reply: HistoryEvent = { type: 'reply', conversationId: message.conversationId, position: message.position.replace(/00$/, '01'), replyId: `${message.messageId}-01`, inReplyTo: message.messageId, author: { type: 'bot' }, text: `re ${message.text}`, createdAt: message.createdAt };
    this.log(message.conversationId).push(reply);
    this.log(message.conversationId).sort((a, b) => (a.position < b.position ? -1 : 1));
    if (!quiet) for (const socket of this.sockets) if (socket.following.has(message.conversationId)) socket.push(reply);
  }

  /** As the pipeline does: what is open, from the oldest on; all of it, or so many. */
  answer(conversationId: string, count = Infinity): void {
    const log = this.log(conversationId);
    const answered = new Set(log.map((event) => ('inReplyTo' in event ? event.inReplyTo : undefined)));
    const open = log.filter((event): event is Message => event.type === 'message' && !answered.has(event.messageId));
    for (const message of open.slice(0, count)) this.reply(message);
  }

  frame(socket: FakeSocket, { type, conversationId = '', after }: Sent): void {
    if (type === 'unsubscribe') socket.following.delete(conversationId);
    if (type !== 'subscribe') return;
    const outcomes = this.log(conversationId).filter((event) => event.type !== 'message');
    const lost = after !== undefined && (!after.startsWith(this.epoch) || after < this.position(this.lostUpTo, 0));
    socket.following.add(conversationId);
    const last = outcomes.at(-1)?.position ?? this.position(0, 0);
    socket.push({ type: 'ready', conversationId, position: after === undefined || lost ? last : after, recovered: !lost });
    if (after !== undefined && !lost) for (const outcome of outcomes) if (outcome.position > after) socket.push(outcome);
  }

  readonly fetch: FetchLike = async (url, { method, headers, body }) => {
    const target = new URL(url);
    const conversationId = decodeURIComponent(target.pathname.split('/')[3] ?? '');
    const token = headers.authorization?.replace('Bearer ', '');
    await Promise.resolve();
    if (!this.reachable) throw new TypeError('network');
    if (method === 'GET') {
      this.reads.push(target.search);
      return respond(this.readFaults.shift() ?? { status: 200, body: this.page(conversationId, target.searchParams) });
    }
    const post: Posted = { conversationId, key: headers['idempotency-key'] ?? '', body: JSON.parse(body ?? '') as Posted['body'], token };
    this.posts.push(post);
    const fault = this.faults.shift();
    if (fault && !fault.accepted) return respond(fault.answer);
    const known = this.keys.get(post.key);
    const message = known ?? this.write(conversationId, post.body.text ?? post.body.postback?.payload ?? '');
    this.keys.set(post.key, message);
    if (this.answers) this.answer(conversationId);
    return respond(fault?.answer ?? { status: 202, body: { messageId: message.messageId, conversationId, position: message.position, duplicate: known !== undefined } });
  };

  private page(conversationId: string, query: URLSearchParams): object {
    const limit = Number(query.get('limit'));
    const before = query.get('before');
    const after = query.get('after');
    const all = this.log(conversationId).filter(({ position }) => (before === null || before === 'latest' || position < before) && (after === null || !after.startsWith(this.epoch) || position > after));
    if (before !== null) all.reverse();
    const events = all.slice(0, limit);
    return { events, next: all.length > limit ? events.at(-1)?.position : null, truncated: false };
  }
}

function respond(answer: Answer): ReturnType<FetchLike> {
  if (answer === 'cut') return Promise.reject(new TypeError('cut'));
  if (answer === 'hang') return new Promise(() => undefined);
  const { status, body, retryAfter } = answer;
  return Promise.resolve({ status, headers: { get: () => (retryAfter === undefined ? null : String(retryAfter)) }, text: () => Promise.resolve(typeof body === 'string' ? body : JSON.stringify(body)) });
}

/** A problem as the server answers it. */
export function problem(status: number, code: string, retryable: boolean, retryAfter?: number): Answer {
  return { status, body: { type: `x#${code}`, title: code, status, detail: `because of ${code}`, code, retryable, traceId: 't' }, ...(retryAfter === undefined ? {} : { retryAfter }) };
}

export interface Setup { readonly world: World; readonly client: Client; readonly connections: string[] }

/** A world and a client in it, which is closed with the test. */
export function setUp(t: TestContext, options: Partial<ClientOptions> = {}, world = new World()): Setup {
  const client = createClient({ ...world.platform, ...options });
  const connections: string[] = [];
  client.on('connection', ({ state }) => { connections.push(state); });
  t.after(() => { client.close(); });
  return { world, client, connections };
}

const EVENTS = ['message', 'reply', 'outcome', 'handoff', 'delta', 'typing', 'receipt', 'ready', 'error'] as const satisfies readonly (keyof ConversationEvents)[];

/** Everything that a conversation emits, as one line each; `ready` left out unless wanted. */
export function record(conversation: Conversation, withReady = false): string[] {
  const lines: string[] = [];
  for (const event of EVENTS) {
    if (event === 'ready' && !withReady) continue;
    conversation.on(event, (value) => { lines.push(`${event} ${describe(value)}`); });
  }
  return lines;
}

function describe(value: object): string {
  const { text, code, outcome, to, recovered, state } = value as Record<string, string | boolean | undefined>;
  return String(text ?? code ?? outcome ?? to ?? state ?? recovered ?? '');
}
