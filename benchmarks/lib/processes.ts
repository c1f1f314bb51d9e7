/** Starts processes for a benchmark and ends them with it, whatever happens. */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { BenchmarkError, progress } from './benchmark.js';
import { built } from './build.js';
import { newProfile, profileArguments } from './profile.js';

export const pause = (millis: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, millis); });

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => { resolve(port); });
    });
  });
}

export interface Running {
  readonly name: string;
  readonly pid: number;
  readonly child: ChildProcess;
  /** Base URL, for processes of the program. */
  readonly url: string;
  /** Its CPU profile, once it has ended. */
  readonly profile: string | undefined;
  /** From its start until it was ready; 0 where nobody waited. */
  readyMillis: number;
}

/** Settings of this shell would change what is measured: only what the benchmark sets reaches the program. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('CONFAB_') && !name.startsWith('OTEL_') && name !== 'NODE_OPTIONS'));
}

export class Processes {
  private readonly running: Running[] = [];
  private readonly folders: string[] = [];

  constructor() {
    process.once('exit', () => { for (const { child } of this.running) child.kill('SIGKILL'); });
  }

  /** Starts a built file, with a channel for messages. */
  start(name: string, file: string, args: readonly string[], env: NodeJS.ProcessEnv, url = ''): Running {
    // Both outputs of a child go to our error output: the JSON line must stay the last one of ours.
    const profile = newProfile(name);
    const child = fork(built(file), args, { env: { ...cleanEnvironment(), ...env }, execArgv: profileArguments(profile), stdio: ['ignore', 2, 2, 'ipc'], serialization: 'advanced' });
    const running = { name, pid: child.pid ?? 0, child, url, profile, readyMillis: 0 };
    this.running.push(running);
    return running;
  }

  /** Starts `confab start` with these settings and waits until it is ready. */
  async startConfab(name: string, args: readonly string[], settings: NodeJS.ProcessEnv): Promise<Running> {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const running = this.start(name, 'main.js', ['start', ...args], { CONFAB_LOG_LEVEL: 'warn', ...settings, CONFAB_HTTP_PORT: String(port) }, url);
    const began = performance.now();
    await untilReady(running);
    running.readyMillis = performance.now() - began;
    return running;
  }

  /** Starts another program and waits for a line of its output; what else it says goes to our error output. */
  async startProgram(name: string, command: string, args: readonly string[], env: NodeJS.ProcessEnv, readyLine: string): Promise<Running> {
    const child = spawn(command, args, { env: { ...cleanEnvironment(), ...env }, stdio: ['ignore', 'pipe', 2] });
    const running = { name, pid: child.pid ?? 0, child, url: '', profile: undefined, readyMillis: 0 };
    this.running.push(running);
    const began = performance.now();
    await new Promise<void>((resolve, reject) => {
      child.once('error', (error) => { reject(new BenchmarkError(`${name} could not be started: ${error.message}`)); });
      child.once('exit', (code) => { reject(new BenchmarkError(`${name} ended with ${code} before it was ready`)); });
      if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', (line) => { if (line === readyLine) resolve(); else progress(`${name}: ${line}`); });
    });
    running.readyMillis = performance.now() - began;
    return running;
  }

  scratchFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'confab-bench-'));
    this.folders.push(folder);
    return folder;
  }

  async stop(...which: Running[]): Promise<void> {
    await Promise.all(which.map(({ child }) => new Promise<void>((resolve) => {
      if (child.exitCode !== null || child.signalCode !== null) { resolve(); return; }
      const hard = setTimeout(() => { child.kill('SIGKILL'); }, 15_000);
      child.once('exit', () => { clearTimeout(hard); resolve(); });
      child.kill('SIGTERM');
    })));
  }

  async stopAll(): Promise<void> {
    await this.stop(...this.running);
    for (const folder of this.folders) rmSync(folder, { recursive: true, force: true });
  }
}

async function untilReady(running: Running, millis = 60_000): Promise<void> {
  const patience = performance.now() + millis;
  for (;;) {
    if (running.child.exitCode !== null) throw new BenchmarkError(`${running.name} ended with ${running.child.exitCode} before it was ready`);
    const ready = await fetch(`${running.url}/health/ready`).then((answer) => answer.ok, () => false);
    if (ready) return;
    if (performance.now() > patience) throw new BenchmarkError(`${running.name} was not ready within ${millis / 1000} s`);
    await pause(50);
  }
}

/** The next message of a kind from a process; fails when the process ends first. */
export function nextMessage<T extends { readonly type: string }>(running: Running, type: T['type']): Promise<T> {
  return new Promise((resolve, reject) => {
    const { child } = running;
    const onMessage = (message: unknown): void => {
      if ((message as { type?: string }).type !== type) return;
      child.off('message', onMessage);
      child.off('exit', onExit);
      resolve(message as T);
    };
    const onExit = (code: number | null): void => { reject(new BenchmarkError(`${running.name} ended with ${code} before "${type}"`)); };
    child.on('message', onMessage);
    child.once('exit', onExit);
  });
}
