/** `GET /v1/ingest`: many conversations on one socket, for integrators. */
import type { FastifyInstance } from 'fastify';
import { requireScope } from '../../platform/auth/auth.js';
import { socketRoute } from '../../platform/http/socket-route.js';
import { createAjv } from '../../platform/http/validator.js';
import { ingestMessageSchema, type IngestMessage } from '../frames.js';
import { IngestSession } from '../ingest-session.js';
import type { IngressContext } from '../server.js';

export function ingestRoute(app: FastifyInstance, ingress: IngressContext): void {
  const validate = createAjv().compile<IngestMessage>(ingestMessageSchema);
  socketRoute(app, {
    url: '/v1/ingest',
    subprotocol: 'confab.ingest.v1',
    selfLimited: true,
    schema: { querystring: { type: 'object', properties: {}, additionalProperties: false } },
    authorize: (principal) => { requireScope(principal, 'messages:write', 'integration'); },
    open: (session) => new IngestSession(session, ingress, validate),
  });
}
