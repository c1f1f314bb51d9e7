/** Topics of a run, under a prefix of its own, in the shape of the topology; removed afterwards. */
import { Kafka, logLevel, type Admin } from 'kafkajs';
import { topicSpec } from '../../topology/topic-config.js';
import { topology, type TopicName } from '../../topology/topology.js';
import { BenchmarkError, progress } from './benchmark.js';

export const PARTITIONS = 24;

export function kafkaClient(brokers: string): Kafka {
  return new Kafka({ clientId: 'confab-bench', brokers: brokers.split(','), logLevel: logLevel.NOTHING, retry: { initialRetryTime: 5, multiplier: 1.5, retries: 50 } });
}

export async function withAdmin<T>(brokers: string, run: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafkaClient(brokers).admin();
  await admin.connect();
  try { return await run(admin); } finally { await admin.disconnect(); }
}

/** Makes topics (default: all of the topology) and waits until each partition has a leader. */
export async function makeTopics(brokers: string, prefix: string, names: readonly TopicName[] = Object.keys(topology.topics) as TopicName[]): Promise<void> {
  const specs = names.map((name) => topicSpec(name, topology, { prefix, partitions: PARTITIONS }));
  await withAdmin(brokers, async (admin) => {
    await admin.createTopics({
      // Its own wait fails where the broker has not heard of the topics yet.
      waitForLeaders: false,
      topics: specs.map(({ name, partitions, config }) => (
        { topic: name, numPartitions: partitions, replicationFactor: -1, configEntries: Object.entries(config).map(([entry, value]) => ({ name: entry, value })) })),
    });
    for (const patience = performance.now() + 60_000; !await haveLeaders(admin, specs);) {
      if (performance.now() > patience) throw new BenchmarkError('the topics of the run have no leaders after 60 s');
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
  });
}

async function haveLeaders(admin: Admin, specs: readonly { readonly name: string; readonly partitions: number }[]): Promise<boolean> {
  // A leader may be named before it has opened the partition: offsets are told only after that.
  const offsets = await Promise.all(specs.map(({ name }) => admin.fetchTopicOffsets(name))).catch(() => []);
  return offsets.length === specs.length && specs.every(({ partitions }, i) => offsets[i]?.length === partitions);
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
