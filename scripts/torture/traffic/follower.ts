/** A client that follows conversations, comes back after each break where it stood, and keeps what it was told. */
import { WebSocket } from 'ws';
import type { Installation } from '../installation/installation.js';

interface Frame { readonly type: string; readonly conversationId: string; readonly position?: string; readonly inReplyTo?: string | null; readonly recovered?: boolean; readonly code?: string; readonly outcome?: string }

export interface Outcome { readonly position: string; readonly inReplyTo: string }

export interface FollowerOptions {
  readonly name: string;
  readonly installation: Installation;
  readonly random: () => number;
  /** Conversation → where to begin; undefined is from now on. */
  readonly from: ReadonlyMap<string, string | undefined>;
  /** It breaks its connection itself after about so long. */
  readonly hopMillis?: number;
  readonly onOutcome?: (outcome: Outcome) => void;
}

/** Pings come every 25 s: without anything for so long the other side is gone, or stopped. */
const SILENCE = 40_000;

export class Follower {
  /** What came, in the order in which it came. */
  readonly seen = new Map<string, Outcome[]>();
  breaks = 0;
  /** Conversations of which it was told that outcomes can no longer be had. */
  readonly unrecovered = new Set<string>();
  private readonly after = new Map<string, string>();
  private readonly ready = new Set<string>();
  private socket: WebSocket | undefined;
  private closed = false;

  constructor(private readonly options: FollowerOptions) {
    for (const [id, from] of options.from) {
      this.seen.set(id, []);
      if (from !== undefined) this.after.set(id, from);
    }
    this.connect();
  }

  get name(): string { return this.options.name; }
  /** Every conversation was answered with `ready` once: from there on nothing may be missing. */
  get isReady(): boolean { return this.ready.size === this.seen.size; }
  get total(): number { let sum = 0; for (const list of this.seen.values()) sum += list.length; return sum; }

  close(): void {
    this.closed = true;
    this.socket?.terminate();
  }

  private connect(): void {
    if (this.closed) return;
    const { installation, random, hopMillis } = this.options;
    const nodes = installation.doors('egress');
    const node = nodes[Math.floor(random() * nodes.length)];
    if (node === undefined) { setTimeout(() => { this.connect(); }, 300); return; }
    const socket = new WebSocket(`${node.url.replace('http', 'ws')}/v1/stream`, 'confab.v1', { handshakeTimeout: 5_000 });
    this.socket = socket;
    let heard = performance.now();
    const watch = setInterval(() => { if (performance.now() - heard > SILENCE) this.drop(socket); }, 1_000);
    const hop = hopMillis === undefined ? undefined : setTimeout(() => { this.drop(socket); }, hopMillis * (0.5 + random()));
    socket.on('ping', () => { heard = performance.now(); });
    socket.on('open', () => {
      for (const id of this.seen.keys()) this.subscribe(socket, id);
    });
    socket.on('message', (data: Buffer) => {
      heard = performance.now();
      if (this.socket === socket) this.take(JSON.parse(data.toString()) as Frame, socket);
    });
    socket.on('error', () => { /* the close follows */ });
    socket.on('close', () => {
      clearInterval(watch);
      clearTimeout(hop);
      this.breaks += 1;
      setTimeout(() => { this.connect(); }, 100 + random() * 400);
    });
  }

  /** Nothing of it is taken any more, also not what is on its way. */
  private drop(socket: WebSocket): void {
    if (this.socket === socket) this.socket = undefined;
    socket.terminate();
  }

  private subscribe(socket: WebSocket, conversationId: string): void {
    const after = this.after.get(conversationId);
    socket.send(JSON.stringify({ type: 'subscribe', conversationId, ...(after === undefined ? {} : { after }) }));
  }

  private take(frame: Frame, socket: WebSocket): void {
    const { conversationId: id, position } = frame;
    // A subscription failed: come back with all of them.
    if (frame.type === 'error') { this.drop(socket); return; }
    if (frame.type === 'ready') {
      this.ready.add(id);
      if (frame.recovered === false) this.unrecovered.add(id);
      if (!this.after.has(id) && position !== undefined) this.after.set(id, position);
      return;
    }
    if ((frame.type !== 'reply' && frame.type !== 'outcome') || position === undefined) return;
    this.after.set(id, position);
    const outcome = { position, inReplyTo: frame.inReplyTo ?? '' };
    this.seen.get(id)?.push(outcome);
    this.options.onOutcome?.(outcome);
  }
}
