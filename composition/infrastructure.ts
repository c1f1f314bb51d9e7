/** Chooses and opens the adapters that a process stands on: log, codec, Redis, state, tracer. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../platform/clock.js';
import type { Config } from '../platform/config.js';
import { ConfabError } from '../platform/errors.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import { createTracer, parseOtlpHeaders, type Tracer } from '../platform/observability/tracing.js';
import { packageVersion } from '../platform/package-root.js';
import type { Random } from '../platform/random.js';
import type { RedisConnection } from '../platform/redis/redis.js';
import type { StateStore } from '../platform/state/state-store.js';
import type { Codec } from '../schemas/codec.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import { defined, redisOptions, registryOptions } from './settings.js';

export interface Base {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * The log that the settings name. Client libraries are loaded only when they are used: memory and start-up time matter.
 * @throws CONFAB_LOG_LOCKED, CONFAB_DATA_VERSION, CONFAB_DATA_DIR, CONFAB_LOG_UNAVAILABLE
 */
export async function openLog({ config, clock, random, logger }: Base, options: { readOnly?: boolean; metrics?: Metrics } = {}): Promise<EventLog> {
  const { kafka } = config;
  if (kafka.brokers === undefined) {
    const { openEmbeddedLog } = await import('../platform/event-log/embedded.js');
    return openEmbeddedLog({ folder: config.pipeline.dataDir, clock, random, logger, readOnly: options.readOnly ?? false });
  }
  const { openKafkaLog } = await import('../platform/event-log/kafkajs.js');
  const { kafkaOptions } = await import('./kafka-settings.js');
  return openKafkaLog({ ...kafkaOptions(config), clock, logger, ...defined({ metrics: options.metrics }) });
}

/** @throws CONFAB_REGISTRY_UNAVAILABLE, CONFAB_SCHEMA_INCOMPATIBLE */
export async function openCodec({ config, clock, logger }: Base): Promise<Codec> {
  const registry = registryOptions(config);
  if (registry === undefined) return createLocalCodec();
  const { createRegistryCodec } = await import('../schemas/codec-registry.js');
  const codec = createRegistryCodec({ ...registry, prefix: config.pipeline.prefix, clock, logger });
  await codec.prepare();
  return codec;
}

/** Doubts about a message are settled by time (ingress/acceptance): clocks may differ by this much, milliseconds. */
const MAX_CLOCK_SKEW = 5000;

/** Undefined without Redis. Refuses one that may evict. @throws CONFAB_STATE_UNAVAILABLE, CONFAB_REDIS_EVICTS, CONFAB_CLOCK_SKEW */
export async function openRedis({ config, clock, logger, random }: Base): Promise<RedisConnection | undefined> {
  const options = redisOptions(config, 'confab');
  if (options === undefined) return undefined;
  const { connectRedis } = await import('../platform/redis/redis.js');
  const redis = await connectRedis(options, { logger, random });
  try {
    await redis.check();
    const skew = await redis.time() - clock.now();
    if (Math.abs(skew) > MAX_CLOCK_SKEW) throw new ConfabError('CONFAB_CLOCK_SKEW', { detail: `The clock of Redis is ${Math.abs(skew)} ms ${skew > 0 ? 'ahead of' : 'behind'} that of this machine.` });
  } catch (error) {
    await redis.close();
    throw error;
  }
  return redis;
}

/** Keys of this installation in Redis begin with it. */
export const redisPrefix = ({ redis, pipeline }: Config): string => `${redis.keyPrefix}${pipeline.prefix}`;

/** Redis where there is one, else a view in the data directory, else memory (it is rebuilt from the log at every start). */
export async function openState(config: Config, log: EventLog, redis: RedisConnection | undefined): Promise<StateStore> {
  if (redis !== undefined) {
    const { RedisStateStore } = await import('../platform/state/redis.js');
    return new RedisStateStore(redis, { prefix: redisPrefix(config) });
  }
  if (log.kind === 'embedded') {
    const { EmbeddedStateStore } = await import('../platform/state/embedded.js');
    return new EmbeddedStateStore({ path: join(config.pipeline.dataDir, 'state') });
  }
  const { MemoryStateStore } = await import('../platform/state/memory.js');
  return new MemoryStateStore();
}

/** For commands: the same store, with a connection of its own. @throws CONFAB_STATE_UNAVAILABLE, CONFAB_REDIS_EVICTS, CONFAB_CLOCK_SKEW */
export async function openKeptState(base: Base, log: EventLog): Promise<{ store: StateStore; close(): Promise<void> }> {
  const redis = await openRedis(base);
  const store = await openState(base.config, log, redis);
  return { store, close: async () => { await store.close(); await redis?.close(); } };
}

export function openTracer({ config, random, logger }: Base, role: string): Promise<Tracer> {
  const { tracing, observability } = config;
  return createTracer({
    ratio: observability.traceSample, serviceName: observability.serviceName, role, version: packageVersion(), random,
    target: tracing === undefined ? undefined : { url: tracing.url, headers: parseOtlpHeaders(observability.headers?.reveal()) },
    onError: (error) => { logger.warn({ err: error }, 'spans could not be sent'); },
  });
}

/** Names of the bots in a folder, without loading them: for processes that only have to know whether a bot exists. */
export function botNames(folder: string): ReadonlySet<string> {
  return new Set(readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name));
}
