/** The one socket: makes it, keeps it alive, makes it anew. What close codes mean stands in docs/frames.md. */
import { backoff } from './backoff.js';
import { ClientError } from './errors.js';
import type { ClientClock, WebSocketConstructor, WebSocketLike } from './platform.js';
import type { Tokens } from './tokens.js';
import type { Connection } from './types.js';

export interface Frame { readonly type: string; readonly conversationId?: string; readonly position?: string; readonly [field: string]: unknown }

export interface LinkOptions {
  /** Without a closing slash. */
  readonly url: string;
  readonly WebSocket: WebSocketConstructor;
  readonly tokens: Tokens;
  readonly clock: ClientClock;
  readonly random: () => number;
  readonly changed: (connection: Connection) => void;
  readonly opened: () => void;
  readonly lost: () => void;
  /** No connection will be tried any more, for this reason. */
  readonly refused: (error: ClientError) => void;
  readonly frame: (frame: Frame) => void;
  /** Sends something that the server answers; false when there is nothing to ask. */
  readonly probe: () => boolean;
}

type Timer = { cancel(): void } | undefined;

const HANDSHAKE = 10_000;
/** The server pings every 25 s; browsers do not show that, so there silence is asked about. */
const SILENCE = 45_000;
const ANSWER = 10_000;
const RENEW_AGAIN = 10_000;
const OPEN = 1;

const FALLBACK: Readonly<Record<number, string>> = { 4003: 'CONFAB_TOKEN_EXPIRED', 4100: 'CONFAB_TOKEN_INVALID', 4101: 'CONFAB_CONVERSATION_FORBIDDEN', 4102: 'CONFAB_FRAME_INVALID', 4103: 'CONFAB_SUBSCRIPTION_LIMIT' };

/** Whether the server wants the client back after this close code. What it does not name is a loss of the network. */
export function mayReconnect(closeCode: number): boolean {
  return ![1000, 1002, 1003, 1007, 1009].includes(closeCode) && !(closeCode >= 4100 && closeCode < 4200);
}

export class Link {
  connection: Connection = { state: 'closed' };
  private socket: WebSocketLike | undefined;
  private attempt = 0;
  /** What happens for an earlier socket does not count. */
  private turn = 0;
  private begun = false;
  private timer: Timer;
  private heardAt = 0;
  private probing = false;

  constructor(private readonly options: LinkOptions) {}

  /** Connects if nothing is under way. */
  start(): void { if (this.connection.state === 'closed') void this.connect(); }

  /** Tries at once; an open socket is asked whether it still lives. */
  hurry(): void {
    if (this.connection.state === 'open') { this.heardAt = 0; this.watch(); return; }
    if (this.connection.state !== 'connecting') { this.attempt = 0; void this.connect(); }
  }

  /** False when the socket is not open. */
  send(frame: Frame): boolean {
    if (this.connection.state !== 'open' || this.socket?.readyState !== OPEN) return false;
    this.socket.send(JSON.stringify(frame));
    return true;
  }

  close(): void {
    this.drop();
    this.set({ state: 'closed' });
  }

  private set(connection: Connection): void {
    this.connection = connection;
    this.options.changed(connection);
  }

  private async connect(): Promise<void> {
    const { url, WebSocket, tokens } = this.options;
    this.timer?.cancel();
    const turn = this.turn += 1;
    this.set({ state: 'connecting' });
    try {
      // Between two connections much time may have passed: the second never tries the token of the first.
      const token = this.begun ? await tokens.renew() : await tokens.get();
      if (turn !== this.turn) return;
      this.begun = true;
      this.adopt(new WebSocket(`${url.replace(/^http/, 'ws')}/v1/stream`, ['confab.v1', ...(token ? [`confab.bearer.${token}`] : [])]), turn);
    } catch (error) {
      if (turn !== this.turn) return;
      this.later(error instanceof ClientError ? error : new ClientError('CONFAB_SERVER_UNREACHABLE', `No socket can be opened at ${url}.`, { retryable: true, cause: error }));
    }
  }

  private adopt(socket: WebSocketLike, turn: number): void {
    const { url, clock } = this.options;
    const on = (type: string, run: (event: { data?: unknown; code?: number; reason?: string; message?: string }) => void): void => {
      socket.addEventListener(type, (event: object) => { if (turn === this.turn) run(event); });
    };
    let said = '';
    this.socket = socket;
    this.timer = clock.after(HANDSHAKE, () => { this.lose(new ClientError('CONFAB_SERVER_UNREACHABLE', `${url} did not answer within ${HANDSHAKE / 1000} s.`, { retryable: true })); });
    on('open', () => { this.opened(socket); });
    on('message', ({ data }) => { this.receive(data); });
    on('error', ({ message }) => { said = message ? ` (${message})` : ''; });
    on('close', ({ code = 1006, reason = '' }) => { this.ended(code, reason, said); });
    // The sockets of `ws` show pings.
    (socket as { on?: (event: string, run: () => void) => void }).on?.('ping', () => { this.heard(); });
  }

  private opened(socket: WebSocketLike): void {
    this.socket = socket;
    this.heard();
    this.set({ state: 'open' });
    this.watch();
    this.options.opened();
  }

  private heard(): void {
    this.heardAt = this.options.clock.now();
    this.probing = false;
  }

  /** Looks after a while whether anything was heard; asks, and gives the socket up when there is no answer. */
  private watch(): void {
    const { clock, probe } = this.options;
    this.timer?.cancel();
    const silent = Math.abs(clock.now() - this.heardAt);
    if (silent < SILENCE) this.timer = clock.after(SILENCE - silent, () => { this.watch(); });
    else if (this.probing) this.lose(new ClientError('CONFAB_SERVER_UNREACHABLE', 'The server fell silent.', { retryable: true }));
    else {
      this.probing = probe();
      this.timer = clock.after(this.probing ? ANSWER : SILENCE, () => { this.watch(); });
    }
  }

  private receive(data: unknown): void {
    this.heard();
    let frame: Frame | undefined;
    try { frame = JSON.parse(String(data)) as Frame; } catch { /* a frame of a later version: ignored, as unknown types are */ }
    if (typeof frame?.type !== 'string') return;
    // Not when it opens: a server that takes the socket and refuses at once is not to be asked without a pause.
    if (frame.type !== 'error') this.attempt = 0;
    if (frame.type === 'expiring') void this.renew(this.turn);
    else this.options.frame(frame);
  }

  private async renew(turn: number): Promise<void> {
    const { tokens, clock } = this.options;
    if (!tokens.renewable) return;
    try {
      const token = await tokens.renew();
      if (turn === this.turn) this.send({ type: 'auth', token });
    } catch {
      clock.after(RENEW_AGAIN, () => { if (turn === this.turn) void this.renew(turn); });
    }
  }

  private ended(closeCode: number, reason: string, said: string): void {
    let told: { code?: string; retryAfterMs?: number } = {};
    try { told = JSON.parse(reason) as typeof told; } catch { /* a reason of another form says nothing more */ }
    const retryable = mayReconnect(closeCode) && (closeCode !== 4003 || this.options.tokens.renewable);
    this.lose(new ClientError(told.code ?? FALLBACK[closeCode] ?? 'CONFAB_SERVER_UNREACHABLE', `The connection to ${this.options.url} ended with ${closeCode}${said}.`, { status: closeCode, retryable, retryAfterMs: told.retryAfterMs }));
  }

  private lose(error: ClientError): void {
    const wasOpen = this.connection.state === 'open';
    this.drop();
    if (wasOpen) this.options.lost();
    if (error.retryable) { this.later(error); return; }
    this.set({ state: 'closed', reason: error });
    if (error.status !== 1000) this.options.refused(error);
  }

  private later(reason: ClientError): void {
    const { clock, random } = this.options;
    const retryInMs = backoff(this.attempt, random, reason.retryAfterMs);
    this.attempt += 1;
    this.timer = clock.after(retryInMs, () => { void this.connect(); });
    this.set({ state: 'waiting', retryInMs, reason });
  }

  private drop(): void {
    this.turn += 1;
    this.timer?.cancel();
    this.probing = false;
    try { this.socket?.close(1000); } catch { /* it never opened */ }
    this.socket = undefined;
  }
}
