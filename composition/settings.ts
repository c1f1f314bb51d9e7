/** Settings as the options of connections: the one place that reveals secrets, and only into a connection. */
import type { Config } from '../platform/config.js';
import type { ElasticsearchOptions } from '../platform/knowledge-index/elasticsearch.js';
import type { RedisOptions } from '../platform/redis/redis.js';
import type { RegistryConnection } from '../schemas/registry-client.js';
import type { TopologySettings } from '../topology/topic-config.js';

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** Leaves out what is not set: optional properties are either there or missing. */
export function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** Undefined without Redis. */
export function redisOptions({ redis }: Config, name: string): RedisOptions | undefined {
  const tls = redis.tls || redis.ca !== undefined || redis.cert !== undefined;
  const common = {
    name,
    ...defined({ username: redis.username, password: redis.password?.reveal() }),
    ...(tls ? { tls: defined({ ca: redis.ca, cert: redis.cert, key: redis.key?.reveal() }) } : {}),
  };
  const scheme = tls ? 'rediss' : 'redis';
  if (redis.url !== undefined) return { ...common, urls: [redis.url.reveal()] };
  if (redis.clusterNodes !== undefined) return { ...common, mode: 'cluster', urls: redis.clusterNodes.map((node) => `${scheme}://${node}`) };
  if (redis.sentinels === undefined) return undefined;
  return {
    ...common, mode: 'sentinel', sentinelName: redis.sentinelName,
    urls: redis.sentinels.map((node) => `${scheme}://${node}/${redis.database}`),
    ...defined({ sentinelUsername: redis.sentinelUsername, sentinelPassword: redis.sentinelPassword?.reveal() }),
  };
}

/** Undefined without a registry: the ids are then those of schemas/ids.json. */
export function registryOptions({ registry }: Config): RegistryConnection | undefined {
  if (registry.url === undefined) return undefined;
  const auth = registry.token !== undefined
    ? { token: registry.token.reveal() }
    : registry.username !== undefined ? { username: registry.username, password: registry.password?.reveal() ?? '' } : undefined;
  const tls = defined({ ca: registry.ca, cert: registry.cert, key: registry.key?.reveal() });
  return { url: registry.url, ...defined({ auth }), ...(Object.keys(tls).length > 0 ? { tls } : {}) };
}

/** Undefined without Elasticsearch. */
export function elasticsearchOptions({ elasticsearch }: Config): Omit<ElasticsearchOptions, 'prefix'> | undefined {
  const { url, username, password, apiKey, ca, timeout } = elasticsearch;
  return url === undefined ? undefined : { url, timeoutMillis: timeout, ...defined({ username, password: password?.reveal(), apiKey: apiKey?.reveal(), ca }) };
}

export function topologySettings({ pipeline }: Config): TopologySettings {
  return { prefix: pipeline.prefix, partitions: pipeline.partitions, ...defined({ replicas: pipeline.replicas }) };
}
