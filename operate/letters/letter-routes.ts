/** `/v1/admin/dead-letters`: what operators see of dead letters and do to them, on the process that serves egress. */
import type { FastifyInstance } from 'fastify';
import { ConfabError } from '../../platform/errors.js';
import { administrators } from '../../platform/http/admin-access.js';
import { problemResponse } from '../../platform/http/problem.js';
import { instantOf } from '../../platform/http/validator.js';
import { letterDetail } from './letter-detail.js';
import type { LetterDesk } from './letter-desk.js';
import { MOST_AT_ONCE, STATUSES, viewOf, type LetterAction, type LetterStatus } from './letter.js';

interface ListRoute { Querystring: { stage?: string; status?: LetterStatus | 'all'; since?: string; limit?: number } }
interface LetterRoute { Params: { letterId: string } }

const text = { type: 'string' } as const;
const nullable = { type: ['string', 'null'] } as const;
const letterProperties = {
  id: { ...text, description: '`partition-offset` in dead-letters.v1.' }, status: { type: 'string', enum: STATUSES }, stage: text, phase: text, errorCode: text, errorMessage: text,
  attempts: { type: 'integer' }, at: { type: 'string', format: 'date-time', description: 'When the stage gave up.' },
  conversation: { ...nullable, description: '`<tenant>/<conversationId>`.' }, messageId: nullable, position: nullable,
  topic: text, partition: { type: 'integer' }, offset: { type: 'integer' }, closedAt: { ...nullable, format: 'date-time' },
} as const;
const letterSchema = { type: 'object', required: Object.keys(letterProperties), properties: letterProperties } as const;
const detailSchema = {
  type: 'object', required: [...letterSchema.required, 'original'],
  properties: {
    ...letterProperties, closedBy: nullable, retriedAs: { ...nullable, description: 'Position of the message that a retry appended.' },
    notRetriable: { ...nullable, description: 'Why it cannot be retried.' },
    original: { type: 'object', additionalProperties: true, description: 'The record: `key` and `value`, or `undecodable` (base64) and the `reason`.' },
  },
} as const;
const settledSchema = {
  type: 'object', required: ['id', 'status', 'already', 'messageId', 'position'],
  properties: {
    id: text, status: { type: 'string', enum: ['retried', 'discarded'] }, already: { type: 'boolean', description: 'It was so before; nothing was written.' },
    messageId: nullable, position: { ...nullable, description: 'Position of the new message.' },
  },
} as const;
const resultSchema = {
  type: 'object', required: ['id'],
  properties: { ...settledSchema.properties, code: { type: 'string', description: 'Why it was refused; then the fields about what became of it are missing.' }, detail: text },
} as const;
const params = { type: 'object', required: ['letterId'], properties: { letterId: text } } as const;

/** Letters of one answer at most. */
const MOST = 1000;

export function letterRoutes(app: FastifyInstance, desk: LetterDesk): void {
  const onRequest = administrators(app.confab.authenticator);
  app.get<ListRoute>('/v1/admin/dead-letters', {
    onRequest,
    schema: {
      operationId: 'listDeadLetters', tags: ['operation'], summary: 'Dead letters', description: 'Oldest first; with more than `limit` the newest of them.',
      querystring: {
        type: 'object', additionalProperties: false,
        properties: {
          stage: text, status: { type: 'string', enum: [...STATUSES, 'all'], default: 'open' },
          since: { type: 'string', format: 'date-time', description: 'Only letters of this time and later.' }, limit: { type: 'integer', minimum: 1, maximum: MOST, default: 100 },
        },
      },
      response: { 200: { description: 'Letters', type: 'object', required: ['letters', 'more'], properties: { letters: { type: 'array', items: letterSchema }, more: { type: 'boolean', description: 'The limit left some out.' } } }, default: problemResponse },
    },
  }, async (request) => {
    const { stage, status, since, limit = 100 } = request.query;
    const instant = since === undefined ? undefined : instantOf(since);
    const { letters, more } = await desk.reader.list({ limit, ...(stage === undefined ? {} : { stage }), ...(status === undefined ? {} : { status }), ...(instant === undefined ? {} : { since: instant }) });
    return { letters: letters.map(viewOf), more };
  });
  app.get<LetterRoute>('/v1/admin/dead-letters/:letterId', {
    onRequest,
    schema: {
      operationId: 'getDeadLetter', tags: ['operation'], summary: 'One dead letter', description: 'With the record that the stage could not process, decoded.', params,
      response: { 200: { description: 'The letter', ...detailSchema }, default: problemResponse },
    },
  }, (request) => letterDetail(desk, request.params.letterId));
  actionRoute(app, desk, 'retry');
  actionRoute(app, desk, 'discard');
  actionsRoute(app, desk, 'retry');
  actionsRoute(app, desk, 'discard');
}

function actionsRoute(app: FastifyInstance, desk: LetterDesk, action: LetterAction): void {
  app.post<{ Body: { ids: string[] } }>(`/v1/admin/dead-letters/${action}`, {
    onRequest: administrators(app.confab.authenticator),
    schema: {
      operationId: `${action}DeadLetters`, tags: ['operation'], summary: action === 'retry' ? 'Retry dead letters' : 'Discard dead letters',
      description: 'As for one of them, each by itself: those of one conversation in their order. What was refused has a `code`.',
      body: { type: 'object', required: ['ids'], additionalProperties: false, properties: { ids: { type: 'array', minItems: 1, maxItems: MOST_AT_ONCE, items: { type: 'string', maxLength: 64 } } } },
      response: { 200: { description: 'What became of each, in the order of the ids', type: 'object', required: ['results'], properties: { results: { type: 'array', items: resultSchema } } }, default: problemResponse },
    },
  }, async (request) => {
    if (app.confab.draining()) throw new ConfabError('CONFAB_DRAINING', { retryAfterMs: 1000 });
    const results = await desk.settle(request.body.ids, action);
    return { results: results.map((result) => (result.error ? { id: result.id, code: result.error.code, detail: result.error.detail } : result)) };
  });
}

function actionRoute(app: FastifyInstance, desk: LetterDesk, action: LetterAction): void {
  app.post<LetterRoute>(`/v1/admin/dead-letters/:letterId/${action}`, {
    onRequest: administrators(app.confab.authenticator),
    schema: {
      operationId: `${action}DeadLetter`, tags: ['operation'], summary: action === 'retry' ? 'Retry a dead letter' : 'Discard a dead letter',
      description: action === 'retry'
        ? 'Appends its message anew, at a new position, and closes the letter, in one transaction: once, however often it is called.'
        : 'Closes the letter. Once, however often it is called.',
      params, response: { 200: { description: 'What became of it', ...settledSchema }, default: problemResponse },
    },
  }, async (request) => {
    if (app.confab.draining()) throw new ConfabError('CONFAB_DRAINING', { retryAfterMs: 1000 });
    const [result] = await desk.settle([request.params.letterId], action);
    if (result === undefined) throw new ConfabError('CONFAB_INTERNAL');
    if (result.error) throw result.error;
    return result;
  });
}
