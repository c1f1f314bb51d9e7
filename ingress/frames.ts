/**
 * Frames of `GET /v1/ingest`, as data: they validate what comes in, and docs/frames.md is generated from them.
 */
import { CONVERSATION_ID, IDEMPOTENCY_KEY, messageContent, messageProperties, type MessageBody } from './message-schema.js';

export interface FrameDocument {
  readonly socket: string;
  readonly subprotocol: string;
  /** Seen from the client: it sends `in`, it gets `out`. */
  readonly direction: 'in' | 'out';
  readonly type: string;
  readonly summary: string;
  readonly schema: object;
}

/** A frame `message`, checked. */
export interface IngestMessage extends MessageBody {
  readonly type: 'message';
  readonly ref: string;
  readonly conversationId: string;
  readonly idempotencyKey?: string;
}

const REF = { type: 'string', minLength: 1, maxLength: 128, description: 'Chosen by the client; comes back in the answer.' } as const;
const CODE = { type: 'string', description: 'Code of docs/errors.md.' } as const;
const RETRY = { type: 'integer', minimum: 0, description: 'A repeat can help after so many milliseconds.' } as const;

export const ingestMessageSchema = {
  type: 'object', additionalProperties: false, required: ['type', 'ref', 'conversationId'],
  properties: { type: { const: 'message' }, ref: REF, conversationId: CONVERSATION_ID, idempotencyKey: IDEMPOTENCY_KEY, ...messageProperties },
  oneOf: messageContent,
} as const;

const INGEST = { socket: '/v1/ingest', subprotocol: 'confab.ingest.v1' } as const;

export const ingestFrames: readonly FrameDocument[] = [
  { ...INGEST, direction: 'in', type: 'message', summary: 'A message of a person; any conversation that the token opens.', schema: ingestMessageSchema },
  {
    ...INGEST, direction: 'in', type: 'auth', summary: 'Renews the token of the socket, for the same tenant and subject.',
    schema: { type: 'object', required: ['type', 'token'], properties: { type: { const: 'auth' }, token: { type: 'string' } } },
  },
  {
    ...INGEST, direction: 'out', type: 'accepted', summary: 'The log has acknowledged the message. Within a conversation answers come in the order of the messages.',
    schema: {
      type: 'object', required: ['type', 'ref', 'messageId', 'position', 'duplicate'],
      properties: { type: { const: 'accepted' }, ref: REF, messageId: { type: 'string', description: 'ULID.' }, position: { type: 'string' }, duplicate: { type: 'boolean' } },
    },
  },
  {
    ...INGEST, direction: 'out', type: 'rejected', summary: 'The message was not accepted; with CONFAB_OUTCOME_UNKNOWN it may have been written.',
    schema: {
      type: 'object', required: ['type', 'ref', 'code', 'detail'],
      properties: { type: { const: 'rejected' }, ref: REF, code: CODE, detail: { type: 'string' }, retryAfterMs: RETRY },
    },
  },
  {
    ...INGEST, direction: 'out', type: 'error', summary: 'A frame that has no ref to answer to broke a rule.',
    schema: { type: 'object', required: ['type', 'code', 'detail'], properties: { type: { const: 'error' }, code: CODE, detail: { type: 'string' }, retryAfterMs: RETRY } },
  },
  {
    ...INGEST, direction: 'out', type: 'authenticated', summary: 'The token was renewed.',
    schema: { type: 'object', required: ['type', 'expiresAt'], properties: { type: { const: 'authenticated' }, expiresAt: { type: ['string', 'null'] } } },
  },
  {
    ...INGEST, direction: 'out', type: 'expiring', summary: 'The token ends in 60 seconds; renew it by `auth`, else the socket closes with 4003.',
    schema: { type: 'object', required: ['type', 'expiresAt'], properties: { type: { const: 'expiring' }, expiresAt: { type: 'string' } } },
  },
];
