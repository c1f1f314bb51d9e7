/** The one socket: makes it, keeps it alive, makes it anew. What close codes mean stands in docs/frames.md. */
import { backoff } from './backoff.js';
import { ClientError, unreachable } from './errors.js';
import type { ClientClock, WebSocketConstructor, WebSocketLike } from './platform.js';
import type { Tokens } from './tokens.js';
import type { Connection } from './types.js';

export interface Frame { readonly type: string; readonly conversationId?: string; readonly position?: string; readonly retryAfterMs?: number; readonly [field: string]: unknown }

/** Whom a link serves. */
export interface LinkHost {
  /** Without a closing slash. */
  readonly url: string;
  readonly WebSocket: WebSocketConstructor;
  readonly tokens: Tokens;
  readonly clock: ClientClock;
  readonly random: () => number;
  changed(connection: Connection): void;
  opened(): void;
  lost(): void;
  /** No connection will be tried any more, for this reason. */
  refused(error: ClientError): void;
  frame(frame: Frame): void;
  /** Sends something that the server answers; false when there is nothing to ask. */
  probe(): boolean;
}

type Timer = { cancel(): void } | undefined;

/** For a handshake, for an answer, and until a renewal is tried again. */
const PATIENCE = 10_000;
/** The server pings every 25 s; browsers do not show that, so there silence is asked about. */
const SILENCE = 45_000;
const OPEN = 1;

/** Whether the server wants the client back after this close code. What it does not name is a loss of the network. */
export function mayReconnect(closeCode: number): boolean {
  return ![1000, 1002, 1003, 1007, 1009].includes(closeCode) && !(closeCode >= 4100 && closeCode < 4200);
}

export class Link {
  connection: Connection = { state: 'closed' };
  readonly #host: LinkHost;
  #socket: WebSocketLike | undefined;
  #attempt = 0;
  /** What happens for an earlier socket does not count. */
  #turn = 0;
  #timer: Timer;
  #heardAt = 0;
  #probing = false;

  constructor(host: LinkHost) { this.#host = host; }

  /** Connects if nothing is under way. */
  start(): void { if (this.connection.state === 'closed') void this.#connect(); }

  /** Tries at once; an open socket is asked whether it still lives. */
  hurry(): void {
    const { state } = this.connection;
    if (state === 'open') {
      if (!this.#probing) { this.#heardAt = 0; this.#watch(); }
    } else if (state !== 'connecting') { this.#attempt = 0; void this.#connect(); }
  }

  /** False when the socket is not open. */
  send(frame: Frame): boolean {
    if (this.connection.state !== 'open' || this.#socket?.readyState !== OPEN) return false;
    this.#socket.send(JSON.stringify(frame));
    return true;
  }

  close(): void {
    this.#drop();
    this.#set({ state: 'closed' });
  }

  #set(connection: Connection): void {
    this.connection = connection;
    this.#host.changed(connection);
  }

  async #connect(): Promise<void> {
    const { url, WebSocket, tokens } = this.#host;
    this.#timer?.cancel();
    const turn = this.#turn += 1;
    this.#set({ state: 'connecting' });
    try {
      // Between two connections much time may have passed: the second never tries the token of the first.
      const token = await (turn > 1 ? tokens.renew() : tokens.get());
      if (turn !== this.#turn) return;
      this.#adopt(new WebSocket(`${url.replace(/^http/, 'ws')}/v1/stream`, ['confab.v1', ...(token ? [`confab.bearer.${token}`] : [])]), turn);
    } catch (error) {
      if (turn !== this.#turn) return;
      this.#later(error instanceof ClientError ? error : unreachable(`${url} cannot be reached.`, { cause: error }));
    }
  }

  #adopt(socket: WebSocketLike, turn: number): void {
    const { clock } = this.#host;
    const on = (type: string, run: (event: { data?: unknown; code?: number; reason?: string; message?: string }) => void): void => {
      socket.addEventListener(type, (event: object) => { if (turn === this.#turn) run(event); });
    };
    let said = '';
    this.#socket = socket;
    this.#timer = clock.after(PATIENCE, () => { this.#unanswered(); });
    on('open', () => {
      this.#heard();
      this.#set({ state: 'open' });
      this.#watch();
      this.#host.opened();
    });
    on('message', ({ data }) => { this.#receive(data); });
    on('error', ({ message }) => { said = message ? ` (${message})` : ''; });
    on('close', ({ code = 1006, reason = '' }) => { this.#ended(code, reason, said); });
    // The sockets of `ws` show pings.
    (socket as { on?: (event: string, run: () => void) => void }).on?.('ping', () => { this.#heard(); });
  }

  #heard(): void {
    this.#heardAt = this.#host.clock.now();
    this.#probing = false;
  }

  /** Looks after a while whether anything was heard; asks, and gives the socket up when there is no answer. */
  #watch(): void {
    const { clock } = this.#host;
    this.#timer?.cancel();
    const silent = Math.abs(clock.now() - this.#heardAt);
    if (silent < SILENCE) this.#timer = clock.after(SILENCE - silent, () => { this.#watch(); });
    else if (this.#probing) this.#unanswered();
    else {
      this.#probing = this.#host.probe();
      this.#timer = clock.after(this.#probing ? PATIENCE : SILENCE, () => { this.#watch(); });
    }
  }

  #unanswered(): void { this.#lose(unreachable(`${this.#host.url} does not answer.`)); }

  #receive(data: unknown): void {
    this.#heard();
    let frame: Frame | undefined;
    try { frame = JSON.parse(String(data)) as Frame; } catch { /* a frame of a later version: ignored, as unknown types are */ }
    if (typeof frame?.type !== 'string') return;
    // Not when it opens: a server that takes the socket and refuses at once is not to be asked without a pause.
    if (frame.type !== 'error') this.#attempt = 0;
    if (frame.type === 'expiring') void this.#renew(this.#turn);
    else this.#host.frame(frame);
  }

  async #renew(turn: number): Promise<void> {
    const { tokens, clock } = this.#host;
    if (!tokens.renewable) return;
    try {
      const token = await tokens.renew();
      if (turn === this.#turn) this.send({ type: 'auth', token });
    } catch {
      clock.after(PATIENCE, () => { if (turn === this.#turn) void this.#renew(turn); });
    }
  }

  #ended(closeCode: number, reason: string, said: string): void {
    let told: { code?: string; retryAfterMs?: number } = {};
    try { told = JSON.parse(reason) as typeof told; } catch { /* a reason of another form says nothing more */ }
    const retryable = mayReconnect(closeCode) && (closeCode !== 4003 || this.#host.tokens.renewable);
    this.#lose(new ClientError(told.code ?? 'CONFAB_SERVER_UNREACHABLE', `The connection to ${this.#host.url} ended with ${closeCode}${said}.`, { status: closeCode, retryable, retryAfterMs: told.retryAfterMs }));
  }

  #lose(error: ClientError): void {
    const wasOpen = this.connection.state === 'open';
    this.#drop();
    if (wasOpen) this.#host.lost();
    if (error.retryable) { this.#later(error); return; }
    this.#set({ state: 'closed', reason: error });
    if (error.status !== 1000) this.#host.refused(error);
  }

  #later(reason: ClientError): void {
    const { clock, random } = this.#host;
    const retryInMs = backoff(this.#attempt, random, reason.retryAfterMs);
    this.#attempt += 1;
    this.#timer = clock.after(retryInMs, () => { void this.#connect(); });
    this.#set({ state: 'waiting', retryInMs, reason });
  }

  #drop(): void {
    this.#turn += 1;
    this.#timer?.cancel();
    this.#probing = false;
    try { this.#socket?.close(1000); } catch { /* it never opened */ }
    this.#socket = undefined;
  }
}
