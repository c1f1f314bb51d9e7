/** Process: what a handler costs that only validates and answers. The yardstick for ingress. */
import Fastify from 'fastify';

const server = Fastify({ logger: false });

const params = {
  type: 'object', required: ['conversationId'],
  properties: { conversationId: { type: 'string', pattern: '^[A-Za-z0-9._:-]{1,128}$' } },
};
const body = {
  type: 'object', additionalProperties: false,
  properties: {
    text: { type: 'string', minLength: 1, maxLength: 4096 },
    postback: { type: 'object', additionalProperties: false, required: ['payload'], properties: { payload: { type: 'string', minLength: 1, maxLength: 1024 }, replyId: { type: 'string', maxLength: 64 } } },
    userId: { type: 'string', minLength: 1, maxLength: 256 }, botId: { type: 'string', minLength: 1, maxLength: 64 }, locale: { type: 'string', maxLength: 35 }, sentAt: { type: 'string', format: 'date-time' },
    attributes: { type: 'object', maxProperties: 32, propertyNames: { maxLength: 64 }, additionalProperties: { type: 'string', maxLength: 512 } },
  },
  oneOf: [{ required: ['text'] }, { required: ['postback'] }],
};
const accepted = {
  type: 'object', properties: { messageId: { type: 'string' }, conversationId: { type: 'string' }, position: { type: 'string' }, duplicate: { type: 'boolean' } },
};

server.post<{ Params: { conversationId: string } }>('/v1/conversations/:conversationId/messages', { schema: { params, body, response: { 202: accepted } } }, (request, reply) => {
  void reply.code(202).send({ messageId: '01ARZ3NDEKTSV4RRFFQ69G5FAV', conversationId: request.params.conversationId, position: '00000000-000000000000-00', duplicate: false });
});

const url = await server.listen({ host: '127.0.0.1', port: 0 });
process.send?.({ type: 'listening', url });
process.once('SIGTERM', () => { void server.close().then(() => process.exit(0)); });
