/** Who acts, and what they may do (docs: protocol, "Identity"). */
import { ConfabError } from './errors.js';

export type Scope = 'messages:write' | 'conversations:read' | 'conversations:all' | 'integration' | 'agent' | 'metrics:read' | 'admin';

/** One principal of one tenant: the actor of a request or socket. */
export interface Principal {
  readonly tenant: string;
  readonly subject: string;
  readonly scopes: ReadonlySet<string>;
  /** Conversations that the token names. */
  readonly conversations: ReadonlySet<string>;
  /** Bot that the token settles. */
  readonly bot: string | undefined;
  /** Milliseconds since the epoch; undefined: never (authentication is off). */
  readonly expiresAt: number | undefined;
}

export interface Authenticator {
  /** False when authentication is off: every request is the anonymous principal with all rights. */
  readonly required: boolean;
  /** @throws CONFAB_TOKEN_MISSING, CONFAB_TOKEN_INVALID, CONFAB_TOKEN_EXPIRED */
  authenticate(token: string | undefined): Promise<Principal>;
}

/** @throws CONFAB_SCOPE_MISSING */
export function requireScope(principal: Principal, ...anyOf: Scope[]): void {
  if (!anyOf.some((scope) => principal.scopes.has(scope))) {
    throw new ConfabError('CONFAB_SCOPE_MISSING', { detail: `The token needs the scope ${anyOf.join(' or ')}.` });
  }
}

const RESERVED = /^(ch|v):/;

/**
 * @throws CONFAB_SCOPE_MISSING without a scope that reads or writes; CONFAB_CONVERSATION_FORBIDDEN when the principal's
 *   scopes and claims do not open this conversation
 */
export function requireConversation(principal: Principal, conversationId: string, access: 'read' | 'write'): void {
  requireScope(principal, ...(access === 'read'
    ? ['conversations:read', 'agent', 'integration'] as const
    : ['messages:write', 'integration'] as const));
  if (principal.conversations.has(conversationId)) return;
  const all = principal.scopes.has('conversations:all')
    || (access === 'write' && principal.scopes.has('integration'))
    || (access === 'read' && principal.scopes.has('agent'));
  if (!all || RESERVED.test(conversationId)) throw new ConfabError('CONFAB_CONVERSATION_FORBIDDEN');
}
