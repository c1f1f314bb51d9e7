/** `POST /v1/conversations/{conversationId}/messages`. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { requireConversation } from '../../platform/auth/auth.js';
import { ConfabError } from '../../platform/errors.js';
import { authenticated, principalOf } from '../../platform/http/identity.js';
import { problemResponse } from '../../platform/http/problem.js';
import type { Message } from '../../schemas/types.js';
import type { Accepted, Submission } from '../acceptance/submission.js';
import { draftMessage } from '../message-draft.js';
import { acceptedSchema, CONVERSATION_ID, IDEMPOTENCY_KEY, messageBodySchema, type MessageBody } from '../message-schema.js';
import type { AcceptSpan } from '../plugins/accept-span.js';
import type { IngressContext } from '../server.js';

interface MessagesRoute {
  Params: { conversationId: string };
  Headers: { 'idempotency-key'?: string };
  Body: MessageBody;
}

export function messagesRoute(app: FastifyInstance, ingress: IngressContext): void {
  app.post<MessagesRoute>('/v1/conversations/:conversationId/messages', {
    onRequest: authenticated(app.confab.authenticator),
    schema: {
      operationId: 'sendMessage', tags: ['messages'], summary: 'Send a message',
      description: 'Answers 202 only after the log has acknowledged the write on all in-sync replicas.',
      params: { type: 'object', required: ['conversationId'], properties: { conversationId: CONVERSATION_ID } },
      headers: { type: 'object', properties: { 'idempotency-key': IDEMPOTENCY_KEY } },
      body: messageBodySchema,
      response: { 202: { description: 'Accepted', ...acceptedSchema }, default: problemResponse },
    },
  }, (request, reply) => {
    if (app.confab.draining()) throw new ConfabError('CONFAB_DRAINING', { retryAfterMs: 1000 });
    const principal = principalOf(request);
    const { conversationId } = request.params;
    requireConversation(principal, conversationId, 'write');
    const message = draftMessage(ingress, principal, conversationId, request.body, request.headers['idempotency-key']);
    ingress.acceptor.submit(new PostSubmission(principal.tenant, conversationId, message, ingress.beginSpan(request.headers.traceparent), reply));
    // The answer is sent by `done`; returning the reply tells Fastify so.
    return reply;
  });
}

class PostSubmission implements Submission {
  constructor(
    readonly tenant: string, readonly conversationId: string, readonly message: Message,
    private readonly span: AcceptSpan | undefined, private readonly reply: FastifyReply,
  ) {}

  get traceparent(): string | undefined { return this.span?.traceparent; }

  done(error: ConfabError | undefined, accepted: Accepted | undefined): void {
    this.span?.end(error, accepted);
    if (accepted) {
      void this.reply.code(202).send({ messageId: accepted.messageId, conversationId: this.conversationId, position: accepted.position, duplicate: accepted.duplicate });
    } else {
      void this.reply.send(error ?? new ConfabError('CONFAB_INTERNAL'));
    }
  }
}
