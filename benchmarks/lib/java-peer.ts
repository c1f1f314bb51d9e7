/** The peer in Kafka Streams: its jars come from Maven Central, it is compiled when its source has changed. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { packageRoot } from '../../platform/package-root.js';
import { loadSchemas } from '../../schemas/schema-set.js';
import { VERSION } from '../../scripts/services/kafka-cluster.js';
import { ensureJava, fetchJars, installOnce, runTool } from '../../scripts/services/packages.js';
import type { Processes, Running } from './processes.js';

/** Avro names a newer Jackson in part only: all of it is taken in one version. */
const JARS = [`org.apache.kafka:kafka-streams:${VERSION}`, 'org.apache.avro:avro:1.12.0', 'com.fasterxml.jackson.core:jackson-core:2.21.2', 'org.slf4j:slf4j-nop:1.7.36'];
const SOURCE = join(packageRoot(), 'benchmarks/peers/streams/ThreeTopics.java');

export interface PeerOptions {
  readonly brokers: string;
  readonly prefix: string;
  readonly threads: number;
  readonly commitMillis: number;
}

/** Fetches and compiles what is missing; slow the first time. */
export async function installPeer(): Promise<{ java: string; classPath: string }> {
  const java = await ensureJava({ compiler: true });
  const jars = await installOnce(`streams-${VERSION}`, (folder) => fetchJars(JARS, folder));
  const version = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 12);
  const classes = await installOnce(`streams-peer-${version}`, async (folder) => {
    await runTool(join(dirname(java), 'javac'), ['-cp', `${jars}/*`, '-d', folder, SOURCE]);
  });
  return { java, classPath: `${classes}:${jars}/*` };
}

/** Resolves when every partition has its thread. */
export async function startPeer(processes: Processes, options: PeerOptions): Promise<Running> {
  const { java, classPath } = await installPeer();
  const newest = loadSchemas();
  const ids = ['Message', 'IntentDetected', 'BotReply', 'DialogueState'].map((record) => {
    const schema = [...newest.newest.values()].find((one) => one.record === record);
    const id = newest.versions.find((one) => one.record === record && one.fingerprint === schema?.fingerprint)?.id;
    return `${record}=${id ?? 0}`;
  });
  return processes.startProgram('streams', java, [
    '-XX:ActiveProcessorCount=2', '-Xms1g', '-Xmx1g', '-cp', classPath, 'ThreeTopics',
    options.brokers, options.prefix, join(packageRoot(), 'schemas'), String(options.threads), String(options.commitMillis), processes.scratchFolder(), ...ids,
  ], {}, 'ready');
}
