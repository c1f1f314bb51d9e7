/** For tests only: a server with everything that it needs, closed after the test. */
import type { FastifyInstance } from 'fastify';
import { once } from 'node:events';
import type { WebSocket } from 'ws';
import { authenticatorOff } from '../auth/auth.js';
import { ManualClock } from '../clock-manual.js';
import { silentLogger } from '../observability/logger.js';
import { createMetrics } from '../observability/metrics.js';
import { seededRandom } from '../random.js';
import { buildHttpServer, type HttpServerOptions } from './server.js';

interface TestContext { after(run: () => void | Promise<void>): void }

/** Not ready to be asked before the routes are added and `ready()` was awaited. */
export function testServer(t: TestContext, options: Partial<HttpServerOptions> = {}): FastifyInstance {
  const app = buildHttpServer({
    clock: new ManualClock(), random: seededRandom(1), logger: silentLogger, metrics: createMetrics(), authenticator: authenticatorOff(),
    host: '127.0.0.1', ready: () => true, documentation: false, ...options,
  });
  t.after(async () => {
    await app.ready();
    for (const socket of app.websocketServer.clients) socket.terminate();
    await app.close();
  });
  return app;
}

export interface Closed { readonly code: number; readonly reason: { readonly code?: string; readonly retryAfterMs?: number } }

/** A client of a socket under test: frames in order, and how it was closed. */
export class TestSocket {
  readonly socket: WebSocket;
  readonly closed: Promise<Closed>;
  private readonly frames: Record<string, unknown>[] = [];
  private readonly waiting: ((frame: Record<string, unknown>) => void)[] = [];

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data) => {
      const frame = JSON.parse((data as Buffer).toString()) as Record<string, unknown>;
      const next = this.waiting.shift();
      if (next) next(frame); else this.frames.push(frame);
    });
    // Injected clients of ws do not answer pings by themselves.
    socket.on('ping', (payload) => { socket.pong(payload); });
    this.closed = once(socket, 'close').then(([code, reason]) => {
      const text = (reason as Buffer).toString();
      return { code: code as number, reason: text === '' ? {} : JSON.parse(text) as Closed['reason'] };
    });
  }

  send(frame: unknown): void { this.socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame)); }

  /** The next frame that was not taken yet. */
  next(): Promise<Record<string, unknown>> {
    const frame = this.frames.shift();
    return frame ? Promise.resolve(frame) : new Promise((resolve) => { this.waiting.push(resolve); });
  }
}

/** Opens a socket without a network. Extra headers as in a real handshake. */
export async function openSocket(app: FastifyInstance, path: string, protocols: string, headers: Record<string, string> = {}): Promise<TestSocket> {
  await app.ready();
  let client: TestSocket | undefined;
  await app.injectWS(path, {
    headers: { host: '127.0.0.1', 'sec-websocket-protocol': protocols, ...headers },
    socket: { remoteAddress: '127.0.0.1' } as never,
  }, { onInit: (socket) => { client = new TestSocket(socket); } });
  if (!client) throw new Error('the socket was not made');
  return client;
}
