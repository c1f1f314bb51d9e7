/** `/v1/admin/revocations`: tokens that are refused before they end, on the process that serves egress. */
import type { FastifyInstance } from 'fastify';
import type { RevocationTarget } from '../../platform/auth/revocations.js';
import { CONVERSATION_ID_FORM, DEFAULT_TENANT, TENANT_FORM } from '../../platform/conversation-key.js';
import { ConfabError } from '../../platform/errors.js';
import { administrators } from '../../platform/http/admin-access.js';
import { problemResponse } from '../../platform/http/problem.js';
import { viewOf } from './revocation.js';
import type { RevocationLog } from './revocation-log.js';

const text = { type: 'string' } as const;
const time = { type: ['string', 'null'], format: 'date-time' } as const;
const id = { type: 'string', minLength: 1, maxLength: 1024, format: 'plain' } as const;
const about = {
  tokenId: { ...id, description: 'One token, by its claim `jti`.' },
  subject: { ...id, maxLength: 256, description: 'The tokens of a subject, claim `sub`.' },
  conversationId: { type: 'string', pattern: CONVERSATION_ID_FORM.source, description: 'The tokens that name a conversation, claim `confab.conversations`: those of its visitors.' },
  everyToken: { const: true, description: 'All tokens of the tenant.' },
  tenant: { type: 'string', pattern: TENANT_FORM.source, description: 'Default: `default`. A token id is of no tenant.' },
} as const;
const view = {
  type: 'object', required: ['kind', 'issuedBefore', 'until', 'reason', 'revokedBy', 'revokedAt'],
  properties: { kind: { enum: ['token', 'subject', 'conversation', 'tenant'] }, tenant: text, tokenId: text, subject: text, conversationId: text, issuedBefore: time, until: time, reason: { type: ['string', 'null'] }, revokedBy: text, revokedAt: { type: 'string', format: 'date-time' } },
} as const;

interface Body {
  readonly tokenId?: string; readonly subject?: string; readonly conversationId?: string; readonly everyToken?: true; readonly tenant?: string;
  readonly issuedBefore?: string; readonly until?: string; readonly reason?: string; readonly withdraw?: boolean;
}

export function revocationRoutes(app: FastifyInstance, revocations: RevocationLog): void {
  const onRequest = administrators(app.confab.authenticator);
  app.get<{ Querystring: { limit?: number } }>('/v1/admin/revocations', {
    onRequest,
    schema: {
      operationId: 'listRevocations', tags: ['operation'], summary: 'Tokens that are refused before they end', description: 'The newest first.',
      querystring: { type: 'object', additionalProperties: false, properties: { limit: { type: 'integer', minimum: 1, maximum: 10_000, description: 'Default 1,000.' } } },
      response: { 200: { description: 'Those in force', type: 'object', required: ['revocations', 'total'], properties: { revocations: { type: 'array', items: view }, total: { type: 'integer' } } }, default: problemResponse },
    },
  }, async (request) => {
    const all = await revocations.list();
    return { revocations: all.slice(0, request.query.limit ?? 1_000).map(viewOf), total: all.length };
  });
  app.post<{ Body: Body }>('/v1/admin/revocations', {
    onRequest,
    schema: {
      operationId: 'revokeTokens', tags: ['operation'], summary: 'Refuse tokens before they end, or take that back',
      description: 'Exactly one of `tokenId`, `subject`, `conversationId`, `everyToken`. Every node refuses the tokens within a second: requests and new sockets with `CONFAB_TOKEN_REVOKED`, open sockets are closed with 4100.',
      body: {
        type: 'object', additionalProperties: false,
        properties: {
          ...about,
          issuedBefore: { type: 'string', format: 'date-time', description: 'Tokens issued (claim `iat`) before. Default: now. Not with `tokenId`.' },
          until: { type: 'string', format: 'date-time', description: 'When the last of the tokens has ended by itself: the revocation is forgotten then. Default: it is kept for good.' },
          reason: { type: 'string', maxLength: 200, format: 'plain', description: 'For operators.' },
          withdraw: { type: 'boolean', description: 'Takes the revocation back: tokens that have not ended hold again.' },
        },
        oneOf: ['tokenId', 'subject', 'conversationId', 'everyToken'].map((name) => ({ required: [name] })),
      },
      response: { 200: { description: 'It is on the log', type: 'object', properties: { revocation: { ...view, type: ['object', 'null'] } }, required: ['revocation'] }, default: problemResponse },
    },
  }, async (request) => {
    if (app.confab.draining()) throw new ConfabError('CONFAB_DRAINING', { retryAfterMs: 1000 });
    const target = targetOf(request.body);
    if (request.body.withdraw === true) { await revocations.withdraw(target); return { revocation: null }; }
    const { issuedBefore, until, reason } = request.body;
    const millis = (at: string | undefined): number | undefined => (at === undefined ? undefined : Date.parse(at));
    return { revocation: viewOf(await revocations.revoke({ target, issuedBefore: millis(issuedBefore), until: millis(until), reason }, request.principal?.subject ?? 'local')) };
  });
}

/** @throws CONFAB_BODY_INVALID a field that has no meaning for it */
function targetOf({ tokenId, subject, conversationId, tenant = DEFAULT_TENANT, issuedBefore }: Body): RevocationTarget {
  if (tokenId !== undefined) {
    if (issuedBefore !== undefined) throw new ConfabError('CONFAB_BODY_INVALID', { errors: [{ pointer: '/issuedBefore', detail: 'has no meaning for one token' }] });
    return { kind: 'token', tokenId };
  }
  if (subject !== undefined) return { kind: 'subject', tenant, subject };
  return conversationId === undefined ? { kind: 'tenant', tenant } : { kind: 'conversation', tenant, conversationId };
}
