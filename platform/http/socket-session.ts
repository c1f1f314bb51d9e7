/**
 * One accepted WebSocket: what ingress (`/v1/ingest`) and egress (`/v1/stream`, …) share. Parses frames, renews the token in
 * place, warns 60 s before it expires, closes with coded reasons. What the frames mean is the handler's affair.
 */
import type { Duplex } from 'node:stream';
import type { RawData, WebSocket } from 'ws';
import type { Authenticator, Principal } from '../auth/auth.js';
import type { Clock } from '../clock.js';
import { ConfabError, toConfabError, type ErrorCode } from '../errors.js';
import type { Logger } from '../observability/logger.js';
import { CloseCode, closeCodeOf, closeReason } from './close-codes.js';
import { Allowance, CONTROL_FRAMES, type FrameLimit } from './socket-allowance.js';
import { CALM_BYTES, SocketFlow, type Pace } from './socket-flow.js';
import { SocketToken, type TokenHolder } from './socket-token.js';
import { textFrame } from './text-frame.js';

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
  /** The client has read more: `session.underWay` is less than it was. */
  taken?(): void;
  /** The client reads nothing: the socket is being closed with 4000. */
  slow?(): void;
}

/** Who looks after the sockets of a server: shared by all of them. */
export interface SocketWatcher {
  /** Looks at it every second from now on, until it is calm. */
  watch(session: SocketSession): void;
}

export interface SocketSessionOptions {
  readonly socket: WebSocket;
  readonly principal: Principal;
  readonly authenticator: Authenticator;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly maxFrameBytes: number;
  readonly watcher: SocketWatcher;
  /** Frames that the client may send; undefined: the handler limits them by not reading. */
  readonly limit: FrameLimit | undefined;
}

/** Bytes that wait for the end of the turn, at most: a client that reads is not kept waiting for more. */
const MOST_GATHERED = 128 * 1024;
/** A client that causes errors and reads none of them is not told of more. */
const MOST_ERRORS = 4 * 1024 * 1024;
/** After how long a client that sent too much may come again. */
const RATE_RETRY = 5_000;

const kSession = Symbol('confab.session');
type Owned = WebSocket & { [kSession]?: SocketSession };

// Shared by all sockets: a node holds thousands that are idle.
function onMessage(this: Owned, data: RawData, isBinary: boolean): void { this[kSession]?.receive(data, isBinary); }
function onPing(this: Owned): void { this[kSession]?.pinged(); }
function onPong(this: Owned, payload: Buffer): void { this[kSession]?.ponged(payload); }
function onClose(this: Owned, code: number): void { this[kSession]?.finish(code); }

/** Sockets that were sent something in this turn of the event loop. */
let gathered: SocketSession[] = [];

function flushAll(): void {
  const sessions = gathered;
  gathered = [];
  for (const session of sessions) session.flush();
}

export class SocketSession implements TokenHolder {
  private readonly options: SocketSessionOptions;
  private readonly socket: WebSocket;
  private handler: SocketHandler | undefined;
  private readonly token: SocketToken;
  private ended = false;
  /** The stream below, while it gathers frames. */
  private gathering: Duplex | undefined;
  private readonly flow = new SocketFlow();
  /** Made with the first frame, and the first ping. */
  private frames: Allowance | undefined;
  private controls: Allowance | undefined;
  /** Used by the heartbeat: something was heard since the latest ping. */
  alive = true;
  /** Used by the heartbeat: when it is this socket's turn. */
  slot = 0;

  constructor(options: SocketSessionOptions) {
    this.options = options;
    this.socket = options.socket;
    this.token = new SocketToken(options.principal, this, options);
  }

  /** Begins to hand frames to the handler. Call at once: frames that come before are lost. */
  start(handler: SocketHandler): void {
    this.handler = handler;
    (this.socket as Owned)[kSession] = this;
    this.socket.on('message', onMessage).on('ping', onPing).on('pong', onPong).on('close', onClose);
    this.token.arm();
  }

  get principal(): Principal { return this.token.principal; }
  get open(): boolean { return !this.ended && this.socket.readyState === this.socket.OPEN; }
  /** Bytes that wait to be taken by the network. */
  get bufferedBytes(): number { return this.socket.bufferedAmount; }
  /** Bytes that the client is not known to have read: those that wait here, in the kernel and in its own buffers. */
  get underWay(): number { return this.flow.underWay; }

  /** Sends a frame that is text already, in one write with the others of this turn of the event loop. Does nothing once the socket is closed. */
  sendText(text: string, written?: () => void): void {
    if (!this.open) return;
    const frame = textFrame(text);
    const stream = this.gather();
    // Without compression ws, too, writes a frame as soon as it has it: the order of frames is the same.
    if (stream === undefined) this.socket.send(text, written); else stream.write(frame, written);
    if (this.flow.add(frame.length)) this.mark();
  }

  /** A ping whose answer says that everything before it was read. */
  private mark(): void {
    this.socket.ping(this.flow.mark(this.socket.bufferedAmount));
    if (this.flow.watched) return;
    this.flow.watched = true;
    this.options.watcher.watch(this);
  }

  /** A write to the network costs more than most frames: what one turn of the event loop sends leaves together. */
  private gather(): Duplex | undefined {
    if (this.gathering !== undefined) {
      if (this.gathering.writableLength > MOST_GATHERED) { this.gathering.uncork(); this.gathering.cork(); }
      return this.gathering;
    }
    // ws has no word for it; without its stream the frames are merely written one by one.
    const stream = (this.socket as unknown as { _socket?: Duplex | null })._socket ?? undefined;
    if (stream === undefined) return undefined;
    this.gathering = stream;
    stream.cork();
    if (gathered.push(this) === 1) setImmediate(flushAll);
    return stream;
  }

  /** The end of the turn of the event loop. */
  flush(): void {
    const stream = this.gathering;
    this.gathering = undefined;
    stream?.uncork();
  }

  send(frame: { readonly type: string }): void { this.sendText(JSON.stringify(frame)); }

  /** An `error` frame: a fault of one frame or subscription; the socket stays. */
  sendError(error: ConfabError, more?: { readonly conversationId?: string }): void {
    if (this.socket.bufferedAmount > MOST_ERRORS) { this.tooMany(); return; }
    this.send({
      type: 'error', code: error.code, detail: error.detail, ...more,
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    } as { type: string });
  }

  close(closeCode: number, code?: ErrorCode, retryAfterMs?: number): void {
    if (this.socket.readyState !== this.socket.OPEN) return;
    this.socket.close(closeCode, code === undefined ? '' : closeReason(code, retryAfterMs));
    this.token.disarm();
  }

  /** Its client reads nothing; it resumes from what it has read. */
  closeSlow(): void {
    this.handler?.slow?.();
    this.close(CloseCode.SLOW_CONSUMER, 'CONFAB_SLOW_CONSUMER', 0);
  }

  /** Closes with the close code that belongs to the error. */
  fail(thrown: unknown): void {
    const error = toConfabError(thrown);
    if (error.code === 'CONFAB_INTERNAL') this.options.logger.error({ err: error.cause ?? error }, 'a socket failed');
    this.close(closeCodeOf(error.code), error.code, error.retryAfterMs);
  }

  /** Cuts the connection without a handshake. */
  terminate(): void { this.socket.terminate(); }

  /** The heartbeat. */
  ping(): void { if (this.open) this.socket.ping(this.flow.mark(this.socket.bufferedAmount)); }

  /** No answer to the heartbeat: true when the client is gone, false when it may be busy reading what came before. */
  get silent(): boolean { return !this.alive && this.flow.underWay <= CALM_BYTES; }

  /** Once a second while it is watched, by a steady clock. */
  look(now: number, patience: number): Pace {
    if (!this.open) { this.flow.watched = false; return 'calm'; }
    const pace = this.flow.look(now, acceptedBytes(this.socket), patience);
    if (pace === 'calm') this.flow.watched = false;
    else if (pace === 'busy' && this.flow.unmarked) this.socket.ping(this.flow.mark(this.socket.bufferedAmount));
    return pace;
  }

  /** Stops and goes on reading from the network: back-pressure on the client. Idempotent. */
  pause(): void { if (!this.socket.isPaused) this.socket.pause(); }
  resume(): void { if (this.socket.isPaused) this.socket.resume(); }

  /** Called by the socket. */
  receive(data: RawData, isBinary: boolean): void {
    if (!this.open) return;
    this.alive = true;
    if (this.options.limit !== undefined) {
      this.frames ??= new Allowance(this.options.limit, this.options.clock.monotonic());
      if (!this.frames.take(this.options.clock)) { this.tooMany(); return; }
      if (this.frames.breath) this.breathe();
    }
    if (isBinary) { this.close(CloseCode.BINARY, 'CONFAB_FRAME_MALFORMED'); return; }
    const bytes = data as Buffer;
    if (bytes.length > this.options.maxFrameBytes) { this.close(CloseCode.TOO_LARGE, 'CONFAB_FRAME_TOO_LARGE'); return; }
    const frame = parseFrame(bytes);
    if (frame === undefined) {
      this.sendError(new ConfabError('CONFAB_FRAME_MALFORMED'));
      this.close(CloseCode.PROTOCOL_ERROR, 'CONFAB_FRAME_MALFORMED');
      return;
    }
    if (frame.type === 'auth') { this.token.auth(frame); return; }
    try {
      this.handler?.frame(frame);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Called by the socket, which has answered it. */
  pinged(): void {
    this.alive = true;
    this.controls ??= new Allowance(CONTROL_FRAMES, this.options.clock.monotonic());
    if (this.open && !this.controls.take(this.options.clock)) this.tooMany();
  }

  /** Called by the socket. */
  ponged(payload: Buffer): void {
    const owed = !this.alive;
    this.alive = true;
    const before = this.flow.underWay;
    this.flow.answer(payload, this.socket.bufferedAmount);
    if (this.flow.underWay !== before) this.handler?.taken?.();
    // One that answers nothing is a frame like a ping.
    else if (!owed) this.pinged();
  }

  /** Node reads a connection up to 32 times before it looks at another, if there is as much: after some frames others come first. */
  private breathe(): void {
    this.socket.pause();
    setImmediate(() => { if (this.open) this.socket.resume(); });
  }

  /** What it goes on to send is not read: it may be much. */
  private tooMany(): void {
    this.close(CloseCode.OVERLOADED, 'CONFAB_RATE_LIMITED', RATE_RETRY);
    this.socket.pause();
  }

  /** Called by the token. */
  renewed(principal: Principal): void { this.handler?.renewed?.(principal); }

  /** Called by the socket. */
  finish(code: number): void {
    if (this.ended) return;
    this.ended = true;
    this.token.disarm();
    this.handler?.closed(code);
  }
}

/** What the kernel has accepted of a connection; Node itself looks at the same to see whether a write makes progress. */
function acceptedBytes(socket: WebSocket): number {
  const handle = (socket as unknown as { _socket?: { _handle?: { bytesWritten?: number; writeQueueSize?: number } | null } | null })._socket?._handle;
  return handle?.bytesWritten === undefined ? -socket.bufferedAmount : handle.bytesWritten - (handle.writeQueueSize ?? 0);
}

function parseFrame(bytes: Buffer): IncomingFrame | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString());
    if (typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string') return value as IncomingFrame;
  } catch { /* answered by the caller */ }
  return undefined;
}
