/** For tests only: a client of the public contract that takes nothing on trust: raw HTTP, raw bytes, raw frames. */
import { SignJWT } from 'jose';
import { once } from 'node:events';
import { request, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import WebSocket from 'ws';
import { systemClock } from '../../platform/clock.js';
import { eventually, scratchFolder } from '../../platform/testing.js';
import { Program } from '../testing.js';

interface Cleaner { after(run: () => Promise<void> | void): void }

export const SECRET = 'a secret of the tests, 32 bytes or more';

/** A process of its own on an empty data directory; ready when the promise is. */
export async function serve(t: Cleaner, env: Readonly<Record<string, string>> = {}): Promise<Program> {
  return (await Program.start(t, { env: { CONFAB_DATA_DIR: scratchFolder(t), ...env } })).ready(60_000);
}

export interface Claims { readonly sub?: string; readonly scope?: string; readonly seconds?: number; readonly aud?: string; readonly secret?: string; readonly confab?: object; readonly id?: string; readonly issuedAt?: number }

/** A token of the scopes; `seconds` is how long it still holds, `issuedAt` seconds since the epoch. */
export function token({ sub = 'ann', scope = 'messages:write conversations:read', seconds = 600, aud = 'confab', secret = SECRET, confab, id, issuedAt }: Claims = {}): Promise<string> {
  return new SignJWT({ scope, ...(confab === undefined ? {} : { confab }), ...(id === undefined ? {} : { jti: id }), ...(issuedAt === undefined ? {} : { iat: issuedAt }) }).setProtectedHeader({ alg: 'HS256' })
    .setSubject(sub).setIssuer('tests').setAudience(aud).setExpirationTime(Math.floor(systemClock.now() / 1000) + seconds).sign(new TextEncoder().encode(secret));
}

export interface Answer { readonly status: number; readonly headers: IncomingHttpHeaders; readonly text: string; readonly body: Record<string, unknown> }
export interface Call { readonly method?: string; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown; readonly token?: string }

/** One request. A body that is neither text nor bytes goes as JSON; headers are sent as they are given, Host too. */
export async function call(url: string, path: string, { method, headers = {}, body, token: bearer }: Call = {}): Promise<Answer> {
  const bytes = body === undefined ? undefined : typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const outgoing = request(`${url}${path}`, {
    method: method ?? (bytes === undefined ? 'GET' : 'POST'), agent: false,
    headers: { ...(bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(bytes)) }), ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }), ...headers },
  });
  outgoing.end(bytes);
  const [incoming] = await once(outgoing, 'response') as [IncomingMessage];
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return answerOf(incoming.statusCode ?? 0, incoming.headers, Buffer.concat(chunks).toString());
}

/** Bytes as they are, and what comes back until the server closes (or the answer is whole). */
export async function raw(url: string, bytes: string | Buffer): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => { /* a reset after the answer: the answer is judged */ });
  socket.write(bytes);
  let text = '';
  socket.on('data', (chunk: Buffer) => { text += chunk.toString('latin1'); });
  await once(socket, 'close');
  const [head = '', body = ''] = text.split('\r\n\r\n', 2);
  const [first = '', ...lines] = head.split('\r\n');
  return answerOf(Number(first.split(' ')[1]), Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])), body);
}

function answerOf(status: number, headers: IncomingHttpHeaders, text: string): Answer {
  return { status, headers, text, body: /json/.test(headers['content-type'] ?? '') && text !== '' ? JSON.parse(text) as Record<string, unknown> : {} };
}

export type Frame = Readonly<Record<string, unknown>> & { readonly type: string };
export interface Closed { readonly code: number; readonly reason: { readonly code?: string; readonly retryAfterMs?: number }; readonly bytes: number }

/** One WebSocket: all its frames, and how it ended. */
export class Client {
  readonly frames: Frame[] = [];
  pings = 0;
  closed: Closed | undefined;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data: Buffer) => { this.frames.push(JSON.parse(data.toString()) as Frame); });
    socket.on('ping', () => { this.pings += 1; });
    socket.on('error', () => { /* judged by `closed` */ });
    socket.on('close', (code, reason) => { this.closed = { code, reason: reason.length === 0 ? {} : JSON.parse(reason.toString()) as Closed['reason'], bytes: reason.length }; });
  }

  /** Resolves when it is open. @throws when the handshake is refused */
  static async open(t: Cleaner, url: string, path: string, options: { readonly protocols?: readonly string[]; readonly headers?: Readonly<Record<string, string>>; readonly token?: string } = {}): Promise<Client> {
    const { protocols = [path.startsWith('/v1/ingest') ? 'confab.ingest.v1' : 'confab.v1'], headers = {}, token: bearer } = options;
    const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, [...protocols], { headers: { ...headers, ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }) } });
    t.after(() => { socket.terminate(); });
    const client = new Client(socket);
    await once(socket, 'open');
    return client;
  }

  send(frame: unknown): this { this.socket.send(typeof frame === 'string' || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame)); return this; }

  /** The first frame that fits, now or later. */
  async wait(what: string | ((frame: Frame) => boolean), millis = 15_000): Promise<Frame> {
    const fits = typeof what === 'string' ? (frame: Frame): boolean => frame.type === what : what;
    await eventually(`a frame ${String(what)}; there are ${JSON.stringify(this.frames.slice(-5))}`, () => this.frames.some(fits), millis);
    return this.frames.find(fits) as Frame;
  }

  async end(millis = 15_000): Promise<Closed> {
    await eventually('the socket is closed', () => this.closed !== undefined, millis);
    return this.closed as Closed;
  }
}

/** The answer to a handshake that is refused. */
export async function refused(url: string, path: string, options: { readonly protocols?: string; readonly headers?: Readonly<Record<string, string>> } = {}): Promise<Answer> {
  return call(url, path, { headers: {
    connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...(options.protocols === undefined ? {} : { 'sec-websocket-protocol': options.protocols }), ...options.headers,
  } });
}
