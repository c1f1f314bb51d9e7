/** For tests only: the program as processes of its own on Kafka and Redis, nodes of egress one by one, and its audit. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { packageRoot } from '../../platform/package-root.js';
import { scratchFolder, serviceAddress } from '../../platform/testing.js';
import { Program } from '../testing.js';

interface Cleaner { after(run: () => Promise<void> | void): void }

export type Env = Record<string, string>;

/** Milliseconds that real servers are given: a bound, never a wait. */
export const PATIENCE = 180_000;

/** Topics and keys of its own on Kafka and on the Redis that `redis` names. */
export function installationSettings(t: Cleaner, redis: Env): Env {
  return { CONFAB_KAFKA_BROKERS: serviceAddress('kafka') ?? '', CONFAB_PREFIX: `t${randomBytes(4).toString('hex')}.`, CONFAB_PARTITIONS: '6', CONFAB_DATA_DIR: scratchFolder(t), ...redis };
}

/** `CONFAB_REDIS_CLUSTER_NODES` for the nodes of a cluster. */
export const clusterSettings = (nodes: readonly { readonly port: number }[]): Env => ({ CONFAB_REDIS_CLUSTER_NODES: nodes.map(({ port }) => `127.0.0.1:${port}`).join(',') });

export interface Installation {
  /** Ingress and the stages. */
  readonly back: Program;
  readonly egress: Program[];
  /** Starts the node at the place anew, on its former port. Resolves when it is ready. */
  readonly startEgress: (place: number) => Promise<void>;
}

/** Ingress and stages as one process, and nodes of egress that may be ended one by one. */
export async function install(t: Cleaner, env: Env): Promise<Installation> {
  const back = await Program.start(t, { env, args: ['start', '--role', 'ingress', '--role', 'intent', '--role', 'dialogue', '--role', 'analytics'] });
  await back.ready(PATIENCE);
  const egress: Program[] = [];
  const startEgress = async (place: number): Promise<void> => {
    const port: Env = egress[place] === undefined ? {} : { CONFAB_HTTP_PORT: new URL(egress[place].url).port };
    egress[place] = await Program.start(t, { env: { CONFAB_DRAIN_TIMEOUT: '3s', ...env, ...port }, args: ['start', '--role', 'egress'] });
    await egress[place].ready(PATIENCE);
  };
  await Promise.all([startEgress(0), startEgress(1)]);
  return { back, egress, startEgress };
}

/** `confab audit` finds nothing in all that is in the log; gives what it says. */
export async function auditSound(env: Readonly<Env>, patience = '60s'): Promise<string> {
  const child = spawn(process.execPath, ['--import', 'tsx', join(packageRoot(), 'main.ts'), 'audit', '--json', '--patience', patience], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, CONFAB_LOG_LEVEL: 'silent', ...env }, stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  child.stdout.on('data', (data: Buffer) => { out += data.toString(); });
  const [code] = await once(child, 'close') as [number];
  assert.equal(code, 0, out.slice(-3_000));
  return out;
}

/** The same, in as many messages as were accepted. */
export async function assertAuditSound(env: Env, accepted: number): Promise<void> {
  const out = await auditSound(env);
  const summary = JSON.parse(out.trim().split('\n').at(-1) ?? '{}') as Record<string, unknown>;
  assert.ok(JSON.stringify(summary).includes(String(accepted)), `${accepted} messages: ${out.slice(-1_000)}`);
}
