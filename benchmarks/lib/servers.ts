/** The real servers that a benchmark needs: as the tests get them, or of the run's own (`--own`). */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES_FOLDER, TEST_VARIABLES, testServices } from '../../scripts/services/addresses.js';
import { BenchmarkError } from './benchmark.js';
import { startOwnServers, type OwnServers } from './own-servers.js';

type Name = 'kafka' | 'redis';

export interface Server {
  readonly address: string;
  /** Processes on this machine, where they are known: for their CPU time. */
  readonly pids: readonly number[];
}

let own: OwnServers | undefined;

/** From now on `needServers` gives servers that only this run knows. End them with `closeOwnServers`. */
export async function openOwnServers(): Promise<void> { own = await startOwnServers(); }

export async function closeOwnServers(): Promise<void> { await own?.close(); }

export async function needServers<N extends Name>(...names: N[]): Promise<Record<N, Server>> {
  const found = own?.addresses ?? { ...await testServices(), ...process.env };
  const missing = names.filter((name) => found[TEST_VARIABLES[name]] === undefined);
  if (missing.length > 0) throw new BenchmarkError(`this benchmark needs ${missing.join(' and ')}: npm run services -- up ${missing.join(' ')}, or --own`);
  const pidsOf = (name: Name, address: string): readonly number[] => own?.pids[name] ?? sharedPids(name, address);
  return Object.fromEntries(names.map((name) => {
    const address = found[TEST_VARIABLES[name]] ?? '';
    return [name, { address, pids: pidsOf(name, address) }];
  })) as unknown as Record<N, Server>;
}

function sharedPids(name: Name, address: string): number[] {
  const file = join(SERVICES_FOLDER, name, 'service.json');
  if (!existsSync(file)) return [];
  const entry = JSON.parse(readFileSync(file, 'utf8')) as { processes: { pid: number }[]; addresses: Record<string, string> };
  return entry.addresses[TEST_VARIABLES[name]] === address ? entry.processes.map((one) => one.pid) : [];
}
