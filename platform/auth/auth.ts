/** Who acts, and what they may do (docs: protocol, "Identity"). */
import type { Revocations } from './revocations.js';
import { DEFAULT_TENANT } from '../conversation-key.js';
import { ConfabError } from '../errors.js';

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
  /** Claim `jti`: by it one token is revoked. */
  readonly tokenId?: string | undefined;
  /** Claim `iat`, seconds since the epoch. Without it a token counts as older than every revocation. */
  readonly issuedAt?: number | undefined;
}

export interface Authenticator {
  /** False when authentication is off: every request is the anonymous principal with all rights. */
  readonly required: boolean;
  /** @throws CONFAB_TOKEN_MISSING, CONFAB_TOKEN_INVALID, CONFAB_TOKEN_EXPIRED, CONFAB_TOKEN_REVOKED, CONFAB_KEYS_UNAVAILABLE */
  authenticate(token: string | undefined): Promise<Principal>;
  /** The principal of a token that was verified before and still holds, at once; undefined: ask `authenticate`. */
  known?(token: string | undefined): Principal | undefined;
  /** Tokens that are refused before they end; without it there are none. */
  readonly revocations?: Revocations;
}

const ALL_SCOPES: readonly Scope[] = ['messages:write', 'conversations:read', 'conversations:all', 'integration', 'agent', 'metrics:read', 'admin'];

/** Who acts where authentication is off: everything in the default tenant, except ids made by channels and for visitors. */
export const ANONYMOUS: Principal = {
  tenant: DEFAULT_TENANT, subject: 'anonymous', scopes: new Set<string>(ALL_SCOPES), conversations: new Set(), bot: undefined, expiresAt: undefined,
};

/** Authentication is off: allowed on a loopback bind, or when asked for by name (platform/http/bind-rule.ts). */
export function authenticatorOff(): Authenticator {
  return { required: false, authenticate: () => Promise.resolve(ANONYMOUS), known: () => ANONYMOUS };
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
