/** Ingress and egress on a server: their adapters by what there is, Redis or this process alone. */
import type { FastifyInstance } from 'fastify';
import { createEgress } from '../egress/egress.js';
import type { Fanout } from '../egress/fanout/fanout.js';
import { presenceTimes } from '../egress/presence/presence-times.js';
import { showLiveFrames } from '../egress/sockets/live-frames.js';
import type { Outbox } from '../egress/outbox/outbox.js';
import type { ClaimIndex } from '../ingress/acceptance/claim-index/claim-index.js';
import { createAcceptor } from '../ingress/acceptance/create.js';
import { ingressRoutes } from '../ingress/server.js';
import type { Component } from '../platform/lifecycle.js';
import { epochOf } from '../platform/position.js';
import { connectRedis, type RedisConnection } from '../platform/redis/redis.js';
import { topicName } from '../topology/topology.js';
import { botNames, redisPrefix } from './infrastructure.js';
import type { Infrastructure } from './process.js';
import { redisOptions } from './settings.js';

/** While Redis hangs, messages with a key are to be refused soon: their commands wait no longer than this. */
const CLAIM_TIMEOUT = 500;

export async function addIngress(app: FastifyInstance, infrastructure: Infrastructure): Promise<Component> {
  const { config, clock, random, tracer } = infrastructure;
  const claims = await claimIndex(infrastructure);
  const acceptor = await createAcceptor({ ...infrastructure, prefix: config.pipeline.prefix, ...(claims.index === undefined ? {} : { index: claims.index }) });
  const known = knownBots(infrastructure);
  await app.register(ingressRoutes, {
    acceptor, clock, random, tracer,
    bots: { defaultBot: config.pipeline.defaultBot, known, ...(config.pipeline.tenantBots === undefined ? {} : { tenantBots: Object.fromEntries(config.pipeline.tenantBots) }) },
  });
  return { name: 'ingress', drain: () => acceptor.drain(), stop: async () => { await acceptor.close(); await claims.close(); } };
}

/** Whether a bot exists: those of this process, which may change while it runs, or else the folders and what was deployed. */
function knownBots({ rollout, config }: Infrastructure): (id: string) => boolean {
  const { bots, deployed } = rollout;
  if (bots !== undefined) return (id) => bots.versions(id).length > 0;
  const names = botNames(config.pipeline.botsDir);
  return (id) => names.has(id) || deployed(id);
}

interface Claims {
  readonly index?: (epoch: string, keepMillis: number) => ClaimIndex;
  close(): Promise<void>;
}

async function claimIndex({ config, clock, log, logger, random }: Infrastructure): Promise<Claims> {
  const nothing = (): Promise<void> => Promise.resolve();
  if (log.once !== undefined) return { close: nothing };
  const options = redisOptions(config, 'confab-claims');
  if (options === undefined) {
    const { MemoryClaimIndex } = await import('../ingress/acceptance/claim-index/memory.js');
    return { index: (_epoch, keepMillis) => new MemoryClaimIndex({ clock, keepMillis }), close: nothing };
  }
  const { RedisClaimIndex } = await import('../ingress/acceptance/claim-index/redis.js');
  const redis = await connectRedis({ ...options, commandTimeoutMillis: CLAIM_TIMEOUT }, { logger, random });
  return { index: (epoch, keepMillis) => new RedisClaimIndex({ redis, prefix: redisPrefix(config), epoch, keepMillis }), close: () => redis.close() };
}

export async function addEgress(app: FastifyInstance, infrastructure: Infrastructure): Promise<Component> {
  const { config, redis } = infrastructure;
  const { outbox, fanout } = redis === undefined ? await localDelivery(infrastructure) : await sharedDelivery(infrastructure, redis);
  const egress = await createEgress({ ...infrastructure, outbox, fanout, prefix: config.pipeline.prefix, maxQueueBytes: config.delivery.socketQueue, presence: config.delivery.presence ? presenceTimes(config.delivery.presenceLease) : undefined });
  await app.register(egress.routes);
  const stopLive = redis === undefined ? showLiveFrames(infrastructure.live, fanout, (await infrastructure.log.topic(topicName(config.pipeline.prefix, 'messages.v1'))).partitions) : undefined;
  return {
    name: 'egress', start: () => egress.start(), ready: () => egress.ready(),
    stop: async () => { stopLive?.(); await egress.close(); await fanout.close(); await outbox.close(); },
  };
}

async function localDelivery({ config, clock }: Infrastructure): Promise<{ outbox: Outbox; fanout: Fanout }> {
  const [{ MemoryOutbox }, { MemoryFanout }] = await Promise.all([import('../egress/outbox/memory.js'), import('../egress/fanout/memory.js')]);
  const { outboxEntries, outboxTtl, outboxMemory } = config.delivery;
  return { outbox: new MemoryOutbox({ clock, maxEntries: outboxEntries, maxAgeMillis: outboxTtl, maxBytes: outboxMemory }), fanout: new MemoryFanout() };
}

async function sharedDelivery({ config, log }: Infrastructure, redis: RedisConnection): Promise<{ outbox: Outbox; fanout: Fanout }> {
  const [{ RedisOutbox }, { RedisFanout }] = await Promise.all([import('../egress/outbox/redis.js'), import('../egress/fanout/redis.js')]);
  const epoch = epochOf((await log.topic(topicName(config.pipeline.prefix, 'messages.v1'))).id);
  const prefix = redisPrefix(config);
  const { outboxEntries, outboxTtl } = config.delivery;
  return { outbox: new RedisOutbox(redis, { prefix, epoch, maxEntries: outboxEntries, maxAgeMillis: outboxTtl }), fanout: new RedisFanout(redis, { prefix }) };
}
