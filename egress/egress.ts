/** Egress as a whole: reads outcomes from the log, keeps the outbox, serves the streams and the history. */
import type { FastifyInstance } from 'fastify';
import { requireConversation, requireScope } from '../platform/auth/auth.js';
import type { Clock } from '../platform/clock.js';
import { CONVERSATION_ID_FORM } from '../platform/conversation-key.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import { socketRoute } from '../platform/http/socket-route.js';
import type { SocketSession } from '../platform/http/socket-session.js';
import type { Logger } from '../platform/observability/logger.js';
import type { Metrics } from '../platform/observability/metrics.js';
import type { Tracer } from '../platform/observability/tracing.js';
import { ulidMaker, type Random } from '../platform/random.js';
import type { Codec } from '../schemas/codec.js';
import { groupName, topicName } from '../topology/topology.js';
import type { Fanout } from './fanout/fanout.js';
import { Hub } from './sockets/hub.js';
import { PresenceService } from './presence/presence.js';
import { presenceRoutes } from './presence/presence-routes.js';
import type { PresenceTimes } from './presence/presence-times.js';
import { KnownEnds } from './receipts/known-ends.js';
import { LogRecovery } from './sockets/log-recovery.js';
import { logTopics } from './log-topics.js';
import { EgressMetrics } from './metrics.js';
import { OutcomeDecoder } from './outcomes/outcome-decoder.js';
import type { Outbox } from './outbox/outbox.js';
import { eventRoutes } from './query/event-routes.js';
import { History } from './query/history.js';
import { Receipts } from './receipts/receipts.js';
import { RepliesReader } from './outcomes/replies-reader.js';
import { EgressSession } from './sockets/session.js';

export interface EgressOptions {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly outbox: Outbox;
  readonly fanout: Fanout;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** CONFAB_PREFIX. */
  readonly prefix?: string;
  /** Subscriptions of one socket. Default 10,000. */
  readonly maxSubscriptions?: number;
  /** Bytes that may wait for one client. Default 1 MiB. */
  readonly maxQueueBytes?: number;
  /** Default: nothing is traced. */
  readonly tracer?: Tracer;
  readonly holdMillis?: number;
  readonly commitMillis?: number;
  /** Default: presence is off. */
  readonly presence?: PresenceTimes | undefined;
}

export interface Egress {
  /** Register on a server of buildHttpServer: `app.register(egress.routes)`. */
  readonly routes: (app: FastifyInstance, options: object, done: () => void) => void;
  /** Joins the group `confab.egress`. */
  start(): Promise<void>;
  /** True while this process has its place in the group. */
  ready(): boolean;
  /** Leaves the group and writes what is under way. Sockets are closed by the server, outbox and fan-out by who made them. */
  close(): Promise<void>;
}

const MIB = 1024 * 1024;

/** @throws CONFAB_TOPIC_UNKNOWN the topology was not applied */
export async function createEgress(options: EgressOptions): Promise<Egress> {
  const { log, codec, outbox, fanout, clock, random, logger, prefix = '' } = options;
  const topics = await logTopics(log, prefix);
  const metrics = new EgressMetrics(options.metrics);
  const decoder = new OutcomeDecoder(codec, topics, logger);
  const recovery = new LogRecovery({ log, topics, decoder, clock, metrics });
  const hub = new Hub({ log, topics, outbox, fanout, recovery, clock, logger, metrics });
  const receipts = new Receipts({
    appender: await log.appender(), topic: topicName(prefix, 'deliveries.v1'), codec: codec.of('DeliveryUpdate'), fanout, ends: new KnownEnds({ log, topics, clock }), clock, logger,
  });
  const ulid = ulidMaker(clock, random);
  const instance = ulid();
  const reader = new RepliesReader({
    log, topics, group: groupName(prefix, 'egress'), instance, decoder, outbox, fanout, clock, logger,
    ...(options.tracer === undefined ? {} : { tracer: options.tracer }),
    ...(options.holdMillis === undefined ? {} : { holdMillis: options.holdMillis }),
    ...(options.commitMillis === undefined ? {} : { commitMillis: options.commitMillis }),
    onBatch: (outcomes) => { metrics.announced(outcomes); },
  });
  const presence = options.presence === undefined ? undefined : await PresenceService.open({
    log, codec, clock, logger, metrics: options.metrics, prefix, node: instance, owned: () => reader.owned, times: options.presence,
  });
  const history = new History({ log, topics, codec, decoder, clock });
  const open = (session: SocketSession, only?: { conversationId: string; after: string | undefined }): EgressSession => {
    const handler = new EgressSession({
      session, hub, metrics, receipts, presence, id: ulid(), maxSubscriptions: options.maxSubscriptions ?? 10_000, maxQueueBytes: options.maxQueueBytes ?? MIB,
      ...(only === undefined ? {} : { only }),
    });
    handler.begin();
    return handler;
  };
  return {
    routes: (app, _options, done) => {
      streamRoutes(app, open);
      eventRoutes(app, { history, hub });
      presenceRoutes(app, { presence, partitions: topics.partitions });
      done();
    },
    start: async () => {
      presence?.start();
      await reader.start();
    },
    ready: () => reader.running,
    close: async () => {
      await reader.close();
      await receipts.close();
      await presence?.close();
    },
  };
}

type Open = (session: SocketSession, only?: { conversationId: string; after: string | undefined }) => EgressSession;

function streamRoutes(app: FastifyInstance, open: Open): void {
  socketRoute(app, {
    url: '/v1/stream', subprotocol: 'confab.v1',
    schema: { querystring: { type: 'object', properties: {}, additionalProperties: false } },
    authorize: (principal) => { requireScope(principal, 'conversations:read', 'agent', 'integration'); },
    open: (session) => open(session),
  });
  socketRoute(app, {
    url: '/v1/conversations/:conversationId/stream', subprotocol: 'confab.v1',
    schema: {
      params: { type: 'object', properties: { conversationId: { type: 'string', pattern: CONVERSATION_ID_FORM.source } }, required: ['conversationId'] },
      querystring: { type: 'object', properties: { after: { type: 'string', format: 'position' } }, additionalProperties: false },
    },
    authorize: (principal, request) => { requireConversation(principal, (request.params as Params).conversationId, 'read'); },
    open: (session, request) => open(session, { conversationId: (request.params as Params).conversationId, after: (request.query as { after?: string }).after }),
  });
}

interface Params { readonly conversationId: string }
