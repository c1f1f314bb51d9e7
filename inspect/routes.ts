/** `GET /v1/admin/conversations/{conversationId}/story` and `…/xray`: what the log holds of one conversation, for operators. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { requireScope } from '../platform/auth/auth.js';
import type { Clock } from '../platform/clock.js';
import { CONVERSATION_ID_FORM } from '../platform/conversation-key.js';
import { ConfabError } from '../platform/errors.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import { administrators, mayAdminister, requireLocal } from '../platform/http/admin-access.js';
import { principalOf } from '../platform/http/identity.js';
import { problemResponse } from '../platform/http/problem.js';
import { socketRoute } from '../platform/http/socket-route.js';
import type { Codec } from '../schemas/codec.js';
import { Follower } from './follower.js';
import { StoryReader } from './story.js';
import { storyTopics } from './story-topics.js';
import { recordFields } from './xray-frames.js';
import { XraySession } from './xray-session.js';

export interface InspectOptions {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly clock: Clock;
  /** CONFAB_PREFIX. */
  readonly prefix: string;
  /** Pause between two looks at the ends of the topics. Default: 25 ms on a log of this machine, 200 ms on Kafka. */
  readonly pollMillis?: number;
  /** Sockets of this process. Default 32. */
  readonly maxViewers?: number;
  /** Bytes that may wait for one viewer. Default 4 MiB. */
  readonly maxQueueBytes?: number;
}

interface Params { readonly conversationId: string }
interface Query { readonly limit?: number }

const MIB = 1024 * 1024;
/** Longer texts of a record are cut: a message fits, a whole dead letter need not be looked at here. */
const MAX_TEXT = 8_192;

const params = { type: 'object', properties: { conversationId: { type: 'string', pattern: CONVERSATION_ID_FORM.source } }, required: ['conversationId'] } as const;
const limitOf = (most: number) => ({ type: 'object', additionalProperties: false, properties: { limit: { type: 'integer', minimum: 1, maximum: most, default: 20, description: 'The last so many messages.' } } });

const record = { type: 'object', required: Object.keys(recordFields.required), properties: { ...recordFields.required, ...recordFields.optional } } as const;
const text = { type: 'string' } as const;
/** What the documentation shows; answers are JSON already and are not made from it. */
const storyResponse = {
  200: {
    description: 'The story of a conversation', type: 'object', required: ['tenant', 'conversationId', 'partition', 'messages', 'others', 'more', 'trimmed', 'cut', 'unreadable'],
    properties: {
      tenant: text, conversationId: text, partition: { type: 'integer', description: 'The same number in every topic of the conversation.' },
      messages: {
        type: 'array', description: 'Oldest first.',
        items: {
          type: 'object', required: ['position', 'messageId', 'acceptedAt', 'outcome', 'tookMs', 'records'],
          properties: {
            position: text, messageId: { type: ['string', 'null'] }, acceptedAt: { type: 'string', format: 'date-time' },
            outcome: { type: ['string', 'null'], description: 'Of the BotReply, or `dead_lettered`; null: nothing has come of it yet.' },
            tookMs: { type: ['integer', 'null'], description: 'From acceptance to the outcome.' },
            records: { type: 'array', items: record },
          },
        },
      },
      others: { type: 'array', description: 'Records whose message is no longer in the log.', items: record },
      more: { type: 'boolean', description: 'There are older messages.' },
      trimmed: { type: 'boolean', description: 'The partition no longer begins with its first record.' },
      cut: { type: 'boolean', description: 'The search ended before it had seen all.' },
      unreadable: { type: 'array', items: text, description: 'Topics that this server may not read.' },
    },
  },
  default: problemResponse,
} as const;

/** A plugin for a server of buildHttpServer. @throws CONFAB_TOPIC_UNKNOWN the topology was not applied */
export async function inspectRoutes(app: FastifyInstance, options: InspectOptions): Promise<void> {
  const { log, codec, clock } = options;
  const topics = await storyTopics(log, options.prefix);
  const reader = new StoryReader({ log, codec, topics, clock, maxText: MAX_TEXT });
  const follower = new Follower({ log, codec, topics, clock, pollMillis: options.pollMillis ?? (log.kind === 'kafka' ? 200 : 25) });
  app.confab.offer('xray', (request) => mayAdminister(app.confab.authenticator, request));
  app.get<{ Params: Params; Querystring: Query }>('/v1/admin/conversations/:conversationId/story', {
    onRequest: administrators(app.confab.authenticator),
    schema: {
      operationId: 'getStory', summary: 'The way of each message of a conversation', tags: ['admin'],
      description: 'Reads the last messages of a conversation and everything that they caused back from the log. Needs the scope `admin`, or without authentication a client on the same machine. An unknown conversation is empty.',
      params, querystring: limitOf(200), response: storyResponse,
    },
  }, async (request, reply) => {
    const { conversationId } = request.params;
    const { story } = await reader.read({ tenant: principalOf(request).tenant, conversationId, limit: request.query.limit ?? 20 });
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(story));
  });
  xrayRoute(app, options, { reader, follower });
}

function xrayRoute(app: FastifyInstance, options: InspectOptions, { reader, follower }: { reader: StoryReader; follower: Follower }): void {
  const { maxViewers = 32, maxQueueBytes = 4 * MIB } = options;
  const authRequired = app.confab.authenticator.required;
  let viewers = 0;
  socketRoute(app, {
    url: '/v1/admin/conversations/:conversationId/xray', subprotocol: 'confab.xray.v1',
    schema: { params, querystring: limitOf(200) },
    before: (request) => {
      if (!authRequired) requireLocal(request);
      if (viewers >= maxViewers) throw new ConfabError('CONFAB_OVERLOADED', { detail: `${maxViewers} X-ray sockets are open on this node, which is the most.`, retryAfterMs: 5_000 });
    },
    authorize: (principal) => { if (authRequired) requireScope(principal, 'admin'); },
    open: (session, request: FastifyRequest) => {
      viewers += 1;
      const viewer = new XraySession({
        session, follower, reader, maxQueueBytes, authRequired, conversationId: (request.params as Params).conversationId, limit: (request.query as Query).limit ?? 20,
        closed: () => { viewers -= 1; },
      });
      void viewer.begin();
      return viewer;
    },
  });
}
