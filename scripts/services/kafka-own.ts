/** For tests: a Kafka cluster of one's own, whose brokers may be stopped, killed and started again on the same ports. */
import { addressesOf, layOut, startNode, waitCluster } from './kafka-cluster.js';
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
  close(): Promise<void>;
}

/** Starts a cluster in `folder` (emptied first); end it with `close`. */
export async function ownKafka(folder: string, options: { brokers?: 1 | 3; rights?: boolean } = {}): Promise<OwnKafka> {
  const cluster = await layOut(folder, { brokers: options.brokers ?? 1, rights: options.rights ?? false, port: 21092, fresh: true, sessionMillis: 3000 });
  const nodes = new Map<number, StartedProcess>();
  const stop = async (node: number, graceMillis: number): Promise<void> => {
    const started = nodes.get(node);
    if (started !== undefined) await end(started, graceMillis);
  };
  const close = async (): Promise<void> => { await Promise.all([...nodes.keys()].map((node) => stop(node, 0))); };
  try {
    for (let node = 1; node <= cluster.brokers; node += 1) nodes.set(node, await startNode(cluster, node));
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
    close,
  };
}
