/**
 * Health and metrics over plain HTTP: for processes that serve no other routes, and on the admin port beside the public one.
 * /metrics is open to this machine; others need a token with `metrics:read` unless the port is an admin port.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { requireScope, type Authenticator } from './auth/auth.js';
import { isLoopback } from './config/rules.js';
import { ConfabError, toConfabError } from './errors.js';
import type { Component } from './lifecycle.js';
import { listenError } from './listen-error.js';
import type { Logger } from './observability/logger.js';
import type { Metrics } from './observability/metrics.js';
import type { Random } from './random.js';

export interface AdminServerOptions {
  readonly host: string;
  readonly port: number;
  readonly metrics: Metrics;
  /** Whether the process can do its job. */
  readonly ready: () => boolean | Promise<boolean>;
  readonly logger: Logger;
  /** Who may read /metrics from other machines; undefined: everyone who reaches the port (CONFAB_ADMIN_PORT). */
  readonly authenticator: Authenticator | undefined;
  /** Makes the trace ids of problems. */
  readonly random: Random;
  /** Throws for a Host under which /metrics may not be read; not asked on an admin port. */
  readonly checkHost?: (host: string | undefined) => void;
}

interface Answer { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }

const METHODS = 'GET, HEAD';

/** A component that serves GET /health/live, /health/ready and /metrics. It goes on answering while the process drains. */
export class AdminServer implements Component {
  readonly name = 'admin-server';
  private readonly server: Server;

  constructor(private readonly options: AdminServerOptions) {
    this.server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000, maxHeaderSize: 16_384 }, (request, response) => {
      void this.respond(request, response);
    });
  }

  /** @throws CONFAB_PORT_TAKEN, CONFAB_ADDRESS_REFUSED */
  async start(): Promise<void> {
    const { host, port } = this.options;
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', (error) => { void listenError(error, host, port).then(reject); });
      this.server.listen(port, host, resolve);
    });
  }

  /** Where it listens, once started. */
  get port(): number { return (this.server.address() as AddressInfo).port; }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise<void>((resolve) => { this.server.close(() => { resolve(); }); });
    this.server.closeAllConnections();
    await closed;
  }

  private async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let answer: Answer;
    try {
      answer = await this.answer(request);
    } catch (error) {
      answer = this.problem(toConfabError(error));
      if (answer.status === 500) this.options.logger.error({ err: error as Error, url: request.url }, 'an admin request failed');
    }
    response.writeHead(answer.status, { 'cache-control': 'no-store', ...answer.headers }).end(request.method === 'HEAD' ? undefined : answer.body);
  }

  private async answer(request: IncomingMessage): Promise<Answer> {
    const path = (request.url ?? '').split('?', 1)[0];
    if (path !== '/health/live' && path !== '/health/ready' && path !== '/metrics') throw new ConfabError('CONFAB_ROUTE_UNKNOWN', { detail: 'This port serves /health/live, /health/ready and /metrics.' });
    if (request.method !== 'GET' && request.method !== 'HEAD') return this.problem(new ConfabError('CONFAB_METHOD_NOT_ALLOWED'), { allow: METHODS });
    if (path === '/health/live') return { status: 200 };
    if (path === '/health/ready') return { status: await Promise.resolve().then(this.options.ready).catch(() => false) ? 200 : 503 };
    this.options.checkHost?.(request.headers.host);
    await this.authorize(request);
    return { status: 200, headers: { 'content-type': this.options.metrics.contentType }, body: await this.options.metrics.metrics() };
  }

  private async authorize(request: IncomingMessage): Promise<void> {
    const { authenticator } = this.options;
    const { headers, socket } = request;
    const proxied = headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined;
    if (authenticator === undefined || (!proxied && isLoopback((socket.remoteAddress ?? '').replace(/^::ffff:/, '')))) return;
    const token = /^Bearer ([^\s]+)$/i.exec(headers.authorization ?? '')?.[1];
    requireScope(await authenticator.authenticate(token), 'metrics:read', 'admin');
  }

  private problem(error: ConfabError, headers: Record<string, string> = {}): Answer {
    const { status, code, title, detail, retryable, retryAfterMs = 1000 } = error;
    return {
      status,
      headers: {
        'content-type': 'application/problem+json; charset=utf-8', ...(status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
        ...(status === 503 ? { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))) } : {}), ...headers,
      },
      body: JSON.stringify({ type: `/docs/errors#${code}`, title, status, detail, code, retryable, traceId: this.options.random.bytes(16).toString('hex') }),
    };
  }
}
