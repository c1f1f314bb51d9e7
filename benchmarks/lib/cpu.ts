/** CPU time and memory of other processes, from /proc (Linux; elsewhere they are unknown). */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

let ticks: number | undefined;

function ticksPerSecond(): number {
  if (ticks !== undefined) return ticks;
  try { ticks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })); } catch { ticks = 100; }
  return ticks;
}

/** User and system time of the processes so far, microseconds; NaN when one is not known. */
export function cpuMicros(pids: readonly number[]): number {
  if (pids.length === 0) return Number.NaN;
  return pids.reduce((sum, pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return sum + (Number(fields[11]) + Number(fields[12])) * 1e6 / ticksPerSecond();
    } catch { return Number.NaN; }
  }, 0);
}

/** Resident memory of a process, MiB; NaN when it is not known. */
export const residentMiB = (pid: number): number => memoryMiB(pid, 'VmRSS');

/** Of it, what belongs to the process alone: heap and buffers, without the pages of files that it has mapped (code, the embedded log). */
export const anonymousMiB = (pid: number): number => memoryMiB(pid, 'RssAnon');

/** The most that was ever resident, MiB. */
export const peakMiB = (pid: number): number => memoryMiB(pid, 'VmHWM');

/** Looks now and then at what a process has resident; says the most that it saw, MiB, when it is stopped. */
export function watchResident(pid: number): () => number {
  let most = residentMiB(pid);
  const timer = setInterval(() => { most = Math.max(most, residentMiB(pid)); }, 100);
  return () => { clearInterval(timer); return Math.max(most, residentMiB(pid)); };
}

function memoryMiB(pid: number, field: string): number {
  try { return Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024; } catch { return Number.NaN; }
}

/** Measures the CPU time of named groups of processes between two moments. */
export class CpuMeter {
  private begin: Record<string, number> = {};

  constructor(private readonly groups: Readonly<Record<string, readonly number[]>>) {}

  start(): void {
    this.begin = this.read();
  }

  /** Microseconds a unit of work, by group; groups that are not known are left out. */
  perUnit(units: number): Record<string, number> {
    const now = this.read();
    return Object.fromEntries(Object.keys(this.groups)
      .map((name) => [name, Number((((now[name] ?? Number.NaN) - (this.begin[name] ?? Number.NaN)) / units).toFixed(1))] as const)
      .filter(([, value]) => Number.isFinite(value)));
  }

  private read(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.groups).map(([name, pids]) => [name, cpuMicros(pids)]));
  }
}
