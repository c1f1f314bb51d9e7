/** For tests: a server of its own that speaks the chat completions API, well or badly. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How it answers one request. */
export interface Behaviour {
  /** Pieces of the answer, an event each. */
  readonly say?: readonly string[];
  /** Raw bytes instead of events. */
  readonly raw?: string | readonly Uint8Array[];
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** How it ends: in good order (default), at the limit of tokens, by tearing the connection, by silence, or without an end. */
  readonly end?: 'stop' | 'length' | 'tear' | 'hang' | 'nothing';
  /** Never answers at all: not even a status. */
  readonly silent?: boolean;
  readonly tokens?: number;
  /** Awaited between the first piece and the next. */
  readonly pause?: Promise<void>;
}

export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: { readonly model: string; readonly messages: readonly { readonly role: string; readonly content: string }[]; readonly max_tokens: number; readonly user?: string; readonly tools?: unknown };
}

export class ModelServer {
  readonly requests: SeenRequest[] = [];
  /** Requests whose caller went away before the end. */
  abandoned = 0;
  private readonly server = createServer((request, response) => { void this.answer(request, response); });

  private constructor(private readonly behave: (request: SeenRequest, count: number) => Behaviour) {}

  static async start(t: { after(run: () => Promise<void>): void }, behave: (request: SeenRequest, count: number) => Behaviour): Promise<ModelServer> {
    const model = new ModelServer(behave);
    model.server.listen(0, '127.0.0.1');
    await once(model.server, 'listening');
    t.after(() => model.close());
    return model;
  }

  get url(): string { return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1`; }

  async close(): Promise<void> {
    if (!this.server.listening) return;
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const piece of request) body += String(piece);
    const seen: SeenRequest = { path: request.url ?? '', headers: request.headers, body: JSON.parse(body) as SeenRequest['body'] };
    const behaviour = this.behave(seen, this.requests.push(seen));
    response.on('close', () => { if (!response.writableFinished && behaviour.end !== 'tear') this.abandoned += 1; });
    response.on('error', () => { /* the caller went away */ });
    if (behaviour.silent === true) return;
    const { status = 200, end = 'stop' } = behaviour;
    response.writeHead(status, { ...(status === 200 ? { 'content-type': 'text/event-stream; charset=utf-8' } : {}), ...behaviour.headers });
    for (const piece of typeof behaviour.raw === 'string' ? [behaviour.raw] : behaviour.raw ?? []) {
      response.write(piece);
      await new Promise((resolve) => { setImmediate(resolve); });
    }
    for (const [at, content] of (behaviour.say ?? []).entries()) {
      if (at === 1) await behaviour.pause;
      response.write(event({ choices: [{ index: 0, delta: { content }, finish_reason: null }] }));
      await new Promise((resolve) => { setImmediate(resolve); });
    }
    this.finish(response, end, behaviour);
  }

  private finish(response: ServerResponse, end: NonNullable<Behaviour['end']>, { status = 200, raw, tokens }: Behaviour): void {
    if (end === 'hang') { response.flushHeaders(); return; }
    if (end === 'tear') { response.flushHeaders(); setImmediate(() => { response.destroy(); }); return; }
    if (end !== 'nothing' && status === 200 && raw === undefined) {
      response.write(event({ choices: [{ index: 0, delta: {}, finish_reason: end }] }));
      if (tokens !== undefined) response.write(event({ choices: [], usage: { total_tokens: tokens } }));
      response.write('data: [DONE]\n\n');
    }
    response.end();
  }
}

const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
