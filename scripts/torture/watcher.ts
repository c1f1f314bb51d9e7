/** A client that follows some conversations, comes back after each break where it stood, and keeps what it was told. */
import { WebSocket } from 'ws';
import type { Installation } from './install.js';

interface Frame { readonly type: string; readonly conversationId: string; readonly position?: string; readonly inReplyTo?: string | null; readonly recovered?: boolean }

export class Watcher {
  /** Conversation → `inReplyTo` of the outcomes, as they came. */
  readonly seen = new Map<string, string[]>();
  breaks = 0;
  unrecovered = 0;
  private readonly after = new Map<string, string>();
  private socket: WebSocket | undefined;
  private closed = false;

  constructor(private readonly installation: Installation, conversations: readonly string[]) {
    for (const id of conversations) this.seen.set(id, []);
  }

  start(): void { this.connect(); }

  close(): void {
    this.closed = true;
    this.socket?.terminate();
  }

  private connect(): void {
    if (this.closed) return;
    const nodes = this.installation.of('egress');
    const node = nodes[Math.floor(Math.random() * nodes.length)];
    if (node === undefined) { setTimeout(() => { this.connect(); }, 500); return; }
    const socket = new WebSocket(`${node.url.replace('http', 'ws')}/v1/stream`, 'confab.v1', { handshakeTimeout: 3_000 });
    this.socket = socket;
    // A process that is stopped keeps its sockets open and says nothing: no ping for two rounds is a break.
    let heard = performance.now();
    const watch = setInterval(() => { if (performance.now() - heard > 60_000) socket.terminate(); }, 5_000);
    socket.on('ping', () => { heard = performance.now(); });
    socket.on('open', () => {
      for (const id of this.seen.keys()) {
        const after = this.after.get(id);
        socket.send(JSON.stringify({ type: 'subscribe', conversationId: id, ...(after === undefined ? {} : { after }) }));
      }
    });
    socket.on('message', (data: Buffer) => { heard = performance.now(); if (this.socket === socket) this.take(JSON.parse(data.toString()) as Frame); });
    socket.on('error', () => { /* the close follows */ });
    socket.on('close', () => {
      clearInterval(watch);
      this.breaks += 1;
      setTimeout(() => { this.connect(); }, 300);
    });
  }

  private take(frame: Frame): void {
    if (frame.type === 'ready') {
      if (frame.recovered === false) this.unrecovered += 1;
      if (!this.after.has(frame.conversationId) && frame.position !== undefined) this.after.set(frame.conversationId, frame.position);
      return;
    }
    if ((frame.type !== 'reply' && frame.type !== 'outcome') || frame.position === undefined) return;
    this.after.set(frame.conversationId, frame.position);
    this.seen.get(frame.conversationId)?.push(frame.inReplyTo ?? '');
  }
}
