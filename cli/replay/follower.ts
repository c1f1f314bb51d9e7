/**
 * Follows conversations on `/v1/stream` sockets. A socket that is lost is opened again, with back-off, and every
 * conversation on it goes on from its last position.
 */
import { WebSocket, type RawData } from 'ws';
import type { Clock, Timer } from '../../platform/clock.js';
import type { Secret } from '../../platform/config.js';
import { catalogue, ConfabError, type ErrorCode } from '../../platform/errors.js';
import type { Random } from '../../platform/random.js';
import { backoff } from './backoff.js';

/** A conversation that is followed. */
export interface Followed {
  readonly conversationId: string;
  /** A reply or outcome that answers a message. */
  outcome(inReplyTo: string, position: string): void;
  /** Outcomes may be missing on the socket: look into the events. */
  gap(): void;
}

export interface FollowerOptions {
  readonly url: string;
  readonly token: Secret | undefined;
  /** How long a lost socket is tried again. */
  readonly patience: number;
  readonly clock: Clock;
  readonly random: Random;
  /** The server refuses: the run cannot go on. */
  readonly onFatal: (error: ConfabError) => void;
  /** A socket was opened again after a loss. */
  readonly onReconnect: () => void;
}

interface Entry {
  readonly followed: Followed;
  position: string | undefined;
  ready: boolean;
  readonly waiting: (() => void)[];
}

interface Frame { type?: string; conversationId?: string; position?: string; inReplyTo?: string | null; recovered?: boolean; code?: string; detail?: string; retryAfterMs?: number }

/** The server allows 10,000 on a socket. */
const PER_SOCKET = 5000;
const SILENCE_MILLIS = 60_000;
/** A server that never answered is given up sooner than one that went away. */
const FIRST_PATIENCE = 10_000;
const FATAL_CLOSES = new Set([1000, 1002, 1003, 1007, 1009, 4100, 4101, 4102, 4103]);

export class Follower {
  private readonly lines: Line[] = [];

  constructor(private readonly options: FollowerOptions) {}

  /** Resolves once the server follows the conversation: what is sent from now on is heard. */
  follow(followed: Followed): Promise<void> {
    let line = this.lines.at(-1);
    if (line === undefined || line.size >= PER_SOCKET) {
      line = new Line(this.options);
      this.lines.push(line);
    }
    return line.follow(followed);
  }

  /** Whether every socket is open and every conversation on it is followed. */
  get connected(): boolean { return this.lines.every((line) => line.connected); }

  close(): void { for (const line of this.lines) line.close(); }
}

/** One socket and what is followed on it. */
class Line {
  private readonly entries = new Map<string, Entry>();
  private socket: WebSocket | undefined;
  private attempt = 0;
  private opened = false;
  private closed = false;
  private silence: Timer | undefined;
  private downSince: number;

  constructor(private readonly options: FollowerOptions) {
    this.downSince = options.clock.monotonic();
    this.connect();
  }

  get size(): number { return this.entries.size; }
  get connected(): boolean { return this.socket?.readyState === WebSocket.OPEN && [...this.entries.values()].every(({ ready }) => ready); }

  follow(followed: Followed): Promise<void> {
    return new Promise((resolve) => {
      const entry: Entry = { followed, position: undefined, ready: false, waiting: [resolve] };
      this.entries.set(followed.conversationId, entry);
      this.subscribe(entry);
    });
  }

  close(): void {
    this.closed = true;
    this.silence?.cancel();
    this.socket?.terminate();
  }

  private subscribe({ followed, position }: Entry): void {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    this.socket.send(JSON.stringify({ type: 'subscribe', conversationId: followed.conversationId, ...(position === undefined ? {} : { after: position }) }));
  }

  private connect(): void {
    const { url, token } = this.options;
    const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/v1/stream`, ['confab.v1'], {
      perMessageDeflate: false, handshakeTimeout: 10_000,
      headers: token === undefined ? {} : { authorization: `Bearer ${token.reveal()}` },
    });
    this.socket = socket;
    socket.on('open', () => {
      if (this.opened) this.options.onReconnect();
      this.downSince = Infinity;
      this.opened = true;
      this.heard();
      for (const entry of this.entries.values()) { entry.ready = false; this.subscribe(entry); }
    });
    socket.on('message', (data: RawData) => { this.heard(); this.receive(data); });
    socket.on('ping', () => { this.heard(); });
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (_request, response) => {
      const status = response.statusCode ?? 0;
      if (status >= 400 && status < 500 && status !== 408 && status !== 429) {
        this.fail(new ConfabError(status === 401 ? 'CONFAB_TOKEN_INVALID' : 'CONFAB_ROUTE_UNKNOWN', { detail: `The server answered the stream with ${status}.` }));
      }
      socket.terminate();
    });
    socket.on('close', (code, reason) => { this.lost(code, reason.toString()); });
  }

  private lost(code: number, reason: string): void {
    this.silence?.cancel();
    if (this.closed) return;
    if (FATAL_CLOSES.has(code)) { this.fail(closeError(code, reason)); return; }
    for (const entry of this.entries.values()) entry.ready = false;
    const { clock, patience, url } = this.options;
    this.downSince = Math.min(this.downSince, clock.monotonic());
    if (clock.monotonic() - this.downSince > (this.opened ? patience : Math.min(patience, FIRST_PATIENCE))) {
      this.fail(new ConfabError('CONFAB_SERVER_UNREACHABLE', { detail: `No stream can be opened at ${url}.` }));
      return;
    }
    this.attempt += 1;
    void this.options.clock.sleep(backoff(this.attempt, this.options.random)).then(() => { if (!this.closed) this.connect(); });
  }

  private fail(error: ConfabError): void {
    if (this.closed) return;
    this.close();
    this.options.onFatal(error);
  }

  /** A server pings every 25 s; a line that is silent for longer is dead. */
  private heard(): void {
    this.silence?.cancel();
    this.silence = this.options.clock.after(SILENCE_MILLIS, () => { this.socket?.terminate(); });
  }

  private receive(data: RawData): void {
    const frame = parseFrame(data);
    if (frame === undefined) { this.fail(new ConfabError('CONFAB_FRAME_MALFORMED', { detail: 'The server sent a frame that is not a JSON object.' })); return; }
    const entry = this.entries.get(frame.conversationId ?? '');
    if (entry === undefined) {
      if (frame.type === 'error') this.fail(frameError(frame));
      return;
    }
    if (frame.type === 'ready') { this.ready(entry, frame); return; }
    if (frame.type === 'error') { this.refused(entry, frame); return; }
    if (frame.type !== 'reply' && frame.type !== 'outcome' && frame.type !== 'handoff') return;
    if (frame.position !== undefined && (entry.position === undefined || frame.position > entry.position)) entry.position = frame.position;
    if (frame.type !== 'handoff' && typeof frame.inReplyTo === 'string') entry.followed.outcome(frame.inReplyTo, frame.position ?? '');
  }

  private ready(entry: Entry, frame: Frame): void {
    this.attempt = 0;
    if (frame.recovered === false && entry.position !== undefined) entry.followed.gap();
    // With a position of one's own the frames in between are still to come: they, not `ready`, move it on.
    if (entry.position === undefined || frame.recovered === false) entry.position = frame.position ?? entry.position;
    entry.ready = true;
    for (const resolve of entry.waiting.splice(0)) resolve();
  }

  private refused(entry: Entry, frame: Frame): void {
    const error = frameError(frame);
    if (!error.retryable) { this.fail(error); return; }
    void this.options.clock.sleep(frame.retryAfterMs ?? 1000).then(() => { if (!this.closed && !entry.ready) this.subscribe(entry); });
  }
}

function parseFrame(data: RawData): Frame | undefined {
  try {
    const value: unknown = JSON.parse((data as Buffer).toString());
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function coded(code: string | undefined, detail: string): ConfabError {
  return new ConfabError(code !== undefined && Object.hasOwn(catalogue, code) ? code as ErrorCode : 'CONFAB_INTERNAL', { detail });
}

function frameError({ code, detail }: Frame): ConfabError {
  return coded(code, `The stream says${detail === undefined ? ' no more' : `: ${detail}`}`);
}

function closeError(status: number, reason: string): ConfabError {
  let code: string | undefined;
  try { code = (JSON.parse(reason) as { code?: string }).code; } catch { /* A reason of another form says nothing more. */ }
  return coded(code ?? (status === 4100 ? 'CONFAB_TOKEN_INVALID' : status === 4101 ? 'CONFAB_CONVERSATION_FORBIDDEN' : undefined), `The server closed the stream with ${status}.`);
}
