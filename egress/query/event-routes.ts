/** `GET /v1/conversations/{conversationId}/events`: the history of a conversation, page by page, in both directions. */
import type { FastifyInstance } from 'fastify';
import { requireConversation } from '../../platform/auth/auth.js';
import { CONVERSATION_ID_FORM, conversationKey } from '../../platform/conversation-key.js';
import { ConfabError } from '../../platform/errors.js';
import { authenticated, principalOf } from '../../platform/http/identity.js';
import { problemResponse } from '../../platform/http/problem.js';
import { partitionOf } from '../../platform/partitioner.js';
import { parsePosition } from '../../platform/position.js';
import { frames } from '../frames.js';
import type { Hub } from '../sockets/hub.js';
import type { History, Page } from './history.js';
import { messageSchema } from './message-event.js';

interface Query { readonly after?: string; readonly before?: string; readonly limit?: number; readonly atLeast?: string }

const WAIT = 5_000;
const LOOK_EVERY = 100;

const position = { type: 'string', format: 'position' } as const;
/** What the documentation shows; answers are JSON already and are not made from it. */
const response = {
  200: {
    description: 'A page of events', type: 'object', required: ['events', 'next', 'truncated'],
    properties: {
      events: { type: 'array', description: 'In the order that was asked for.', items: { oneOf: [messageSchema, frames.reply.schema, frames.outcome.schema, frames.handoff.schema] } },
      next: { type: ['string', 'null'], description: 'Goes on in the same direction, as `after` or `before`; null: there is nothing more.' },
      truncated: { type: 'boolean', description: 'Older ones are no longer kept.' },
    },
  },
  default: problemResponse,
} as const;
const schema = {
  operationId: 'listEvents',
  summary: 'Events of a conversation',
  description: 'Messages, replies, outcomes and handoffs: oldest first (`after`, or from the oldest kept), or newest first (`before`).',
  tags: ['conversations'],
  params: { type: 'object', properties: { conversationId: { type: 'string', pattern: CONVERSATION_ID_FORM.source } }, required: ['conversationId'] },
  querystring: {
    type: 'object', additionalProperties: false,
    properties: {
      after: { ...position, description: 'Only what comes after this position, oldest first.' },
      before: { type: 'string', description: 'Only what comes before this position, or `latest`; newest first.' },
      limit: { type: 'integer', minimum: 1, maximum: 500, default: 50 },
      atLeast: { ...position, description: 'Waits up to 5 s until the history reaches this position.' },
    },
  },
  response,
} as const;

export function eventRoutes(app: FastifyInstance, { history, hub }: { history: History; hub: Hub }): void {
  app.get<{ Params: { conversationId: string }; Querystring: Query }>('/v1/conversations/:conversationId/events', {
    schema, onRequest: authenticated(app.confab.authenticator),
  }, async (request, reply) => {
    const { conversationId } = request.params;
    const { after, before, limit = 50, atLeast } = request.query;
    const principal = principalOf(request);
    requireConversation(principal, conversationId, 'read');
    if (after !== undefined && before !== undefined) throw new ConfabError('CONFAB_QUERY_INVALID', { errors: [{ pointer: '/before', detail: 'cannot be used together with after' }] });
    if (before !== undefined && before !== 'latest') parsePosition(before);
    const key = conversationKey(principal.tenant, conversationId);
    const partition = partitionOf(key, hub.topics.partitions);
    if (atLeast !== undefined) await waitFor(history, hub, partition, key, atLeast);
    const page = before === undefined
      ? await history.forward(partition, key, after, limit)
      : await history.backward(partition, key, before === 'latest' ? undefined : before, limit);
    return reply.type('application/json; charset=utf-8').send(bodyOf(page));
  });
}

/** The events are JSON already. */
function bodyOf({ events, next, truncated }: Page): string {
  return `{"events":[${events.join(',')}],"next":${JSON.stringify(next)},"truncated":${String(truncated)}}`;
}

/** @throws CONFAB_VIEW_BEHIND */
async function waitFor(history: History, hub: Hub, partition: number, key: string, position: string): Promise<void> {
  const end = hub.clock.monotonic() + WAIT;
  while (!await history.reaches(partition, key, position)) {
    if (hub.clock.monotonic() >= end) throw new ConfabError('CONFAB_VIEW_BEHIND', { retryAfterMs: 1_000 });
    await hub.clock.sleep(LOOK_EVERY);
  }
}
