/** For tests: a Kafka cluster of one's own, whose brokers may be stopped, killed and started again on the same ports. */
import { addressesOf, installKafka, layOut, startNode, waitCluster, zonePort, type Cluster } from './kafka-cluster.js';
import { ensureJava } from './packages.js';
import { end, isRunning } from './processes.js';
import type { StartedProcess } from './service.js';

export interface OwnKafka {
  readonly brokers: readonly string[];
  /** Ends a broker (numbered from 1) in order. */
  stop(node?: number): Promise<void>;
  /** kill -9. */
  kill(node?: number): Promise<void>;
  /** Starts a broker again and waits until all that were started are registered. */
  start(node?: number): Promise<void>;
  /** SIGSTOP, SIGCONT. */
  signal(node: number, name: NodeJS.Signals): void;
  /** Kills every broker without waiting: for the end of a process that has no time left. */
  killAll(): void;
  close(): Promise<void>;
}

export interface OwnKafkaOptions {
  readonly brokers?: 1 | 3;
  readonly rights?: boolean;
  /** After so long without a heartbeat a broker is out. Default 3 s. */
  readonly sessionMillis?: number;
  readonly heap?: string;
  /** Listeners for the clients of so many zones; `advertise` gets the port of each and gives the one that clients are told. */
  readonly zones?: { readonly count: number; advertise(node: number, zone: number, port: number): Promise<number> };
}

async function layOutOwn(folder: string, options: OwnKafkaOptions): Promise<Cluster> {
  const { zones, heap } = options;
  const cluster = await layOut(folder, {
    brokers: options.brokers ?? 1, rights: options.rights ?? false, port: 21092, fresh: true, sessionMillis: options.sessionMillis ?? 3000, ...(heap === undefined ? {} : { heap }), zones: zones?.count ?? 0,
  });
  if (zones === undefined) return cluster;
  const told: number[][] = [];
  for (let node = 1; node <= cluster.brokers; node += 1) {
    const ports: number[] = [];
    for (let zone = 0; zone < zones.count; zone += 1) ports.push(await zones.advertise(node, zone, zonePort(cluster, node, zone)));
    told.push(ports);
  }
  return { ...cluster, zones: told };
}

/** Starts a cluster in `folder` (emptied first); end it with `close`. */
export async function ownKafka(folder: string, options: OwnKafkaOptions = {}): Promise<OwnKafka> {
  await ensureJava();
  await installKafka();
  const cluster = await layOutOwn(folder, options);
  const nodes = new Map<number, StartedProcess>();
  const stop = async (node: number, graceMillis: number): Promise<void> => {
    const started = nodes.get(node);
    if (started !== undefined) await end(started, graceMillis);
  };
  const close = async (): Promise<void> => { await Promise.all([...nodes.keys()].map((node) => stop(node, 0))); };
  try {
    const started = await Promise.allSettled(Array.from({ length: cluster.brokers }, async (_, i) => { nodes.set(i + 1, await startNode(cluster, i + 1)); }));
    for (const each of started) if (each.status === 'rejected') throw each.reason;
    await waitCluster(cluster, [...nodes.values()]);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    brokers: addressesOf(cluster),
    stop: (node = 1) => stop(node, 15_000),
    kill: async (node = 1) => {
      const started = nodes.get(node);
      if (started !== undefined && isRunning(started)) process.kill(started.pid, 'SIGKILL');
      await stop(node, 0);
    },
    start: async (node = 1) => {
      nodes.set(node, await startNode(cluster, node));
      await waitCluster(cluster, [...nodes.values()].filter(isRunning));
    },
    signal: (node, name) => {
      const started = nodes.get(node);
      if (started !== undefined && isRunning(started)) process.kill(started.pid, name);
    },
    killAll: () => { for (const started of nodes.values()) if (isRunning(started)) process.kill(started.pid, 'SIGKILL'); },
    close,
  };
}
