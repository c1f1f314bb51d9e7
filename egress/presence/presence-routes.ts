/** `GET /v1/conversations/{conversationId}/presence`: who is connected, on whatever node. */
import type { FastifyInstance } from 'fastify';
import { requireConversation, type Principal } from '../../platform/auth/auth.js';
import { CONVERSATION_ID_FORM, conversationKey } from '../../platform/conversation-key.js';
import { ConfabError } from '../../platform/errors.js';
import { authenticated, principalOf } from '../../platform/http/identity.js';
import { problemResponse } from '../../platform/http/problem.js';
import { partitionOf } from '../../platform/partitioner.js';
import type { Entry, PresentUser } from './partition-view.js';
import type { PresenceService } from './presence.js';

const time = { type: 'string', format: 'date-time' } as const;
const response = {
  200: {
    description: 'Who is connected', type: 'object', required: ['conversationId', 'devices', 'since', 'users'],
    properties: {
      conversationId: { type: 'string' },
      devices: { type: 'integer', description: 'Open sockets that follow the conversation, on all nodes; 0: nobody is connected.' },
      since: { anyOf: [time, { type: 'null' }], description: 'When the first of them came; null: nobody is connected.' },
      users: {
        type: 'array', description: 'Each user of `devices` once, who has been there longest first; those of a conversation that very many follow are counted only.',
        items: {
          type: 'object', required: ['role', 'devices', 'since'],
          properties: {
            userId: { type: 'string', description: 'Subject of the token. Of others than the one who asks it is told to agents and integrations only.' },
            role: { type: 'string', enum: ['person', 'agent', 'integration'] },
            devices: { type: 'integer' }, since: time,
          },
        },
      },
    },
  },
  default: problemResponse,
} as const;
const schema = {
  operationId: 'getPresence',
  summary: 'Who is connected',
  description: 'Sockets that follow the conversation, by user. Who came is there after about two seconds, who left after seven; what a node had is gone within 60 s of its death. Offered where `GET /v1` lists `presence` (`CONFAB_PRESENCE`).',
  tags: ['conversations'],
  params: { type: 'object', properties: { conversationId: { type: 'string', pattern: CONVERSATION_ID_FORM.source } }, required: ['conversationId'] },
  querystring: { type: 'object', properties: {}, additionalProperties: false },
  response,
} as const;

/** Without a service the route answers CONFAB_PRESENCE_OFF. */
export function presenceRoutes(app: FastifyInstance, { presence, partitions }: { presence: Pick<PresenceService, 'of'> | undefined; partitions: number }): void {
  if (presence !== undefined) app.confab.offer('presence');
  app.get<{ Params: { conversationId: string } }>('/v1/conversations/:conversationId/presence', {
    schema, onRequest: authenticated(app.confab.authenticator),
  }, async (request) => {
    const { conversationId } = request.params;
    const principal = principalOf(request);
    requireConversation(principal, conversationId, 'read');
    if (presence === undefined) throw new ConfabError('CONFAB_PRESENCE_OFF');
    const key = conversationKey(principal.tenant, conversationId);
    return answerOf(conversationId, await presence.of({ key, partition: partitionOf(key, partitions) }), principal);
  });
}

interface User { role: string; devices: number; since: number; subject: string | undefined }

const timeOf = (millis: number): string => new Date(millis).toISOString();

/** Entries of all nodes as one answer. */
function answerOf(conversationId: string, entries: readonly Entry[], principal: Principal): object {
  const tellsAll = principal.scopes.has('agent') || principal.scopes.has('integration');
  const users = [...merged(entries.flatMap((entry) => entry.users)).values()].sort((a, b) => a.since - b.since);
  return {
    conversationId,
    devices: entries.reduce((sum, { sockets }) => sum + sockets, 0),
    since: entries.length === 0 ? null : timeOf(entries.reduce((least, { since }) => Math.min(least, since), Infinity)),
    users: users.map(({ subject, role, devices, since }) => (
      { ...(subject !== undefined && (tellsAll || subject === principal.subject) ? { userId: subject } : {}), role, devices, since: timeOf(since) })),
  };
}

/** Somebody may have sockets on several nodes. Who cannot be named stands alone. */
function merged(users: readonly PresentUser[]): Map<string, User> {
  const found = new Map<string, User>();
  for (const [i, { subject, role, sockets, since }] of users.entries()) {
    const name = subject === undefined ? `#${i}` : `=${subject} ${role}`;
    const known = found.get(name);
    if (known === undefined) found.set(name, { subject, role, devices: sockets, since });
    else { known.devices += sockets; known.since = Math.min(known.since, since); }
  }
  return found;
}
