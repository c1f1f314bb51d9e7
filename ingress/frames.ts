/** The frames of the subprotocol confab.ingest.v1 as data: what validates them is what the documentation shows. */
import { faultFields, frame, sessionFrames, type FrameDefinition } from '../platform/http/frame.js';
import { CONVERSATION_ID, IDEMPOTENCY_KEY, messageContent, messageProperties, type MessageBody } from './message-schema.js';

/** A frame `message`, checked. */
export interface IngestMessage extends MessageBody {
  readonly type: 'message';
  readonly ref: string;
  readonly conversationId: string;
  readonly idempotencyKey?: string;
}

const REF = { type: 'string', minLength: 1, maxLength: 128, description: 'Chosen by the client; comes back in the answer.' } as const;
export const ingestMessageSchema = {
  type: 'object', additionalProperties: false, required: ['type', 'ref', 'conversationId'],
  properties: { type: { const: 'message' }, ref: REF, conversationId: CONVERSATION_ID, idempotencyKey: IDEMPOTENCY_KEY, ...messageProperties },
  oneOf: messageContent,
} as const;

export const frames = {
  message: { from: 'client', purpose: 'A message of a person, in any conversation that the token opens; the fields are those of the body of `POST /v1/conversations/{conversationId}/messages`.', schema: ingestMessageSchema },
  accepted: frame('server', 'accepted', 'The log has acknowledged the message. Within a conversation answers come in the order of the messages.', {
    ref: REF, messageId: { type: 'string', description: 'ULID.' }, position: { type: 'string', format: 'position', description: 'Opaque; compares as a string within a conversation.' },
    duplicate: { type: 'boolean', description: 'The key was known: this is the result of the first message with it.' },
  }),
  rejected: frame('server', 'rejected', 'The message was not accepted; with CONFAB_OUTCOME_UNKNOWN it may have been written.', { ref: REF, ...faultFields.required }, faultFields.optional),
  error: frame('server', 'error', 'A frame that has no `ref` to answer to broke a rule; the socket stays open.', faultFields.required, faultFields.optional),
  ...sessionFrames,
} as const satisfies Record<string, FrameDefinition>;
