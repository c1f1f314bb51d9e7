/** Redis as a process with an append-only file, and a proxy before it in each zone. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ensureProgram } from '../../services/packages.js';
import { askTcp } from '../../services/processes.js';
import { Proxy } from './proxy.js';
import { pause, Progress } from './wait.js';

const APPENDED = 'appendonlydir';
const DUMP = 'dump.rdb';

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => { resolve(port); });
    });
  });
}

export class Redis {
  private child: ChildProcess | undefined;

  private constructor(private readonly program: string, private readonly folder: string, private readonly port: number, readonly links: readonly Proxy[]) {}

  static async start(folder: string, zones: number, random: () => number): Promise<Redis> {
    const program = await ensureProgram('redis-server', ['redis-server']);
    mkdirSync(folder, { recursive: true });
    const port = await freePort();
    const links = await Promise.all(Array.from({ length: zones }, () => Proxy.open(port, random)));
    const redis = new Redis(program, folder, port, links);
    await redis.up();
    return redis;
  }

  url(zone: number): string { return `redis://127.0.0.1:${this.links[zone]?.port ?? 0}`; }

  /** Starts the process and waits until it has loaded its file. @param copy what it comes up with instead (`copy()`) */
  async up(copy?: string): Promise<void> {
    if (copy !== undefined) {
      rmSync(join(this.folder, APPENDED), { recursive: true, force: true });
      renameSync(copy, join(this.folder, DUMP));
    }
    // With an append-only file, a server does not look at a dump: it gets one only when the dump has been read.
    this.child = spawn(this.program, ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', copy === undefined ? 'yes' : 'no', '--dir', this.folder, '--maxmemory-policy', 'noeviction'], { stdio: 'ignore' });
    const progress = new Progress('Redis did not answer', 60_000);
    while (!(await askTcp(this.port, 'PING\r\n').catch(() => '')).startsWith('+PONG')) { progress.now(this.child.exitCode); await pause(50); }
    if (copy !== undefined) await this.ask('CONFIG SET appendonly yes');
  }

  /** A file with all that it has now. */
  async copy(): Promise<string> {
    await this.ask('SAVE');
    const file = join(this.folder, 'copy.rdb');
    renameSync(join(this.folder, DUMP), file);
    return file;
  }

  signal(name: NodeJS.Signals): void { this.child?.kill(name); }

  /** Ends it by the signal, and waits for its end. */
  async down(signal: NodeJS.Signals): Promise<void> {
    const { child } = this;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => { child.once('exit', resolve); });
    child.kill(signal);
    await gone;
  }

  async flush(): Promise<void> {
    await this.ask('FLUSHALL');
  }

  private async ask(command: string): Promise<void> {
    const answer = await askTcp(this.port, `${command}\r\n`, 10_000);
    if (!answer.startsWith('+OK')) throw new Error(`${command} was answered with ${answer}`);
  }

  async close(): Promise<void> {
    await this.down('SIGKILL');
    await Promise.all(this.links.map((link) => link.close()));
  }
}
