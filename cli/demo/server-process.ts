/** The pipeline as a process of its own, to be killed: its data folder and port stay the same over its lives. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import type { Clock } from '../../platform/clock.js';
import type { Environment } from '../../platform/config.js';
import { ConfabError } from '../../platform/errors.js';

export interface ServerProcessOptions {
  readonly folder: string;
  readonly clock: Clock;
  readonly env: Environment;
  readonly signal: AbortSignal;
  /** What Node is given; default: this program, `start`. */
  readonly command?: readonly string[];
}

/** Of the environment of the user only what a process needs to run: their settings are not the demo's. */
const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'NODE_OPTIONS', 'TZ'];
const READY_MILLIS = 30_000;

export class ServerProcess {
  private child: ChildProcess | undefined;
  private output = '';

  private constructor(private readonly options: ServerProcessOptions, private readonly port: number) {}

  static async create(options: ServerProcessOptions): Promise<ServerProcess> {
    return new ServerProcess(options, await freePort());
  }

  get url(): string { return `http://127.0.0.1:${this.port}`; }

  get pid(): number | undefined { return this.child?.pid; }

  /** The settings of this process, for whoever reads its log. */
  get env(): Record<string, string> {
    const passed = Object.fromEntries(PASSED_ON.flatMap((name) => { const value = this.options.env[name]; return value === undefined ? [] : [[name, value]]; })) as Record<string, string>;
    return { ...passed, CONFAB_DATA_DIR: this.options.folder, CONFAB_HTTP_PORT: String(this.port), CONFAB_LOG_LEVEL: 'warn', CONFAB_BOTS_RELOAD: 'false' };
  }

  /**
   * Starts it and waits until it is ready. Milliseconds that it took.
   * @throws CONFAB_SERVER_UNREACHABLE it ended, or did not get ready, with what it said
   */
  async start(): Promise<number> {
    const { clock, signal } = this.options;
    const begun = clock.monotonic();
    this.output = '';
    const child = spawn(process.execPath, this.options.command ?? [...process.execArgv, process.argv[1] ?? '', 'start'], { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    const take = (chunk: Buffer): void => { this.output = (this.output + chunk.toString()).slice(-2000); };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    let ended = false;
    child.once('error', () => { ended = true; }).once('exit', () => { ended = true; });
    while (!await this.isReady()) {
      if (ended || clock.monotonic() - begun > READY_MILLIS) throw new ConfabError('CONFAB_SERVER_UNREACHABLE', { detail: `The pipeline did not start: ${this.output.trim() || 'it said nothing'}` });
      await clock.sleep(20, signal);
    }
    return clock.monotonic() - begun;
  }

  /** kill -9: it gets no chance to put anything in order. */
  async kill(): Promise<void> { await this.end('SIGKILL'); }

  async stop(): Promise<void> { await this.end('SIGTERM'); }

  /** At once and without waiting: for when this process itself ends. */
  abandon(): void { this.child?.kill('SIGKILL'); }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise<void>((resolve) => { child.once('exit', () => { resolve(); }); });
    child.kill(signal);
    await exited;
  }

  private async isReady(): Promise<boolean> {
    return fetch(`${this.url}/health/ready`).then((answer) => answer.ok, () => false);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => { resolve(port); });
    });
  });
}
