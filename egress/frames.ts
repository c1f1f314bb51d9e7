/** The frames of the subprotocol confab.v1 as data: what validates them is what the documentation shows. */
import { CONVERSATION_ID_FORM } from '../platform/conversation-key.js';
import { faultFields, frame, sessionFrames, type FrameDefinition } from '../platform/http/frame.js';

const id = { type: 'string', pattern: CONVERSATION_ID_FORM.source, description: '1 to 128 characters of A-Z a-z 0-9 . _ : -' } as const;
const position = { type: 'string', format: 'position', description: 'Opaque; compares as a string within a conversation.' } as const;
const time = { type: 'string', format: 'date-time' } as const;
const text = { type: 'string' } as const;
const messageId = { type: ['string', 'null'], description: 'The message that it is the outcome of; null when no message asked for it.' } as const;

const author = {
  type: 'object', required: ['type'], additionalProperties: true,
  properties: { type: { enum: ['bot', 'agent', 'system', 'person'] }, name: text },
} as const;

const buttons = { type: 'array', items: { type: 'object', required: ['title'], properties: { title: text, url: text, payload: text }, additionalProperties: true }, description: 'Each opens its url or is sent back as a postback.' } as const;
const image = { type: 'object', required: ['url', 'alt'], properties: { url: text, alt: text }, additionalProperties: true } as const;
const citations = { type: 'array', items: { type: 'object', required: ['title', 'source'], properties: { title: text, source: text, url: text }, additionalProperties: true }, description: 'What the text is taken from.' } as const;

export const frames = {
  subscribe: frame('client', 'subscribe', 'Follows a conversation (`/v1/stream` only): from now on, or everything after a position.', { conversationId: id }, { after: position }),
  unsubscribe: frame('client', 'unsubscribe', 'Ends a subscription (`/v1/stream` only).', { conversationId: id }),
  received: frame('client', 'received', 'Everything up to the position has arrived. The position is one that came on this subscription, or lies before it; another is refused by `CONFAB_RECEIPT_INVALID`.', { conversationId: id, position }),
  read: frame('client', 'read', 'Everything up to the position has been read. Positions as in `received`.', { conversationId: id, position }),
  typingFromClient: frame('client', 'typing', 'The person is writing; at most one in 3 s counts.', { conversationId: id }),
  ready: frame('server', 'ready', 'The subscription stands. `recovered` is false when outcomes after the position asked for can no longer be had: read the events and go on from `position`.', { conversationId: id, position, recovered: { type: 'boolean' } }),
  recovering: frame('server', 'recovering', 'Older outcomes are being looked for; comes every 5 s until `ready` or the first of them.', { conversationId: id }),
  reply: frame('server', 'reply', 'The reply to a message.', {
    conversationId: id, position, replyId: text, inReplyTo: messageId, author, text, createdAt: time,
  }, {
    parts: { type: 'array', items: { type: 'object', properties: { text, buttons, image, citations }, additionalProperties: true } },
    quickReplies: { type: 'array', items: { type: 'object', required: ['title', 'payload'], properties: { title: text, payload: text }, additionalProperties: true } },
  }),
  outcome: frame('server', 'outcome', 'The outcome of a message that has no reply.', { conversationId: id, position, inReplyTo: messageId, outcome: { enum: ['silent', 'handed_off', 'dead_lettered'] } }),
  handoff: frame('server', 'handoff', 'The conversation goes over to a person or back to the bot.', { conversationId: id, position, to: { enum: ['person', 'bot'] } }, { reason: text }),
  delta: frame('server', 'delta', 'The next piece of a reply that is being made. `index` counts its pieces from 0; 0 starts it over. Never resumed, and any of it may be lost: the whole `reply` follows and takes its place.', { conversationId: id, replyId: text, index: { type: 'integer', minimum: 0 }, text }),
  receipt: frame('server', 'receipt', 'Another socket of the conversation has everything up to the position, or its person has read it. Cumulative, and never shown after a newer one; comes live only.', { conversationId: id, position, state: { enum: ['delivered', 'read'] } }),
  typing: frame('server', 'typing', 'Somebody is writing.', { conversationId: id, author }),
  error: frame('server', 'error', 'A fault of one frame or subscription; the socket stays open.', faultFields.required, { conversationId: id, ...faultFields.optional }),
  ...sessionFrames,
} as const satisfies Record<string, FrameDefinition>;
