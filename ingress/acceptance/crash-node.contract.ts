/**
 * An ingress to be killed: run as a process of its own by kill-nine.test.ts. Accepts messages over HTTP on the embedded log,
 * or on Kafka with the claim index in Redis; says its port once it listens.
 */
import { writeSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { authenticatorOff } from '../../platform/auth/auth.js';
import { systemClock } from '../../platform/clock.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import { openEmbeddedLog } from '../../platform/event-log/embedded.js';
import { openKafkaLog } from '../../platform/event-log/kafkajs.js';
import { buildHttpServer } from '../../platform/http/server.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { createMetrics } from '../../platform/observability/metrics.js';
import { systemRandom } from '../../platform/random.js';
import { connectRedis } from '../../platform/redis/redis.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import { ingressRoutes } from '../server.js';
import type { ClaimIndex } from './claim-index/claim-index.js';
import { RedisClaimIndex } from './claim-index/redis.js';
import { createAcceptor } from './create.js';

export type CrashNodeOptions =
  | { readonly kind: 'embedded'; readonly folder: string; readonly prefix: string }
  | { readonly kind: 'kafka'; readonly brokers: string; readonly redis: string; readonly prefix: string };

const dependencies = { clock: systemClock, random: systemRandom, logger: silentLogger };

async function openLog(options: CrashNodeOptions): Promise<EventLog> {
  if (options.kind === 'kafka') return openKafkaLog({ brokers: options.brokers.split(','), clientId: 'crash-node', clock: systemClock, logger: silentLogger });
  const log = await openEmbeddedLog({ folder: options.folder, ...dependencies });
  if ((await log.admin.topics([`${options.prefix}messages.v1`])).length === 0) {
    await log.admin.createTopic({ name: `${options.prefix}messages.v1`, partitions: 4, config: { 'cleanup.policy': 'delete', 'message.timestamp.before.max.ms': '10000' } });
  }
  return log;
}

async function indexOf(options: CrashNodeOptions): Promise<((epoch: string, keepMillis: number) => ClaimIndex) | undefined> {
  if (options.kind !== 'kafka') return undefined;
  const redis = await connectRedis({ urls: [options.redis], commandTimeoutMillis: 500 }, dependencies);
  return (epoch, keepMillis) => new RedisClaimIndex({ redis, prefix: options.prefix, epoch, keepMillis });
}

async function main(options: CrashNodeOptions): Promise<void> {
  const log = await openLog(options);
  const metrics = createMetrics();
  const index = await indexOf(options);
  const acceptor = await createAcceptor({ log, codec: createLocalCodec(), ...dependencies, metrics, prefix: options.prefix, ...(index ? { index } : {}) });
  const app = buildHttpServer({ ...dependencies, metrics, authenticator: authenticatorOff(), host: '127.0.0.1', ready: () => true, documentation: false });
  void app.register(ingressRoutes, { acceptor, ...dependencies, bots: { defaultBot: 'parcel' } });
  await app.listen({ host: '127.0.0.1', port: 0 });
  writeSync(1, `port ${(app.server.address() as AddressInfo).port}\n`);
}

const [argument] = process.argv.slice(2);
if (argument !== undefined) await main(JSON.parse(argument) as CrashNodeOptions);
