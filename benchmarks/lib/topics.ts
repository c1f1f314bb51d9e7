/** Topics of a run, under a prefix of its own, in the shape of the topology; removed afterwards. */
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { topicSpec } from '../../topology/topic-config.js';
import { topology, type TopicName } from '../../topology/topology.js';
import { progress } from './benchmark.js';

export const PARTITIONS = 24;

export function kafkaClient(brokers: string): Kafka {
  return new Kafka({ clientId: 'confab-bench', brokers: brokers.split(','), logLevel: logLevel.NOTHING, retry: { initialRetryTime: 5, multiplier: 1.5, retries: 50 } });
}

async function withAdmin<T>(brokers: string, run: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafkaClient(brokers).admin();
  await admin.connect();
  try { return await run(admin); } finally { await admin.disconnect(); }
}

/** Makes topics (default: all of the topology). */
export async function makeTopics(brokers: string, prefix: string, names: readonly TopicName[] = Object.keys(topology.topics) as TopicName[]): Promise<void> {
  await withAdmin(brokers, (admin) => admin.createTopics({
    waitForLeaders: true,
    topics: names.map((name) => {
      const { name: topic, partitions, config } = topicSpec(name, topology, { prefix, partitions: PARTITIONS });
      return { topic, numPartitions: partitions, replicationFactor: -1, configEntries: Object.entries(config).map(([entry, value]) => ({ name: entry, value })) };
    }),
  }));
}

export async function removeTopics(brokers: string, prefix: string): Promise<void> {
  await withAdmin(brokers, async (admin) => {
    const mine = (await admin.listTopics()).filter((name) => name.startsWith(prefix));
    if (mine.length > 0) await admin.deleteTopics({ topics: mine });
    const groups = (await admin.listGroups()).groups.map((group) => group.groupId).filter((id) => id.startsWith(prefix));
    if (groups.length > 0) await admin.deleteGroups(groups).catch(() => undefined);
  }).catch((error: unknown) => { progress(`topics of the run could not be removed: ${String(error)}`); });
}

/** Redis keys of the run. */
export async function removeKeys(redisUrl: string, part: string): Promise<void> {
  const { Redis } = await import('ioredis');
  const client = new Redis(redisUrl, { lazyConnect: true });
  try {
    await client.connect();
    for await (const keys of client.scanStream({ match: `*${part}*`, count: 5000 }) as AsyncIterable<string[]>) if (keys.length > 0) await client.unlink(...keys);
  } finally { client.disconnect(); }
}
