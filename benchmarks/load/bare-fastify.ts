/** Process: what a handler costs that validates as ingress does and answers at once. The yardstick for ingress. */
import Fastify from 'fastify';
import { acceptedSchema, CONVERSATION_ID, IDEMPOTENCY_KEY, messageBodySchema } from '../../ingress/message-schema.js';
import { createAjv } from '../../platform/http/validator.js';

const server = Fastify({ logger: false });
const [strict, coercing] = [createAjv(), createAjv({ coerce: true })];
server.setValidatorCompiler(({ schema, httpPart }) => (httpPart === 'body' ? strict : coercing).compile(schema as object));

const schema = {
  params: { type: 'object', required: ['conversationId'], properties: { conversationId: CONVERSATION_ID } },
  headers: { type: 'object', properties: { 'idempotency-key': IDEMPOTENCY_KEY } },
  body: messageBodySchema,
  response: { 202: acceptedSchema },
};

server.post<{ Params: { conversationId: string } }>('/v1/conversations/:conversationId/messages', { schema }, (request, reply) => {
  void reply.code(202).send({ messageId: '01ARZ3NDEKTSV4RRFFQ69G5FAV', conversationId: request.params.conversationId, position: '00000000-000000000000-00', duplicate: false });
});

const url = await server.listen({ host: '127.0.0.1', port: 0 });
process.send?.({ type: 'listening', url });
process.once('SIGTERM', () => { void server.close().then(() => process.exit(0)); });
