/** A Kafka cluster of this machine: its settings, its data folders and its processes. Jars come from Maven Central. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { ensureJava, fetchJars, installOnce, runTool } from './packages.js';
import { freePort } from './ports.js';
import { launch, waitReady } from './processes.js';
import { ServiceError, type StartedProcess } from './service.js';

export const VERSION = '4.3.0';
const SCALA = '2.13';
/** Between the ports of two brokers; the controller listens on the next port after its broker. */
const STEP = 10;

/** Users of the broker with rights. `admin` may do all; `app` only what rules allow. For tests on loopback only. */
export const ACL_USERS = { admin: 'admin-secret', app: 'app-secret' } as const;

export function installKafka(): Promise<string> {
  return installOnce(`kafka-${VERSION}`, (folder) => fetchJars([`org.apache.kafka:kafka_${SCALA}:${VERSION}`, `org.apache.kafka:kafka-tools:${VERSION}`], folder));
}

export interface Cluster {
  readonly folder: string;
  readonly port: number;
  readonly brokers: number;
  readonly rights: boolean;
  /** A killed broker may come back after this; short for tests that kill. */
  readonly sessionMillis: number;
  /** Heap of a broker, such as 384m. */
  readonly heap?: string;
  /**
   * Listeners beside the plain one, by node and zone: the port that clients of the zone are told, where a proxy of theirs
   * stands. The broker itself listens on `zonePort`.
   */
  readonly zones?: readonly (readonly number[])[];
}

/** Where a broker (numbered from 1) listens for the clients of a zone (from 0). */
export const zonePort = (cluster: Cluster, node: number, zone: number): number => cluster.port + (node - 1) * STEP + 2 + zone;

/** Settings that all nodes share: small internal topics and quick groups, since tests make many of them. */
function commonSettings(cluster: Cluster): string[] {
  const copies = cluster.brokers < 3 ? 1 : 3;
  const inSync = cluster.brokers < 3 ? 1 : 2;
  return [
    'process.roles=broker,controller',
    'controller.listener.names=CONTROLLER',
    'auto.create.topics.enable=false',
    'group.initial.rebalance.delay.ms=0',
    `default.replication.factor=${copies}`, `min.insync.replicas=${inSync}`,
    `offsets.topic.replication.factor=${copies}`, 'offsets.topic.num.partitions=8',
    `transaction.state.log.replication.factor=${copies}`, `transaction.state.log.min.isr=${inSync}`, 'transaction.state.log.num.partitions=8',
    `share.coordinator.state.topic.replication.factor=${copies}`, `share.coordinator.state.topic.min.isr=${inSync}`, 'share.coordinator.state.topic.num.partitions=2',
    // Index files are laid out at this size for every segment; the default of 10 MiB makes hundreds of partitions slow to open.
    'log.index.size.max.bytes=1048576',
    'file.delete.delay.ms=1000',
    `broker.session.timeout.ms=${cluster.sessionMillis}`, 'broker.heartbeat.interval.ms=1000',
  ];
}

function rightsSettings(): string[] {
  const users = Object.entries(ACL_USERS).map(([user, password]) => `user_${user}="${password}"`).join(' ');
  const module = 'org.apache.kafka.common.security';
  return [
    'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    // The controller's listener is not authenticated: its principal is ANONYMOUS. It is bound to loopback.
    'super.users=User:admin;User:ANONYMOUS',
    'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'sasl.mechanism.inter.broker.protocol=PLAIN',
    `listener.name.client.plain.sasl.jaas.config=${module}.plain.PlainLoginModule required username="admin" password="${ACL_USERS.admin}" ${users};`,
    `listener.name.client.scram-sha-256.sasl.jaas.config=${module}.scram.ScramLoginModule required;`,
    `listener.name.client.scram-sha-512.sasl.jaas.config=${module}.scram.ScramLoginModule required;`,
  ];
}

function nodeSettings(cluster: Cluster, node: number): string {
  const port = cluster.port + (node - 1) * STEP;
  const voters = Array.from({ length: cluster.brokers }, (_, i) => `${i + 1}@127.0.0.1:${cluster.port + i * STEP + 1}`).join(',');
  const zones = cluster.zones?.[node - 1] ?? [];
  return [
    ...commonSettings(cluster),
    `node.id=${node}`,
    `controller.quorum.voters=${voters}`,
    `listeners=${[`CLIENT://127.0.0.1:${port}`, `CONTROLLER://127.0.0.1:${port + 1}`, ...zones.map((_, zone) => `ZONE${zone}://127.0.0.1:${zonePort(cluster, node, zone)}`)].join(',')}`,
    `advertised.listeners=${[`CLIENT://127.0.0.1:${port}`, ...zones.map((told, zone) => `ZONE${zone}://127.0.0.1:${told}`)].join(',')}`,
    'inter.broker.listener.name=CLIENT',
    `listener.security.protocol.map=${['CONTROLLER:PLAINTEXT', `CLIENT:${cluster.rights ? 'SASL_PLAINTEXT' : 'PLAINTEXT'}`, ...zones.map((_, zone) => `ZONE${zone}:PLAINTEXT`)].join(',')}`,
    `log.dirs=${join(cluster.folder, String(node), 'data')}`,
    ...(cluster.rights ? rightsSettings() : []),
  ].join('\n') + '\n';
}

function clusterId(folder: string): string {
  const file = join(folder, 'cluster-id');
  if (!existsSync(file)) writeFileSync(file, randomBytes(16).toString('base64url'));
  return readFileSync(file, 'utf8').trim();
}

/** Writes a node's settings and, on its first start, lays out its data folder. Returns the settings file. */
async function prepareNode(java: string, jars: string, cluster: Cluster, node: number): Promise<string> {
  const folder = join(cluster.folder, String(node));
  mkdirSync(folder, { recursive: true });
  const settings = join(folder, 'server.properties');
  writeFileSync(settings, nodeSettings(cluster, node));
  if (!existsSync(join(folder, 'data/meta.properties'))) {
    const users = !cluster.rights ? [] : Object.entries(ACL_USERS).flatMap(([user, password]) => ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${user},password=${password}]`]));
    await runTool(java, ['-XX:TieredStopAtLevel=1', '-cp', `${jars}/*`, 'kafka.tools.StorageTool', 'format', `--cluster-id=${clusterId(cluster.folder)}`, '-c', settings, ...users]);
  }
  return settings;
}

/** True once so many brokers have registered. */
async function clusterAnswers(brokers: readonly string[], rights: boolean, count: number): Promise<boolean> {
  const client = new Kafka({
    clientId: 'confab-services', brokers: [...brokers], logLevel: logLevel.NOTHING, retry: { retries: 0 }, connectionTimeout: 1000, requestTimeout: 3000,
    ...(rights ? { sasl: { mechanism: 'plain' as const, username: 'admin', password: ACL_USERS.admin } } : {}),
  });
  const admin = client.admin();
  try {
    await admin.connect();
    return (await admin.describeCluster()).brokers.length === count;
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

/** Chooses ports, and empties the folder when it is not wanted or holds another number of brokers. */
export async function layOut(folder: string, options: { brokers: number; rights: boolean; port: number; fresh: boolean; sessionMillis?: number; heap?: string; zones?: number }): Promise<Cluster> {
  const { brokers, rights } = options;
  if (brokers !== 1 && brokers !== 3) throw new ServiceError('--brokers is 1 or 3');
  const shape = join(folder, 'brokers');
  if (options.fresh || (existsSync(shape) && readFileSync(shape, 'utf8') !== String(brokers))) rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(shape, String(brokers));
  const ports = Array.from({ length: brokers }, (_, i) => Array.from({ length: 2 + (options.zones ?? 0) }, (__, offset) => i * STEP + offset)).flat();
  return { folder, port: await freePort(options.port, ports), brokers, rights, sessionMillis: options.sessionMillis ?? 9000, ...(options.heap === undefined ? {} : { heap: options.heap }) };
}

export const addressesOf = (cluster: Cluster): string[] => Array.from({ length: cluster.brokers }, (_, i) => `127.0.0.1:${cluster.port + i * STEP}`);

/** Starts one node (numbered from 1); it is not ready yet. */
export async function startNode(cluster: Cluster, node: number): Promise<StartedProcess> {
  const java = await ensureJava();
  const jars = await installKafka();
  const settings = await prepareNode(java, jars, cluster, node);
  const heap = cluster.heap ?? process.env.CONFAB_SERVICES_KAFKA_HEAP ?? '768m';
  return launch(java, ['-Xms256m', `-Xmx${heap}`, '-XX:+UseG1GC', '-cp', `${jars}/*`, 'kafka.Kafka', settings], { name: `broker-${node}`, folder: cluster.folder });
}

/** Waits until all the processes have registered as brokers. */
export function waitCluster(cluster: Cluster, processes: readonly StartedProcess[]): Promise<void> {
  return waitReady(processes, () => clusterAnswers(addressesOf(cluster), cluster.rights, processes.length), 90_000);
}
