/** The ways into an ingress process: HTTP, and the ingest socket. Each answers once, and never rejects. */
import { Agent, request } from 'node:http';
import { WebSocket } from 'ws';

/** @property bot undefined: the default one */
export interface Letter { readonly conversation: string; readonly text: string; readonly key: string | undefined; readonly bot?: string | undefined }

export type Answer =
  | { readonly kind: 'accepted'; readonly messageId: string; readonly position: string; readonly duplicate: boolean }
  /** The answer says that nothing was written, or nothing was sent. */
  | { readonly kind: 'refused'; readonly code: string; readonly retryAfterMs: number | undefined }
  | { readonly kind: 'unknown'; readonly code: string; readonly retryAfterMs: number | undefined };

export interface Door {
  send(letter: Letter): Promise<Answer>;
}

/** No answer for so long is none. */
const PATIENCE = 15_000;
/** Of these codes the message may have been written. */
const UNKNOWN = new Set(['CONFAB_OUTCOME_UNKNOWN', 'CONFAB_INTERNAL']);

interface Body { readonly messageId?: string; readonly position?: string; readonly duplicate?: boolean; readonly code?: string; readonly retryAfterMs?: number }

function read(body: Body, accepted: boolean, retryAfterMs = body.retryAfterMs): Answer {
  if (accepted) return { kind: 'accepted', messageId: body.messageId ?? '', position: body.position ?? '', duplicate: body.duplicate === true };
  const code = body.code ?? 'no code';
  return { kind: UNKNOWN.has(code) || body.code === undefined ? 'unknown' : 'refused', code, retryAfterMs };
}

export class HttpDoor implements Door {
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(private readonly url: string) {}

  send({ conversation, text, key, bot }: Letter): Promise<Answer> {
    return new Promise((resolve) => {
      const body = JSON.stringify({ text, ...(bot === undefined ? {} : { botId: bot }) });
      const call = request(`${this.url}/v1/conversations/${conversation}/messages`, {
        method: 'POST', agent: this.agent, timeout: PATIENCE,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), ...(key === undefined ? {} : { 'idempotency-key': key }) },
      }, (response) => {
        let answer = '';
        response.on('data', (bytes: Buffer) => { answer += bytes.toString(); });
        response.on('end', () => { resolve(parse(answer, response.statusCode ?? 0, response.headers['retry-after'])); });
        response.on('error', () => { resolve({ kind: 'unknown', code: 'answer cut off', retryAfterMs: undefined }); });
      });
      call.on('timeout', () => { call.destroy(new Error('timed out')); });
      // A connection that was refused carried nothing; with any other end the request may have arrived.
      call.on('error', (error: NodeJS.ErrnoException) => { resolve({ kind: error.code === 'ECONNREFUSED' ? 'refused' : 'unknown', code: error.code ?? error.message, retryAfterMs: undefined }); });
      call.end(body);
    });
  }

  close(): void { this.agent.destroy(); }
}

function parse(text: string, status: number, retryAfter: string | undefined): Answer {
  try {
    return read(JSON.parse(text) as Body, status === 202, retryAfter === undefined ? undefined : Number(retryAfter) * 1000);
  } catch {
    return { kind: 'unknown', code: `status ${status} without JSON`, retryAfterMs: undefined };
  }
}

interface Waiting { readonly conversation: string; readonly at: number; readonly resolve: (answer: Answer) => void }

/** One ingest socket. It is opened anew when it has broken. */
export class SocketDoor implements Door {
  private socket: WebSocket | undefined;
  private readonly waiting = new Map<string, Waiting>();
  private next = 0;
  private readonly watch = setInterval(() => { this.look(); }, 1_000);

  /** `disorder` hears when answers of one conversation come in another order than its messages went. */
  constructor(private readonly url: string, private readonly disorder: (conversation: string) => void) {}

  get isOpen(): boolean {
    if (this.socket === undefined) this.connect();
    return this.socket?.readyState === WebSocket.OPEN;
  }

  send({ conversation, text, key, bot }: Letter): Promise<Answer> {
    return new Promise((resolve) => {
      if (!this.isOpen) { resolve({ kind: 'refused', code: 'no socket', retryAfterMs: undefined }); return; }
      const ref = String(this.next++);
      this.waiting.set(ref, { conversation, at: performance.now(), resolve });
      this.socket?.send(JSON.stringify({ type: 'message', ref, conversationId: conversation, text, ...(bot === undefined ? {} : { botId: bot }), ...(key === undefined ? {} : { idempotencyKey: key }) }));
    });
  }

  close(): void {
    clearInterval(this.watch);
    this.socket?.terminate();
  }

  private connect(): void {
    const socket = new WebSocket(`${this.url.replace('http', 'ws')}/v1/ingest`, 'confab.ingest.v1', { handshakeTimeout: 5_000 });
    this.socket = socket;
    socket.on('message', (data: Buffer) => { this.answered(JSON.parse(data.toString()) as Body & { type: string; ref?: string }); });
    socket.on('error', () => { /* the close follows */ });
    socket.on('close', (code) => {
      for (const { resolve } of this.waiting.values()) resolve({ kind: 'unknown', code: `socket closed ${code}`, retryAfterMs: undefined });
      this.waiting.clear();
      setTimeout(() => { if (this.socket === socket) this.socket = undefined; }, 300);
    });
  }

  private answered(frame: Body & { type: string; ref?: string }): void {
    const waiting = this.waiting.get(frame.ref ?? '');
    if (waiting === undefined || (frame.type !== 'accepted' && frame.type !== 'rejected')) return;
    // Refs are in the order of sending: an earlier one of the same conversation that still waits has been overtaken.
    for (const [ref, { conversation }] of this.waiting) {
      if (ref === frame.ref) break;
      if (conversation === waiting.conversation) { this.disorder(conversation); break; }
    }
    this.waiting.delete(frame.ref ?? '');
    waiting.resolve(read(frame, frame.type === 'accepted'));
  }

  /** A process that is stopped says nothing. */
  private look(): void {
    const oldest = this.waiting.values().next().value;
    if (oldest !== undefined && performance.now() - oldest.at > PATIENCE) this.socket?.terminate();
  }
}
