/** Starts detached server processes, waits until they answer, and ends exactly those that were started here. */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { ServiceError, type StartedProcess } from './service.js';

export const pause = (millis: number): Promise<void> => new Promise((resolve) => { setTimeout(resolve, millis); });

/** The kernel's start time of a process, '' where it cannot be known (no /proc), undefined when there is no such process. */
function startTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    if (process.platform === 'linux') return undefined;
    try { process.kill(pid, 0); return ''; } catch { return undefined; }
  }
}

/** True while it is the very process that was started, not another one with its number. */
export function isRunning(started: StartedProcess): boolean {
  return startTime(started.pid) === started.startedAt;
}

export interface LaunchOptions {
  readonly name: string;
  readonly folder: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program that outlives this one; its output goes to `<folder>/<name>.log`. */
export async function launch(command: string, args: readonly string[], options: LaunchOptions): Promise<StartedProcess> {
  const log = join(options.folder, `${options.name}.log`);
  mkdirSync(dirname(log), { recursive: true });
  const output = openSync(log, 'a');
  const child = spawn(command, args, { cwd: options.folder, detached: true, stdio: ['ignore', output, output], env: { ...process.env, ...options.env } });
  closeSync(output);
  const pid = await new Promise<number>((resolve, reject) => {
    child.once('error', (error) => { reject(new ServiceError(`${command} could not be started: ${error.message}`)); });
    child.once('spawn', () => { resolve(child.pid ?? 0); });
  });
  child.unref();
  return { name: options.name, pid, startedAt: startTime(pid) ?? '', log };
}

/** Ends a process: SIGTERM, then SIGKILL after the time given. Nothing happens when it is gone or is another one by now. */
export async function end(started: StartedProcess, graceMillis = 15_000): Promise<void> {
  if (!isRunning(started)) return;
  process.kill(started.pid, 'SIGTERM');
  const patience = performance.now() + graceMillis;
  while (isRunning(started)) {
    if (performance.now() > patience) { process.kill(started.pid, 'SIGKILL'); await pause(100); return; }
    await pause(50);
  }
}

function lastLines(file: string, count: number): string {
  try { return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-count).join('\n'); } catch { return ''; }
}

/** Waits until `answers` is true. Fails with the end of the log when a process dies before, or the time is over. */
export async function waitReady(processes: readonly StartedProcess[], answers: () => Promise<boolean>, millis: number): Promise<void> {
  const patience = performance.now() + millis;
  for (;;) {
    if (await answers().catch(() => false)) return;
    const dead = processes.find((one) => !isRunning(one));
    if (dead) throw new ServiceError(`${dead.name} ended before it was ready; the end of ${dead.log}:\n${lastLines(dead.log, 25)}`);
    if (performance.now() > patience) {
      const logs = processes.map((one) => `${one.log}:\n${lastLines(one.log, 15)}`).join('\n');
      throw new ServiceError(`${processes.map((one) => one.name).join(', ')} not ready within ${millis / 1000} s; the end of ${logs}`);
    }
    await pause(100);
  }
}

/** Runs the starts, then waits; when one of them or the wait fails, ends what was started so far. */
export async function startAll(starts: readonly (() => Promise<StartedProcess>)[], ready: (processes: readonly StartedProcess[]) => Promise<void>): Promise<StartedProcess[]> {
  const processes: StartedProcess[] = [];
  try {
    for (const start of starts) processes.push(await start());
    await ready(processes);
    return processes;
  } catch (error) {
    await Promise.all(processes.map((one) => end(one)));
    throw error;
  }
}

/** Asks a TCP server one line and gives its first answer. */
export function askTcp(port: number, line: string, millis = 1000): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port }, () => { socket.write(line); });
    socket.setTimeout(millis, () => { socket.destroy(new Error('no answer')); });
    socket.once('data', (data) => { resolve(data.toString()); socket.destroy(); });
    socket.once('error', reject);
  });
}
