/** For tests only: the program as a process of its own, and a client of a few lines. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import WebSocket from 'ws';
import { packageRoot } from '../platform/package-root.js';

export interface ProgramOptions {
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

export interface Exit { readonly code: number | null; readonly signal: NodeJS.Signals | null }

/** A running `confab`. */
export class Program {
  output = '';
  readonly exited: Promise<Exit>;

  private constructor(private readonly child: ChildProcess, readonly url: string) {
    const take = (chunk: Buffer): void => { this.output = (this.output + chunk.toString()).slice(-200_000); };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    this.exited = new Promise((resolve) => { child.once('exit', (code, signal) => { resolve({ code, signal }); }); });
  }

  /** Starts it; it ends with the test at the latest. */
  static async start(t: { after(run: () => Promise<void> | void): void }, options: ProgramOptions): Promise<Program> {
    const port = Number(options.env.CONFAB_HTTP_PORT ?? await freePort());
    const child = spawn(process.execPath, ['--import', 'tsx', join(packageRoot(), 'main.ts'), ...(options.args ?? ['start'])], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, CONFAB_LOG_LEVEL: 'warn', ...options.env, CONFAB_HTTP_PORT: String(port) }, stdio: ['ignore', 'pipe', 'pipe'],
    });
    const program = new Program(child, `http://127.0.0.1:${port}`);
    t.after(async () => { if (child.exitCode === null && child.signalCode === null) { child.kill('SIGKILL'); await program.exited; } });
    return program;
  }

  /** Waits until /health/ready answers 200. Fails when the process ends before. */
  async ready(millis = 60_000): Promise<this> {
    let ended: Exit | undefined;
    void this.exited.then((exit) => { ended = exit; });
    const end = performance.now() + millis;
    while (performance.now() < end) {
      if (ended !== undefined) throw new Error(`ended with ${ended.code ?? ended.signal}: ${this.output}`);
      if (await fetch(`${this.url}/health/ready`).then((answer) => answer.status === 200, () => false)) return this;
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
    throw new Error(`not ready within ${millis} ms: ${this.output}`);
  }

  kill(signal: NodeJS.Signals): Promise<Exit> {
    this.child.kill(signal);
    return this.exited;
  }

  get pid(): number { return this.child.pid ?? 0; }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

export interface Accepted { readonly messageId: string; readonly position: string; readonly duplicate: boolean }

/** Sends one text and gives status and body. */
export async function post(url: string, conversation: string, text: string, key?: string): Promise<{ status: number; body: Accepted & { code?: string } }> {
  const answer = await fetch(`${url}/v1/conversations/${conversation}/messages`, {
    method: 'POST', body: JSON.stringify({ text }),
    headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { 'idempotency-key': key }) },
  });
  return { status: answer.status, body: await answer.json() as Accepted & { code?: string } };
}

/** Ids of the messages that have an outcome, in the order of the history, which is read to its end. */
export async function outcomes(url: string, conversation: string): Promise<string[]> {
  const found: string[] = [];
  for (let after = ''; ;) {
    const page = await (await fetch(`${url}/v1/conversations/${conversation}/events?limit=500${after}`)).json() as { events: { type: string; inReplyTo?: string }[]; next: string | null };
    found.push(...page.events.filter(({ type }) => type === 'reply' || type === 'outcome').map((event) => event.inReplyTo ?? ''));
    if (page.next === null || page.events.length === 0) return found;
    after = `&after=${page.next}`;
  }
}

export interface Frame { readonly type: string; readonly position?: string; readonly inReplyTo?: string | null; readonly text?: string; readonly recovered?: boolean }

/** Follows one conversation; `frames` grows. */
export async function follow(url: string, conversation: string, after?: string): Promise<{ frames: Frame[]; close(): void }> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/conversations/${conversation}/stream${after === undefined ? '' : `?after=${after}`}`, ['confab.v1']);
  const frames: Frame[] = [];
  socket.on('message', (data: Buffer) => { frames.push(JSON.parse(data.toString()) as Frame); });
  socket.on('error', () => { /* the test looks at the frames */ });
  await once(socket, 'open');
  return { frames, close: () => { socket.terminate(); } };
}
