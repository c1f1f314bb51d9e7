/** The real servers that a benchmark needs: as the tests get them. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { SERVICES_FOLDER, TEST_VARIABLES, testServices } from '../../scripts/services/addresses.js';
import { BenchmarkError } from './benchmark.js';

type Name = 'kafka' | 'redis';

export interface Server {
  readonly address: string;
  /** Processes on this machine, where they are known: for their CPU time. */
  readonly pids: readonly number[];
}

export async function needServers<N extends Name>(...names: N[]): Promise<Record<N, Server>> {
  const found = { ...await testServices(), ...process.env };
  const missing = names.filter((name) => found[TEST_VARIABLES[name]] === undefined);
  if (missing.length > 0) throw new BenchmarkError(`this benchmark needs ${missing.join(' and ')}: npm run services -- up ${missing.join(' ')}`);
  return Object.fromEntries(names.map((name) => [name, { address: found[TEST_VARIABLES[name]] ?? '', pids: ownPids(name, found[TEST_VARIABLES[name]] ?? '') }])) as unknown as Record<N, Server>;
}

function ownPids(name: Name, address: string): number[] {
  const file = join(SERVICES_FOLDER, name, 'service.json');
  if (!existsSync(file)) return [];
  const entry = JSON.parse(readFileSync(file, 'utf8')) as { processes: { pid: number }[]; addresses: Record<string, string> };
  return entry.addresses[TEST_VARIABLES[name]] === address ? entry.processes.map((one) => one.pid) : [];
}
