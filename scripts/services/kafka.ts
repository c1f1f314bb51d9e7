/** Apache Kafka 4 (KRaft): one broker, or three with replication 3; and one with rights and SASL. */
import { addressesOf, installKafka, layOut, startNode, VERSION, waitCluster } from './kafka-cluster.js';
import { ensureJava } from './packages.js';
import { startAll } from './processes.js';
import type { Service, Started, UpOptions } from './service.js';

async function start(folder: string, options: UpOptions & { rights: boolean; port: number }): Promise<{ processes: Started['processes']; brokers: string }> {
  const cluster = await layOut(folder, { ...options, brokers: options.brokers ?? 1 });
  const nodes = Array.from({ length: cluster.brokers }, (_, i) => i + 1);
  const processes = await startAll(nodes.map((node) => () => startNode(cluster, node)), (started) => waitCluster(cluster, started));
  return { processes, brokers: addressesOf(cluster).join(',') };
}

export const kafka: Service = {
  name: 'kafka',
  purpose: `Apache Kafka ${VERSION}, one broker (--brokers 3: three, replication 3, min.insync.replicas 2)`,
  compose: { service: 'kafka', addresses: { CONFAB_TEST_KAFKA_BROKERS: '127.0.0.1:9092' } },
  install: async () => { await ensureJava(); await installKafka(); },
  async start(folder, options): Promise<Started> {
    const { processes, brokers } = await start(folder, { ...options, rights: false, port: 19092 });
    return { processes, addresses: { CONFAB_TEST_KAFKA_BROKERS: brokers }, about: brokers };
  },
};

export const kafkaAcl: Service = {
  name: 'kafka-acl',
  purpose: 'Apache Kafka with an authorizer and SASL (plain, scram): users admin/admin-secret (may do all) and app/app-secret',
  install: async () => { await ensureJava(); await installKafka(); },
  async start(folder, options): Promise<Started> {
    const { processes, brokers } = await start(folder, { ...options, brokers: 1, rights: true, port: 19492 });
    return { processes, addresses: { CONFAB_TEST_KAFKA_ACL_BROKERS: brokers }, about: `${brokers} (SASL plain or scram; admin, app)` };
  },
};
