/** Errors on HTTP: RFC 9457 problem+json from the catalogue, whatever was thrown. */
import type { FastifyError, FastifyRequest } from 'fastify';
import type { ErrorObject } from 'ajv';
import { ConfabError, toConfabError, type ErrorCode, type FieldError } from '../errors.js';
import { fieldErrors } from './validator.js';

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ErrorCode;
  readonly retryable: boolean;
  readonly errors?: readonly FieldError[];
  readonly traceId: string;
}

export function problemOf(error: ConfabError, docsUrl: string, traceId: string): Problem {
  return {
    type: `${docsUrl}/errors#${error.code}`,
    title: error.title,
    status: error.status,
    // What went wrong inside is for the log, not for the caller.
    detail: error.detail,
    code: error.code,
    retryable: error.retryable,
    ...(error.errors === undefined ? {} : { errors: error.errors }),
    traceId,
  };
}

/** For `response.default` of a route's schema: what OpenAPI says of every failure. */
export const problemResponse = {
  description: 'A problem (RFC 9457); /docs/errors explains the codes.',
  content: {
    'application/problem+json': {
      schema: {
        type: 'object', required: ['type', 'title', 'status', 'detail', 'code', 'retryable', 'traceId'],
        properties: {
          type: { type: 'string' }, title: { type: 'string' }, status: { type: 'integer' }, detail: { type: 'string' }, code: { type: 'string' }, retryable: { type: 'boolean' }, traceId: { type: 'string' },
          errors: { type: 'array', items: { type: 'object', required: ['pointer', 'detail'], properties: { pointer: { type: 'string' }, detail: { type: 'string' } } } },
        },
      },
    },
  },
} as const;

/** Seconds for Retry-After; every 429 and 503 has one. */
export function retryAfterSeconds(error: ConfabError): number | undefined {
  if (error.status !== 503 && error.status !== 429) return undefined;
  return Math.max(1, Math.ceil((error.retryAfterMs ?? 1000) / 1000));
}

/** Codes of Fastify that stand for one of ours. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'CONFAB_BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'CONFAB_CONTENT_TYPE_UNSUPPORTED',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'CONFAB_JSON_INVALID',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'CONFAB_JSON_INVALID',
  FST_ERR_CTP_INVALID_JSON_BODY: 'CONFAB_JSON_INVALID',
  FST_ERR_NOT_FOUND: 'CONFAB_ROUTE_UNKNOWN',
  FST_ERR_BAD_URL: 'CONFAB_ROUTE_UNKNOWN',
  FST_ERR_MAX_PARAM_LENGTH: 'CONFAB_URI_TOO_LONG',
  FST_STATIC_FORBIDDEN_PATH: 'CONFAB_ROUTE_UNKNOWN',
};

/** A broken schema as ours, by the part of the request that broke it. For Fastify's schemaErrorFormatter. */
export function schemaError(errors: readonly ErrorObject[], part: string): ConfabError {
  switch (part) {
    case 'body': return new ConfabError('CONFAB_BODY_INVALID', { errors: fieldErrors(errors) });
    case 'headers': return new ConfabError('CONFAB_IDEMPOTENCY_KEY_INVALID');
    case 'params': return new ConfabError('CONFAB_CONVERSATION_ID_INVALID');
    default:
      if (errors.some((error) => error.keyword === 'format' && (error.params as { format?: string }).format === 'position')) return new ConfabError('CONFAB_POSITION_INVALID');
      return new ConfabError('CONFAB_QUERY_INVALID', { errors: fieldErrors(errors) });
  }
}

/** Any error of a route, hook or of Fastify itself as ours; never throws. */
export function httpError(thrown: unknown): ConfabError {
  if (thrown instanceof ConfabError) return thrown;
  const { code: theirs = '', statusCode } = (thrown ?? {}) as Partial<FastifyError>;
  // The client went away in the middle of its body: nobody reads the answer, and it is no fault of ours to be logged.
  const code = theirs === 'ECONNRESET' && statusCode === 400 ? 'CONFAB_REQUEST_MALFORMED' : FASTIFY_CODES[theirs];
  return code === undefined ? toConfabError(thrown) : new ConfabError(code, { cause: thrown });
}

const TRACEPARENT = /^00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The caller's trace id, where it sent a valid one. */
export function traceIdOf(request: Pick<FastifyRequest, 'headers'>): string | undefined {
  const header = request.headers.traceparent;
  return typeof header === 'string' ? TRACEPARENT.exec(header)?.[1] : undefined;
}
