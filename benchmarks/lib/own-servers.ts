/** Kafka and Redis of a run's own: fresh, and nothing that others do with the shared ones is measured. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { kafka } from '../../scripts/services/kafka.js';
import { end, isRunning } from '../../scripts/services/processes.js';
import { redis } from '../../scripts/services/redis.js';
import type { Started, StartedProcess } from '../../scripts/services/service.js';
import { BenchmarkError, progress } from './benchmark.js';

export interface OwnServers {
  /** As the tests name them. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly pids: { readonly kafka: readonly number[]; readonly redis: readonly number[] };
  close(): Promise<void>;
}

export async function startOwnServers(): Promise<OwnServers> {
  progress('starting Kafka and Redis for this run');
  const folder = mkdtempSync(join(tmpdir(), 'confab-bench-servers-'));
  const processes: StartedProcess[] = [];
  const endAll = (): void => { for (const { pid } of processes) try { process.kill(pid, 'SIGKILL'); } catch { /* it is gone */ } };
  // Servers outlive the process that starts them: not these.
  process.once('exit', endAll);
  const start = async (service: typeof kafka, name: string): Promise<Started> => {
    await service.install();
    const started = await service.start(join(folder, name), { fresh: true, brokers: 1 });
    processes.push(...started.processes);
    // Another run may have taken the port in between: then it is its server that answered.
    if (!started.processes.every(isRunning)) throw new BenchmarkError(`${service.name} ended as soon as it had started: ${started.about} belongs to another run; try again`);
    return started;
  };
  const close = async (): Promise<void> => {
    await Promise.all(processes.map((one) => end(one)));
    process.off('exit', endAll);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const broker = await start(kafka, 'kafka');
    const store = await start(redis, 'redis');
    const pids = ({ processes: started }: Started): number[] => started.map(({ pid }) => pid);
    return { addresses: { ...broker.addresses, ...store.addresses }, pids: { kafka: pids(broker), redis: pids(store) }, close };
  } catch (error) {
    await close();
    throw error;
  }
}
