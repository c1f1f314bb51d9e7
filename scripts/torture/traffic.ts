/**
 * Open-loop traffic over ingest sockets, and what was promised for it. A message with a key is repeated until it is
 * accepted; one without is sent once, and where there was no answer nobody knows whether it stands in the log.
 */
import { WebSocket } from 'ws';
import type { Installation } from './install.js';

interface Accepted { readonly messageId: string; readonly position: string; readonly text: string }

export class Conversation {
  readonly accepted: Accepted[] = [];
  /** Texts of messages without a key that had no answer. */
  readonly unknown: string[] = [];
  busy = false;
  sent = 0;

  constructor(readonly id: string, readonly keyed: boolean) {}
}

interface Waiting { readonly conversation: Conversation; readonly text: string; readonly key: string | undefined; socket: WebSocket | undefined; since: number }
interface Answer { readonly type: string; readonly ref: string; readonly messageId: string; readonly position: string; readonly code?: string }

const TICK = 20;
/** Without an answer for so long a message is sent anew (with a key) or given up (without). */
const PATIENCE = 30_000;

export class Traffic {
  readonly conversations: Conversation[];
  readonly rejections = new Map<string, number>();
  private readonly sockets = new Map<string, WebSocket>();
  private readonly waiting = new Map<string, Waiting>();
  private readonly again: { at: number; ref: string; waiting: Waiting }[] = [];
  private timer: NodeJS.Timeout | undefined;
  private due = 0;
  private next = 0;
  private closing = false;

  constructor(private readonly installation: Installation, private readonly rate: number, conversations: number) {
    this.conversations = Array.from({ length: conversations }, (_, i) => new Conversation(`c${i}`, i % 2 === 0));
  }

  get accepted(): number { return this.conversations.reduce((sum, { accepted }) => sum + accepted.length, 0); }

  start(): void { this.timer = setInterval(() => { this.tick(); }, TICK); }

  /** No new messages; resolves when each has its answer. */
  async stop(): Promise<void> {
    this.closing = true;
    for (const end = performance.now() + 90_000; this.waiting.size + this.again.length > 0 && performance.now() < end;) await new Promise((resolve) => { setTimeout(resolve, 100); });
    clearInterval(this.timer);
    for (const socket of this.sockets.values()) socket.close(1000);
    if (this.waiting.size + this.again.length > 0) throw new Error(`${this.waiting.size + this.again.length} messages have no answer`);
  }

  private tick(): void {
    const now = performance.now();
    const open = this.open();
    for (const [ref, waiting] of this.waiting) if (now - waiting.since > PATIENCE) this.lost(ref, waiting);
    if (open.length === 0) return;
    const ready = this.again.filter(({ at }) => at <= now);
    for (const each of ready) { this.again.splice(this.again.indexOf(each), 1); this.send(each.ref, each.waiting, open); }
    if (this.closing) return;
    this.due = Math.min(this.due + this.rate * TICK / 1000, this.rate);
    for (let tries = 0; this.due >= 1 && tries < this.conversations.length; tries += 1) {
      const conversation = this.conversations[this.next++ % this.conversations.length] as Conversation;
      if (conversation.busy) continue;
      this.due -= 1;
      conversation.busy = true;
      const text = `${conversation.id} says ${conversation.sent}`;
      conversation.sent += 1;
      const ref = `${conversation.id}-${conversation.sent}`;
      this.send(ref, { conversation, text, key: conversation.keyed ? ref : undefined, socket: undefined, since: now }, open);
    }
  }

  private send(ref: string, waiting: Waiting, open: readonly WebSocket[]): void {
    const socket = open[Math.floor(Math.random() * open.length)] as WebSocket;
    waiting.socket = socket;
    waiting.since = performance.now();
    this.waiting.set(ref, waiting);
    socket.send(JSON.stringify({ type: 'message', ref, conversationId: waiting.conversation.id, text: waiting.text, ...(waiting.key === undefined ? {} : { idempotencyKey: waiting.key }) }));
  }

  /** Sockets to all ingress processes that live. */
  private open(): WebSocket[] {
    for (const node of this.installation.of('ingress')) if (!this.sockets.has(node.url)) this.connect(node.url);
    return [...this.sockets.values()].filter((socket) => socket.readyState === WebSocket.OPEN);
  }

  private connect(url: string): void {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/ingest`, 'confab.ingest.v1', { handshakeTimeout: 3_000 });
    this.sockets.set(url, socket);
    socket.on('message', (data: Buffer) => { this.answered(JSON.parse(data.toString()) as Answer); });
    socket.on('error', () => { /* the close follows */ });
    socket.on('close', () => {
      setTimeout(() => { this.sockets.delete(url); }, 500);
      for (const [ref, waiting] of this.waiting) if (waiting.socket === socket) this.lost(ref, waiting);
    });
  }

  private answered(answer: Answer): void {
    const waiting = this.waiting.get(answer.ref);
    if (waiting === undefined) return;
    if (answer.type === 'accepted') {
      this.waiting.delete(answer.ref);
      const { conversation, text } = waiting;
      conversation.accepted.push({ messageId: answer.messageId, position: answer.position, text });
      conversation.busy = false;
      return;
    }
    if (answer.type !== 'rejected') return;
    const code = answer.code ?? '?';
    this.rejections.set(code, (this.rejections.get(code) ?? 0) + 1);
    this.lost(answer.ref, waiting, code !== 'CONFAB_OUTCOME_UNKNOWN');
  }

  private lost(ref: string, waiting: Waiting, nothingWritten = false): void {
    this.waiting.delete(ref);
    const { conversation } = waiting;
    if (waiting.key !== undefined || nothingWritten) { this.again.push({ at: performance.now() + 300, ref, waiting }); return; }
    conversation.unknown.push(waiting.text);
    conversation.busy = false;
  }
}
