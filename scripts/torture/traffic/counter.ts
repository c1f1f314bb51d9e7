/**
 * The server that the bot "clerk" calls. What comes under an idempotency key is done once and answered alike for good; what has
 * none is told a new number. It is slow, fails and hangs up now and then, before the effect or after it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Draw } from '../draw.js';
import type { Books } from '../judge/effects.js';

const FAILS = 0.05;
const MOST_MILLIS = 800;

export class Counter implements Books {
  readonly effects = new Map<string, { readonly number: number; readonly asked: string; times: number }>();
  readonly reads = new Set<number>();
  readonly contradictions: string[] = [];
  private last = 0;
  private readonly server: Server;

  private constructor(private readonly random: Draw) {
    this.server = createServer((request, response) => { void this.serve(request, response); });
  }

  static async open(random: Draw): Promise<Counter> {
    const counter = new Counter(random);
    await new Promise<void>((resolve, reject) => { counter.server.once('error', reject).listen(0, '127.0.0.1', resolve); });
    return counter;
  }

  get origin(): string { return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`; }

  /** Effects that were asked for again: by another process, or because the answer was lost. */
  get repeated(): number { return [...this.effects.values()].filter(({ times }) => times > 1).length; }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      let body = '';
      for await (const bytes of request) body += String(bytes);
      await this.pause();
      if (this.fails(response)) return;
      const number = this.enter(request.headers['idempotency-key'], `${request.method ?? ''} ${request.url ?? ''} ${body}`);
      await this.pause();
      if (this.fails(response)) return;
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ number }));
    } catch { /* the caller has gone */ }
  }

  private enter(key: string | string[] | undefined, asked: string): number {
    if (typeof key !== 'string') { this.reads.add(this.last += 1); return this.last; }
    const known = this.effects.get(key);
    if (known === undefined) { this.effects.set(key, { number: this.last += 1, asked, times: 1 }); return this.last; }
    if (known.asked !== asked) this.contradictions.push(`the key ${key} asked for "${asked}" and before for "${known.asked}"`);
    known.times += 1;
    return known.number;
  }

  private pause(): Promise<void> { return new Promise((resolve) => { setTimeout(resolve, this.random() ** 3 * MOST_MILLIS); }); }

  private fails(response: ServerResponse): boolean {
    const draw = this.random();
    if (draw < FAILS) response.writeHead(503).end();
    else if (draw < FAILS * 1.5) response.destroy();
    return draw < FAILS * 1.5;
  }
}
