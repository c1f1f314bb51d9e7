/** From a checked body to the record that the log keeps. */
import type { Principal } from '../platform/auth/auth.js';
import { instantOf } from '../platform/http/validator.js';
import type { Message } from '../schemas/types.js';
import { bodyHash, keyHash } from './acceptance/hashes.js';
import type { MessageBody } from './message-schema.js';
import { chooseBot, chooseUser, type BotChoiceOptions } from './plugins/bot-choice.js';

export interface DraftOptions {
  readonly bots: BotChoiceOptions;
  readonly nextId: () => string;
}

const PERSON = Object.freeze({ type: 'person', name: null });
const NO_ATTRIBUTES = Object.freeze({});

/** @throws CONFAB_USER_MISMATCH, CONFAB_SCOPE_MISSING, CONFAB_BODY_INVALID (unknown bot) */
export function draftMessage(options: DraftOptions, principal: Principal, conversationId: string, body: MessageBody, idempotencyKey: string | undefined): Message {
  const { postback } = body;
  const keyed = idempotencyKey !== undefined;
  return {
    kind: postback === undefined ? 'text' : 'postback',
    messageId: options.nextId(),
    botId: chooseBot(options.bots, principal, body.botId),
    channel: principal.scopes.has('integration') ? 'api' : 'web',
    accountId: null,
    userId: chooseUser(principal, body.userId),
    author: PERSON,
    text: body.text ?? null,
    payload: postback?.payload ?? null,
    replyId: postback?.replyId ?? null,
    locale: body.locale ?? null,
    attributes: body.attributes ?? NO_ATTRIBUTES,
    sentAt: body.sentAt === undefined ? null : instantOf(body.sentAt) ?? null,
    idempotencyKeyHash: keyed ? keyHash(principal.tenant, conversationId, idempotencyKey) : null,
    bodyHash: keyed ? bodyHash(body) : null,
    retryOf: null,
  };
}
