/** Three Kafka brokers, a proxy for each of them in each zone, and what can be asked of the cluster from outside. */
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { ownKafka, type OwnKafka } from '../../services/kafka-own.js';
import { electLeaders } from './elect-leaders.js';
import { Proxy } from './proxy.js';
import { pause, Progress } from './wait.js';

export const BROKERS = 3;
/** Long enough for a loaded machine; a stopped broker is out of the cluster after it. */
export const BROKER_SESSION = 6_000;

interface PartitionState { readonly topic: string; readonly partition: number; readonly replicas: number[]; readonly isr: number[] }

export class Brokers {
  private constructor(private readonly kafka: OwnKafka, private readonly proxies: readonly (readonly Proxy[])[]) {}

  static async start(folder: string, zones: number, random: () => number): Promise<Brokers> {
    const proxies: Proxy[][] = Array.from({ length: zones }, () => []);
    const kafka = await ownKafka(folder, {
      brokers: BROKERS, sessionMillis: BROKER_SESSION, heap: '384m',
      zones: { count: zones, async advertise(node, zone, port) { const proxy = await Proxy.open(port, random); (proxies[zone] as Proxy[])[node - 1] = proxy; return proxy.port; } },
    });
    return new Brokers(kafka, proxies);
  }

  /** Addresses that no proxy stands before, for those who judge. */
  get direct(): readonly string[] { return this.kafka.brokers; }

  addresses(zone: number): string { return this.links(zone).map(({ port }) => `127.0.0.1:${port}`).join(','); }

  /** The proxies of a zone, by broker. */
  links(zone: number): readonly Proxy[] { return this.proxies[zone] ?? []; }

  signal(node: number, name: NodeJS.Signals): void { this.kafka.signal(node, name); }
  kill(node: number): Promise<void> { return this.kafka.kill(node); }
  stop(node: number): Promise<void> { return this.kafka.stop(node); }
  start(node: number): Promise<void> { return this.kafka.start(node); }

  /** Waits until every partition has all its replicas in sync: only then may the next broker be hurt. */
  async whole(): Promise<void> {
    const progress = new Progress('the brokers did not come into sync', 120_000);
    for (; ; await pause(250)) {
      const states = await this.ask((admin) => partitionStates(admin)).catch(() => undefined);
      const behind = states?.filter(({ isr, replicas }) => isr.length < replicas.length).length;
      if (behind === 0) return;
      progress.now(behind ?? 'no answer');
    }
  }

  /**
   * Moves the leaders of about a `share` of all partitions, coordinators included: the replicas are put in another order, and
   * the first of them is elected. No data moves.
   * @returns how many partitions were named
   */
  async moveLeaders(share: number, random: () => number): Promise<number> {
    const states = (await this.ask((admin) => partitionStates(admin))).filter(({ replicas }) => replicas.length > 1 && random() < share);
    const topics = new Map<string, PartitionState[]>();
    for (const state of states) { const list = topics.get(state.topic); if (list) list.push(state); else topics.set(state.topic, [state]); }
    await this.ask((admin) => admin.alterPartitionReassignments({
      topics: [...topics].map(([topic, partitions]) => ({ topic, partitionAssignment: partitions.map(({ partition, replicas: [first = 0, ...rest] }) => ({ partition, replicas: [...rest, first] })) })),
    }));
    const code = await electLeaders(this.direct[0] ?? '', new Map([...topics].map(([topic, partitions]) => [topic, partitions.map(({ partition }) => partition)])));
    if (code !== 0) throw new Error(`ElectLeaders was answered with code ${code}`);
    return states.length;
  }

  killAll(): void { this.kafka.killAll(); }

  async close(): Promise<void> {
    await this.kafka.close();
    await Promise.all(this.proxies.flat().map((proxy) => proxy.close()));
  }

  /** One connection a question: a broker that was stopped meanwhile holds up nothing later. */
  private async ask<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = new Kafka({ clientId: 'torture', brokers: [...this.direct], logLevel: logLevel.NOTHING, connectionTimeout: 1_000, requestTimeout: 5_000, retry: { retries: 2 } }).admin();
    try {
      await admin.connect();
      return await question(admin);
    } finally {
      await admin.disconnect().catch(() => undefined);
    }
  }
}

async function partitionStates(admin: Admin): Promise<PartitionState[]> {
  const { brokers } = await admin.describeCluster();
  if (brokers.length < BROKERS) throw new Error('a broker is missing');
  const { topics } = await admin.fetchTopicMetadata();
  return topics.flatMap(({ name, partitions }) => partitions.map(({ partitionId, replicas, isr }) => ({ topic: name, partition: partitionId, replicas, isr })));
}
