/**
 * The one schema of a message as clients send it: it validates bodies and frames, and OpenAPI and docs/frames.md show it.
 * `text` is brought to NFC before its length is looked at; lengths count Unicode code points.
 */

/** A message as it comes in, checked. */
export interface MessageBody {
  readonly text?: string;
  readonly postback?: { readonly payload: string; readonly replyId?: string };
  readonly userId?: string;
  readonly botId?: string;
  readonly locale?: string;
  readonly sentAt?: string;
  readonly attributes?: Readonly<Record<string, string>>;
}

export const CONVERSATION_ID = {
  type: 'string', pattern: '^[A-Za-z0-9._:-]{1,128}$', description: 'Id of the conversation, chosen by the client. Holds no personal data.', example: 'order-4711',
} as const;

export const IDEMPOTENCY_KEY = {
  type: 'string', pattern: '^[!-~]{1,128}$',
  description: 'For 24 hours the same key with the same body, in the same conversation, answers the first result again.',
} as const;

export const messageProperties = {
  text: { type: 'string', 'x-nfc': true, minLength: 1, maxLength: 4096, format: 'plain', description: 'What the person wrote; brought to NFC. Control characters other than line feed and tab are refused.', example: 'Where is my parcel?' },
  postback: {
    type: 'object', additionalProperties: false, required: ['payload'], description: 'The person chose a quick reply.',
    properties: {
      payload: { type: 'string', minLength: 1, maxLength: 1024, format: 'well-formed', description: 'Payload of the quick reply.' },
      replyId: { type: 'string', pattern: '^[!-~]{1,128}$', description: 'The reply that offered it.' },
    },
  },
  userId: { type: 'string', minLength: 1, maxLength: 256, format: 'plain', description: 'Who wrote it. Without the scope `integration` it is the subject of the token.' },
  botId: { type: 'string', pattern: '^[A-Za-z0-9._-]{1,64}$', description: 'The bot that answers; for integrations.' },
  locale: { type: 'string', maxLength: 64, format: 'locale', description: 'Language tag (BCP 47).', example: 'de-AT' },
  sentAt: { type: 'string', maxLength: 40, format: 'date-time', description: 'When the sender says it was sent (RFC 3339).' },
  attributes: {
    type: 'object', maxProperties: 32, propertyNames: { type: 'string', minLength: 1, maxLength: 64, format: 'name' },
    additionalProperties: { type: 'string', maxLength: 512, format: 'well-formed' }, description: 'Free attributes: at most 32, names up to 64, values up to 512 characters.',
  },
} as const;

/** Exactly one of the two. */
export const messageContent = [{ required: ['text'] }, { required: ['postback'] }] as const;

export const messageBodySchema = {
  type: 'object', additionalProperties: false, properties: messageProperties, oneOf: messageContent,
} as const;

export const acceptedSchema = {
  type: 'object', required: ['messageId', 'conversationId', 'position', 'duplicate'], additionalProperties: false,
  properties: {
    messageId: { type: 'string', description: 'ULID.' },
    conversationId: { type: 'string' },
    position: { type: 'string', description: 'Position of the message; `after` it come the replies to it and all later ones.' },
    duplicate: { type: 'boolean', description: 'True when an earlier request with the same key was accepted.' },
  },
} as const;
