/** A process of the program: one role, in one zone. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { pause } from './wait.js';

export const ROLES = ['ingress', 'intent', 'dialogue', 'timers', 'analytics', 'egress'] as const;
export type Role = (typeof ROLES)[number];
export type Exit = number | NodeJS.Signals;

export interface NodeOptions {
  readonly name: string;
  readonly role: Role;
  readonly zone: number;
  readonly port: number;
  readonly program: string;
  readonly log: string;
  readonly env: Readonly<Record<string, string>>;
}

export class Node {
  /** A fault has it in hand: others leave it alone. */
  held = false;
  /** It has been ready once; only then clients are sent to it. */
  wasReady = false;
  readonly url: string;
  readonly exited: Promise<Exit>;
  private exit: Exit | undefined;
  private told = false;
  private readonly child: ChildProcess;

  constructor(private readonly options: NodeOptions) {
    this.url = `http://127.0.0.1:${options.port}`;
    const output = openSync(options.log, 'w');
    this.child = spawn(process.execPath, [options.program, 'start', '--role', options.role], {
      stdio: ['ignore', output, output], env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env, CONFAB_HTTP_PORT: String(options.port) },
    });
    closeSync(output);
    this.exited = new Promise((resolve) => {
      this.child.once('error', () => { this.exit = 'SIGKILL'; resolve(this.exit); });
      this.child.once('exit', (code, signal) => { this.exit = code ?? signal ?? 'SIGKILL'; resolve(this.exit); });
    });
  }

  get name(): string { return this.options.name; }
  get log(): string { return this.options.log; }
  get role(): Role { return this.options.role; }
  get zone(): number { return this.options.zone; }
  get alive(): boolean { return this.exit === undefined; }

  /** It ended though nobody asked it to; how. */
  get diedOf(): Exit | undefined { return this.told ? undefined : this.exit; }

  signal(name: NodeJS.Signals): void {
    if (name === 'SIGTERM' || name === 'SIGKILL') this.told = true;
    this.child.kill(name);
  }

  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.exited;
  }

  /** Ends it in order; one that does not end is killed, which the exit tells. */
  async stop(millis = 60_000): Promise<Exit> {
    this.signal('SIGTERM');
    const late = setTimeout(() => { this.signal('SIGKILL'); }, millis);
    const exit = await this.exited;
    clearTimeout(late);
    return exit;
  }

  async isReady(): Promise<boolean> {
    const answer = await fetch(`${this.url}/health/ready`, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.status === 200) this.wasReady = true;
    return answer?.status === 200;
  }

  /** Resolves with true once it is ready, with false after so long; it may become ready later. */
  async ready(millis: number, signal?: AbortSignal): Promise<boolean> {
    for (const end = performance.now() + millis; performance.now() < end && this.alive && signal?.aborted !== true; await pause(100)) if (await this.isReady()) return true;
    return false;
  }
}
