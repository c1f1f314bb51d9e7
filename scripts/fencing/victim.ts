/** The process that is stopped: `confab start --role dialogue`, with hook.ts loaded before it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { packageRoot } from '../../platform/package-root.js';
import { eventually } from '../../platform/testing.js';
import { nameOf, type Point } from './points.js';

export interface VictimOptions {
  readonly point: Point;
  readonly env: Readonly<Record<string, string>>;
}

interface Line { readonly stopped?: boolean; readonly flushed?: boolean; readonly trail?: string; readonly msg?: string; readonly instance?: string }

const root = packageRoot();

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => { resolve(port); });
    });
  });
}

export class Victim {
  readonly lines: Line[] = [];
  output = '';
  private ended: string | undefined;
  private rest = '';

  private constructor(private readonly child: ChildProcess) {
    const take = (chunk: Buffer): void => { this.take(chunk.toString()); };
    child.stdout?.on('data', take);
    child.stderr?.on('data', take);
    child.once('exit', (code, signal) => { this.ended = String(code ?? signal); });
  }

  static async start({ point, env }: VictimOptions): Promise<Victim> {
    const hook = join(root, 'scripts/fencing/hook.ts');
    const child = spawn(process.execPath, ['--import', 'tsx', '--import', hook, join(root, 'main.ts'), 'start', '--role', 'dialogue'], {
      cwd: root, stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH, HOME: process.env.HOME, CONFAB_LOG_LEVEL: 'info', CONFAB_HTTP_PORT: String(await freePort()), ...env, FENCING_POINT: nameOf(point) },
    });
    return new Victim(child);
  }

  /** Waits until it stands at its point; what it had sent last. */
  async stopped(millis: number): Promise<string> {
    await this.until('it stands at its point', () => this.lines.some((line) => line.stopped) && this.state === 'T', millis);
    const line = this.lines.find(({ stopped }) => stopped);
    if (line?.flushed !== true) throw new Error('the request had not gone out when the process stopped');
    return line.trail ?? '';
  }

  /** Names under which it took partitions over, in order. */
  get instances(): string[] { return this.lines.filter(({ msg }) => msg === 'partitions taken over').map(({ instance }) => instance ?? ''); }

  continue(): void { this.child.kill('SIGCONT'); }

  async until(what: string, condition: () => boolean, millis: number): Promise<void> {
    await eventually(what, () => {
      if (this.ended !== undefined) throw new Error(`the process ended with ${this.ended} before ${what}: ${this.output.slice(-2_000)}`);
      return condition();
    }, millis).catch((error: unknown) => { throw new Error(`${error instanceof Error ? error.message : String(error)}\n${this.output.slice(-2_000)}`); });
  }

  async end(): Promise<void> {
    if (this.ended !== undefined) return;
    const gone = new Promise((resolve) => { this.child.once('exit', resolve); });
    this.child.kill('SIGKILL');
    await gone;
  }

  /** T: stopped. */
  private get state(): string {
    try {
      return readFileSync(`/proc/${this.child.pid ?? 0}/stat`, 'utf8').replace(/^.*\) /s, '').slice(0, 1);
    } catch {
      return '';
    }
  }

  private take(text: string): void {
    this.output = (this.output + text).slice(-50_000);
    const lines = (this.rest + text).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) {
      try { this.lines.push(JSON.parse(line) as Line); } catch { /* no line of ours */ }
    }
  }
}
