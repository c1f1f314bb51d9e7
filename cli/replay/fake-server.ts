/** For tests: a small server that speaks the protocol and misbehaves as it is told. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';

/** What to do wrong with message number n (from 0, over the whole server). */
export interface Faults {
  /** No outcome anywhere. */
  readonly lose?: (n: number) => boolean;
  /** An outcome in the events that the stream does not bring. */
  readonly hide?: (n: number) => boolean;
  /** The outcome twice, at two positions. */
  readonly double?: (n: number) => boolean;
  /** The same frame twice. */
  readonly repeat?: (n: number) => boolean;
  /** Held back until the next outcome of the conversation went out. */
  readonly swap?: (n: number) => boolean;
  /** The answer to the POST is cut after the message was accepted. */
  readonly cutAnswer?: (n: number) => boolean;
  /** 503 once before it is accepted. */
  readonly refuseOnce?: (n: number) => boolean;
  /** Every stream is cut before the outcome goes out. */
  readonly cutStreams?: (n: number) => boolean;
  /** Forgets idempotency keys. */
  readonly forgetful?: boolean;
  /** Refuses for good. */
  readonly reject?: (n: number) => boolean;
  /** Code to close streams with when they subscribe. */
  readonly closeWith?: number;
}

interface Outcome { readonly type: 'reply'; readonly conversationId: string; readonly position: string; readonly inReplyTo: string; readonly createdAt: string }

export class FakeServer {
  private readonly server: Server;
  private readonly streams = new WebSocketServer({ noServer: true, handleProtocols: () => 'confab.v1' });
  private readonly subscribers = new Map<string, Set<WebSocket>>();
  private readonly outcomes = new Map<string, Outcome[]>();
  private readonly held = new Map<string, Outcome>();
  private readonly keys = new Map<string, { messageId: string; position: string }>();
  private readonly refused = new Set<string>();
  private count = 0;
  private offset = 0;

  constructor(private readonly faults: Faults = {}) {
    this.server = createServer((request, response) => { void this.route(request, response); });
    this.server.on('upgrade', (request, socket, head) => {
      this.streams.handleUpgrade(request, socket, head, (stream) => { this.stream(stream); });
    });
  }

  get url(): string { return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`; }

  listen(port = 0): Promise<void> {
    return new Promise((resolve) => { this.server.listen(port, '127.0.0.1', resolve); });
  }

  /** Cuts everything at once, as kill -9 would; `listen` starts it again with what it knew. */
  async kill(): Promise<number> {
    const { port } = this.server.address() as AddressInfo;
    for (const stream of this.streams.clients) stream.terminate();
    const closed = new Promise<void>((resolve) => { this.server.close(() => { resolve(); }); });
    this.server.closeAllConnections();
    await closed;
    return port;
  }

  private async route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const conversationId = decodeURIComponent(url.pathname.split('/')[3] ?? '');
    if (request.method === 'GET') {
      const all = this.outcomes.get(conversationId) ?? [];
      response.end(JSON.stringify({ events: all, next: null, truncated: false }));
      return;
    }
    for await (const _chunk of request) { /* The text does not matter here. */ }
    this.accept(conversationId, String(request.headers['idempotency-key']), response);
  }

  private accept(conversationId: string, key: string, response: ServerResponse): void {
    const known = this.faults.forgetful ? undefined : this.keys.get(key);
    if (known) { answer(response, 202, { ...known, conversationId, duplicate: true }); return; }
    const n = this.count;
    if (this.faults.reject?.(n)) { this.count += 1; answer(response, 400, { code: 'CONFAB_BODY_INVALID', detail: 'no \u001b[31m', retryable: false }); return; }
    if (this.faults.refuseOnce?.(n) && !this.refused.has(key)) { this.refused.add(key); answer(response, 503, { code: 'CONFAB_OVERLOADED', retryable: true }); return; }
    this.count += 1;
    this.offset += 1;
    const accepted = { messageId: `m${n}`, position: position(this.offset, 0) };
    this.keys.set(key, accepted);
    if (this.faults.cutAnswer?.(n)) response.socket?.destroy();
    else answer(response, 202, { ...accepted, conversationId, duplicate: false });
    if (this.faults.cutStreams?.(n)) for (const stream of this.streams.clients) stream.terminate();
    setImmediate(() => { this.conclude(n, conversationId, accepted.messageId); });
  }

  private conclude(n: number, conversationId: string, inReplyTo: string): void {
    if (this.faults.lose?.(n)) return;
    const make = (index: number): Outcome => ({ type: 'reply', conversationId, position: position(this.offset, index), inReplyTo, createdAt: new Date(Date.UTC(2026, 0, 1)).toISOString() });
    const outcome = make(1);
    this.store(outcome);
    if (this.faults.hide?.(n)) return;
    if (this.faults.swap?.(n)) { this.held.set(conversationId, outcome); return; }
    this.push(outcome);
    if (this.faults.repeat?.(n)) this.push(outcome);
    if (this.faults.double?.(n)) { const second = make(2); this.store(second); this.push(second); }
    const held = this.held.get(conversationId);
    if (held) { this.held.delete(conversationId); this.push(held); }
  }

  private store(outcome: Outcome): void {
    this.outcomes.set(outcome.conversationId, [...this.outcomes.get(outcome.conversationId) ?? [], outcome]);
  }

  private push(outcome: Outcome): void {
    for (const stream of this.subscribers.get(outcome.conversationId) ?? []) stream.send(JSON.stringify(outcome));
  }

  private stream(stream: WebSocket): void {
    stream.on('message', (data: Buffer) => {
      const { conversationId, after } = JSON.parse(data.toString()) as { conversationId: string; after?: string };
      if (this.faults.closeWith !== undefined) { stream.close(this.faults.closeWith, '{"code":"CONFAB_TOKEN_INVALID"}'); return; }
      this.subscribers.set(conversationId, (this.subscribers.get(conversationId) ?? new Set()).add(stream));
      const all = this.outcomes.get(conversationId) ?? [];
      stream.send(JSON.stringify({ type: 'ready', conversationId, position: position(this.offset, 99), recovered: true }));
      if (after !== undefined) for (const outcome of all) if (outcome.position > after) stream.send(JSON.stringify(outcome));
    });
    stream.on('close', () => { for (const streams of this.subscribers.values()) streams.delete(stream); });
  }
}

function position(offset: number, index: number): string {
  return `0a1b2c3d-${String(offset).padStart(12, '0')}-${String(index).padStart(2, '0')}`;
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
