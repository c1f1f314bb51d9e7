/** A message of messages.v1 as an event of its conversation. */
import type { RecordCodec } from '../../schemas/codec.js';
import type { Message } from '../../schemas/types.js';
import { plain } from '../outcomes/outcome.js';

/** Kinds that somebody wrote; the others show by what they caused. */
const SHOWN = new Set(['text', 'postback', 'attachment', 'edit', 'reaction', 'agent']);

/** For the documentation. */
export const messageSchema = {
  type: 'object', required: ['type', 'messageId', 'conversationId', 'position', 'author', 'createdAt'],
  properties: {
    type: { const: 'message' }, messageId: { type: 'string', description: 'ULID.' }, conversationId: { type: 'string' }, position: { type: 'string' },
    author: { type: 'object', required: ['type'], properties: { type: { enum: ['person', 'agent', 'bot', 'system'] }, name: { type: 'string' } } },
    text: { type: 'string' },
    postback: { type: 'object', required: ['payload'], properties: { payload: { type: 'string' }, replyId: { type: 'string' } } },
    createdAt: { type: 'string', format: 'date-time' },
  },
} as const;

/** The event as JSON text; undefined for what is no event of its own or cannot be read. */
export function messageEvent(codec: RecordCodec<Message>, value: Buffer, conversationId: string, position: string, timestamp: number): string | undefined {
  let message: Message;
  try { message = codec.decode(value); } catch { return undefined; }
  if (message.kind === 'handoff') return handoffEvent(message, conversationId, position);
  if (!SHOWN.has(message.kind)) return undefined;
  const { author, text, payload, replyId } = message;
  return JSON.stringify({
    type: 'message', messageId: message.messageId, conversationId, position,
    author: typeof author.name === 'string' ? { type: author.type, name: author.name } : { type: author.type },
    ...(text === null ? {} : { text: plain(text) }),
    ...(message.kind === 'postback' ? { postback: { payload: plain(payload), ...(replyId === null ? {} : { replyId }) } } : {}),
    createdAt: new Date(timestamp).toISOString(),
  });
}

function handoffEvent(message: Message, conversationId: string, position: string): string {
  let data: { to?: unknown; reason?: unknown } = {};
  try { data = JSON.parse(plain(message.payload)) as typeof data; } catch { /* it says nothing more */ }
  return JSON.stringify({
    type: 'handoff', conversationId, position, to: data.to === 'bot' ? 'bot' : 'person',
    ...(typeof data.reason === 'string' ? { reason: data.reason } : {}),
  });
}
