/**
 * One accepted WebSocket: what ingress (`/v1/ingest`) and egress (`/v1/stream`, …) share. Parses frames, renews the token in
 * place, warns 60 s before it expires, closes with coded reasons. What the frames mean is the handler's affair.
 */
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { Authenticator, Principal } from '../auth.js';
import type { Clock, Timer } from '../clock.js';
import { ConfabError, toConfabError, type ErrorCode } from '../errors.js';
import type { Logger } from '../observability/logger.js';
import { CloseCode, closeCodeOf, closeReason } from './close-codes.js';

/** A frame as it came in: a JSON object with a string `type`. Nothing else of it has been checked. */
export type IncomingFrame = Readonly<Record<string, unknown>> & { readonly type: string };

/** What a route does with a socket. Methods are called one after another, never after `closed`. */
export interface SocketHandler {
  /** A frame other than `auth`. A thrown ConfabError closes the socket with the code that belongs to it. */
  frame(frame: IncomingFrame): void;
  /** The socket is closed; sending does nothing from now on. Called exactly once. */
  closed(code: number): void;
  /** The token was renewed: `session.principal` is the new one, of the same tenant and subject. */
  renewed?(principal: Principal): void;
}

export interface SocketSessionOptions {
  readonly socket: WebSocket;
  readonly principal: Principal;
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxFrameBytes: number;
}

/** How long before the end of a token `expiring` is sent. */
export const EXPIRY_NOTICE = 60_000;
/** The longest timer: Node's are limited to 2^31 - 1 ms. */
const LONGEST_TIMER = 2_000_000_000;

/** Bytes that wait for the end of the turn, at most: a client that reads is not kept waiting for more. */
const MOST_GATHERED = 128 * 1024;

export class SocketSession {
  private readonly options: SocketSessionOptions;
  private readonly socket: WebSocket;
  private handler: SocketHandler | undefined;
  private current: Principal;
  private timer: Timer | undefined;
  private noticeSent = false;
  private renewals = 0;
  private ended = false;
  /** The stream below, while it gathers frames. */
  private gathering: Duplex | undefined;
  /** Used by the heartbeat. */
  alive = true;

  constructor(options: SocketSessionOptions) {
    this.options = options;
    this.socket = options.socket;
    this.current = options.principal;
  }

  /** Begins to hand frames to the handler. Call at once: frames that come before are lost. */
  start(handler: SocketHandler): void {
    this.handler = handler;
    this.socket.on('message', (data, isBinary) => { this.receive(data, isBinary); });
    this.socket.on('pong', () => { this.alive = true; });
    this.socket.once('close', (code) => { this.finish(code); });
    this.armExpiry();
  }

  get principal(): Principal { return this.current; }
  get open(): boolean { return !this.ended && this.socket.readyState === this.socket.OPEN; }
  /** Bytes that wait to be taken by the network. */
  get bufferedBytes(): number { return this.socket.bufferedAmount; }

  /** Sends a frame that is text already, in one write with the others of this turn of the event loop. Does nothing once the socket is closed. */
  sendText(text: string, written?: () => void): void {
    if (!this.open) return;
    this.gather();
    this.socket.send(text, written);
  }

  /** A write to the network costs more than most frames: what one turn of the event loop sends leaves together. */
  private gather(): void {
    if (this.gathering !== undefined) {
      if (this.gathering.writableLength > MOST_GATHERED) { this.gathering.uncork(); this.gathering.cork(); }
      return;
    }
    // ws has no word for it; without its stream the frames are merely written one by one.
    const stream = (this.socket as unknown as { _socket?: Duplex | null })._socket ?? undefined;
    if (stream === undefined) return;
    this.gathering = stream;
    stream.cork();
    setImmediate(() => { this.gathering = undefined; stream.uncork(); });
  }

  send(frame: { readonly type: string }): void { this.sendText(JSON.stringify(frame)); }

  /** An `error` frame: a fault of one frame or subscription; the socket stays. */
  sendError(error: ConfabError, more?: { readonly conversationId?: string }): void {
    this.send({
      type: 'error', code: error.code, detail: error.detail, ...more,
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    } as { type: string });
  }

  close(closeCode: number, code?: ErrorCode, retryAfterMs?: number): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.socket.close(closeCode, code === undefined ? '' : closeReason(code, retryAfterMs));
    this.disarm();
  }

  /** Closes with the close code that belongs to the error. */
  fail(thrown: unknown): void {
    const error = toConfabError(thrown);
    if (error.code === 'CONFAB_INTERNAL') this.options.logger.error({ err: error.cause ?? error }, 'a socket failed');
    this.close(closeCodeOf(error.code), error.code, error.retryAfterMs);
  }

  /** Cuts the connection without a handshake. */
  terminate(): void { this.socket.terminate(); }

  ping(): void { if (this.open) this.socket.ping(); }

  /** Stops and goes on reading from the network: back-pressure on the client. Idempotent. */
  pause(): void { if (!this.socket.isPaused) this.socket.pause(); }
  resume(): void { if (this.socket.isPaused) this.socket.resume(); }

  private receive(data: RawData, isBinary: boolean): void {
    if (!this.open) return;
    if (isBinary) { this.close(CloseCode.BINARY, 'CONFAB_FRAME_MALFORMED'); return; }
    const bytes = data as Buffer;
    if (bytes.length > this.options.maxFrameBytes) { this.close(CloseCode.TOO_LARGE, 'CONFAB_FRAME_TOO_LARGE'); return; }
    const frame = parseFrame(bytes);
    if (frame === undefined) {
      this.sendError(new ConfabError('CONFAB_FRAME_MALFORMED'));
      this.close(CloseCode.PROTOCOL_ERROR, 'CONFAB_FRAME_MALFORMED');
      return;
    }
    if (frame.type === 'auth') { this.auth(frame); return; }
    try {
      this.handler?.frame(frame);
    } catch (error) {
      this.fail(error);
    }
  }

  private auth(frame: IncomingFrame): void {
    const unknown = Object.keys(frame).find((name) => name !== 'type' && name !== 'token');
    if (unknown === undefined) void this.renew(frame.token);
    else this.sendError(new ConfabError('CONFAB_FRAME_INVALID', { detail: `/${unknown.slice(0, 100)} is not a known field` }));
  }

  private async renew(token: unknown): Promise<void> {
    const turn = ++this.renewals;
    try {
      if (typeof token !== 'string' || token === '') throw new ConfabError('CONFAB_TOKEN_MISSING');
      const principal = await this.options.authenticator.authenticate(token);
      // A later `auth` frame may have overtaken this one while its key was fetched: the latest counts.
      if (!this.open || turn !== this.renewals) return;
      if (principal.tenant !== this.current.tenant || principal.subject !== this.current.subject) {
        throw new ConfabError('CONFAB_TOKEN_INVALID', { detail: 'A socket is renewed by a token of the same tenant and subject.' });
      }
      this.current = principal;
      this.noticeSent = false;
      this.armExpiry();
      this.handler?.renewed?.(principal);
      this.send({ type: 'authenticated', ...expiry(principal) });
    } catch (error) {
      this.fail(error);
    }
  }

  /** One timer a socket: first for the notice, then for the end. */
  private armExpiry(): void {
    this.disarm();
    const { expiresAt } = this.current;
    if (expiresAt === undefined || this.ended) return;
    const due = this.noticeSent ? expiresAt : expiresAt - EXPIRY_NOTICE;
    this.timer = this.options.clock.after(Math.min(Math.max(0, due - this.options.clock.now()), LONGEST_TIMER), () => { this.expiryDue(); });
  }

  private expiryDue(): void {
    const expiresAt = this.current.expiresAt ?? Infinity;
    const now = this.options.clock.now();
    if (now >= expiresAt) { this.close(CloseCode.TOKEN_EXPIRED, 'CONFAB_TOKEN_EXPIRED'); return; }
    if (!this.noticeSent && now >= expiresAt - EXPIRY_NOTICE) {
      this.noticeSent = true;
      this.send({ type: 'expiring', ...expiry(this.current) });
    }
    this.armExpiry();
  }

  private disarm(): void { this.timer?.cancel(); this.timer = undefined; }

  private finish(code: number): void {
    if (this.ended) return;
    this.ended = true;
    this.disarm();
    this.handler?.closed(code);
  }
}

function expiry(principal: Principal): { expiresAt: string | null } {
  return { expiresAt: principal.expiresAt === undefined ? null : new Date(principal.expiresAt).toISOString() };
}

function parseFrame(bytes: Buffer): IncomingFrame | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    if (typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string') return value as IncomingFrame;
  } catch { /* answered by the caller */ }
  return undefined;
}
