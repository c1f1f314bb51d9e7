/**
 * A TCP proxy that stands between a process and a server and does to their connections what networks do: delays, resets,
 * and silence in one direction or both. Bytes are never changed or lost inside a connection that lives on, as with TCP.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';

export type Direction = 'to-server' | 'to-client';

/** Bytes that one direction keeps back before it stops to read: what a silent network would let a sender write. */
const MOST_HELD = 1024 * 1024;

interface Chunk { readonly bytes: Buffer; readonly due: number }

/** What the pipes of a proxy ask of it. */
interface Rules {
  delay(): number;
  silent(direction: Direction): boolean;
}

/** One direction of one connection. */
class Pipe {
  private readonly queue: Chunk[] = [];
  private held = 0;
  private due = 0;
  private timer: NodeJS.Timeout | undefined;
  private ending: 'open' | 'end' | 'gone' = 'open';

  constructor(private readonly from: Socket, private readonly to: Socket, private readonly direction: Direction, private readonly rules: Rules) {
    from.on('data', (bytes: Buffer) => { this.take(bytes); });
    from.on('end', () => { if (this.ending === 'open') this.ending = 'end'; this.pump(); });
    from.on('error', () => { /* the close follows */ });
    from.on('close', () => { this.ending = 'gone'; this.pump(); });
    to.on('drain', () => { this.pump(); });
  }

  private take(bytes: Buffer): void {
    // What came later never overtakes.
    this.due = Math.max(this.due, performance.now() + this.rules.delay());
    this.queue.push({ bytes, due: this.due });
    this.held += bytes.length;
    if (this.held > MOST_HELD) this.from.pause();
    this.pump();
  }

  /** Hands on what is due. Also called when a rule has changed. */
  pump(): void {
    clearTimeout(this.timer);
    if (this.rules.silent(this.direction) || this.to.destroyed) return;
    while (this.queue.length > 0 && !this.to.writableNeedDrain) {
      const wait = (this.queue[0]?.due ?? 0) - performance.now();
      if (wait > 0) { this.timer = setTimeout(() => { this.pump(); }, wait); return; }
      const { bytes } = this.queue.shift() as Chunk;
      this.held -= bytes.length;
      this.to.write(bytes);
    }
    if (this.from.isPaused() && this.held <= MOST_HELD / 2) this.from.resume();
    if (this.queue.length > 0) return;
    if (this.ending === 'end') this.to.end();
    // The other side had closed both of its directions, or was reset.
    if (this.ending === 'gone' && !this.to.destroyed) { if (this.from.errored) this.to.resetAndDestroy(); else this.to.destroySoon(); }
  }

  stop(): void { clearTimeout(this.timer); }
}

interface Pair { readonly client: Socket; readonly server: Socket; readonly pipes: readonly [Pipe, Pipe] }

/** Forwards every connection to `127.0.0.1:target`. */
export class Proxy implements Rules {
  private readonly pairs = new Set<Pair>();
  private readonly silence = new Set<Direction>();
  /** Came while no byte went to the server: it learns of them when it can be reached again. */
  private readonly waiting = new Set<Socket>();
  private delays: { least: number; most: number } | undefined;

  private constructor(readonly target: number, private readonly listener: Server, private readonly random: () => number) {
    listener.on('connection', (client) => { this.accept(client); });
  }

  /** Listens on a free port of 127.0.0.1. `random` draws the delays. */
  static async open(target: number, random: () => number = Math.random): Promise<Proxy> {
    const listener = createServer({ allowHalfOpen: true, noDelay: true });
    await new Promise<void>((resolve, reject) => { listener.once('error', reject).listen(0, '127.0.0.1', () => { resolve(); }); });
    return new Proxy(target, listener, random);
  }

  get port(): number { return (this.listener.address() as { port: number }).port; }
  get connections(): number { return this.pairs.size; }

  /** Every byte takes so long, each way, until `heal`. */
  slow(least: number, most: number): void { this.delays = { least, most }; }

  /** Nothing goes through in these directions, and nobody is told; both when none is named. New connections hang too. */
  hole(...directions: readonly Direction[]): void {
    for (const direction of directions.length > 0 ? directions : ['to-server', 'to-client'] as const) this.silence.add(direction);
  }

  /** Resets (RST) the connections that are open; a share of them when it is given. */
  cut(share = 1): number {
    let count = 0;
    for (const pair of [...this.pairs]) if (share >= 1 || this.random() < share) { this.reset(pair); count += 1; }
    for (const client of [...this.waiting]) { client.resetAndDestroy(); this.waiting.delete(client); }
    return count;
  }

  /** Ends every rule. What was held back arrives now. */
  heal(): void {
    this.delays = undefined;
    this.silence.clear();
    for (const client of this.waiting) this.join(client);
    this.waiting.clear();
    for (const { pipes } of this.pairs) for (const pipe of pipes) pipe.pump();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => { this.listener.close(() => { resolve(); }); });
  }

  delay(): number { return this.delays === undefined ? 0 : this.delays.least + this.random() * (this.delays.most - this.delays.least); }
  silent(direction: Direction): boolean { return this.silence.has(direction); }

  private accept(client: Socket): void {
    client.on('error', () => { this.waiting.delete(client); });
    client.on('close', () => { this.waiting.delete(client); });
    if (this.silent('to-server')) this.waiting.add(client);
    else this.join(client);
  }

  private join(client: Socket): void {
    if (client.destroyed) return;
    const server = connect({ host: '127.0.0.1', port: this.target, allowHalfOpen: true, noDelay: true });
    const pair: Pair = { client, server, pipes: [new Pipe(client, server, 'to-server', this), new Pipe(server, client, 'to-client', this)] };
    this.pairs.add(pair);
    for (const socket of [client, server]) socket.on('close', () => { if (client.destroyed && server.destroyed) this.forget(pair); });
  }

  private reset(pair: Pair): void {
    this.forget(pair);
    pair.client.resetAndDestroy();
    pair.server.resetAndDestroy();
  }

  private forget(pair: Pair): void {
    this.pairs.delete(pair);
    for (const pipe of pair.pipes) pipe.stop();
  }
}
