/**
 * Tokens that are refused before they end: a table that is asked in constant time for each request, and an authenticator
 * that asks it. Where the table is filled from stands in composition/revocations.ts.
 */
import type { Authenticator, Principal } from './auth.js';
import type { Clock } from '../clock.js';
import { ConfabError } from '../errors.js';

/** What is revoked: one token by its id, or the tokens of a subject, a conversation or a tenant that were issued before a time. */
export type RevocationTarget =
  | { readonly kind: 'token'; readonly tokenId: string }
  | { readonly kind: 'subject'; readonly tenant: string; readonly subject: string }
  | { readonly kind: 'conversation'; readonly tenant: string; readonly conversationId: string }
  | { readonly kind: 'tenant'; readonly tenant: string };

export interface RevocationRule {
  /** Seconds since the epoch: refuses tokens that were issued before it, and those that do not say when; null: whenever. */
  readonly issuedBefore: number | null;
  /** Milliseconds: tokens that it is about have ended by then; null: it stays. */
  readonly until: number | null;
}

type Kind = RevocationTarget['kind'];
const KINDS: readonly Kind[] = ['token', 'subject', 'conversation', 'tenant'];

/** The key of a target on the log and in the table. Neither tenants nor conversation ids contain a slash. */
export function revocationKey(target: RevocationTarget): string {
  switch (target.kind) {
    case 'token': return `token:${target.tokenId}`;
    case 'subject': return `subject:${target.tenant}/${target.subject}`;
    case 'conversation': return `conversation:${target.tenant}/${target.conversationId}`;
    default: return `tenant:${target.tenant}`;
  }
}

export class RevocationTable {
  private readonly rules = new Map<string, RevocationRule>();
  /** How many there are of each kind: what nobody has revoked costs a request nothing. */
  private readonly counts: Record<Kind, number> = { token: 0, subject: 0, conversation: 0, tenant: 0 };

  constructor(private readonly clock: Pick<Clock, 'now'>) {}

  get size(): number { return this.rules.size; }

  /** undefined takes the rule back. What is no key of a revocation changes nothing. */
  set(key: string, rule: RevocationRule | undefined): void {
    const kind = KINDS.find((name) => key.startsWith(`${name}:`));
    if (kind === undefined) return;
    const had = this.rules.delete(key) ? 1 : 0;
    if (rule !== undefined) this.rules.set(key, rule);
    this.counts[kind] += (rule === undefined ? 0 : 1) - had;
  }

  /** Whether a token that is valid otherwise is refused. */
  refuses(principal: Principal): boolean {
    const { counts } = this;
    const { tenant, subject, tokenId, issuedAt } = principal;
    if (counts.token > 0 && tokenId !== undefined && this.holds(`token:${tokenId}`, issuedAt)) return true;
    if (counts.subject > 0 && this.holds(`subject:${tenant}/${subject}`, issuedAt)) return true;
    if (counts.tenant > 0 && this.holds(`tenant:${tenant}`, issuedAt)) return true;
    if (counts.conversation > 0) for (const id of principal.conversations) if (this.holds(`conversation:${tenant}/${id}`, issuedAt)) return true;
    return false;
  }

  private holds(key: string, issuedAt: number | undefined): boolean {
    const rule = this.rules.get(key);
    if (rule === undefined || (rule.until !== null && rule.until <= this.clock.now())) return false;
    return rule.issuedBefore === null || issuedAt === undefined || issuedAt < rule.issuedBefore;
  }
}

/** Tokens that are refused, as what verifies them and what holds sockets see them. */
export interface Revocations {
  /** The refusal of a principal; undefined: it may go on. */
  refusal(principal: Principal): ConfabError | undefined;
  /** Calls back when principals that were let in may be refused now. */
  watch(changed: () => void): void;
}

/** An authenticator that also refuses what was revoked. @throws (authenticate) CONFAB_TOKEN_REVOKED beside those of the other */
export function revocable(authenticator: Authenticator, revocations: Revocations): Authenticator {
  return {
    required: authenticator.required,
    revocations,
    known: (token) => {
      const principal = authenticator.known?.(token);
      return principal === undefined || revocations.refusal(principal) !== undefined ? undefined : principal;
    },
    async authenticate(token) {
      const principal = await authenticator.authenticate(token);
      const refusal = revocations.refusal(principal);
      if (refusal !== undefined) throw refusal;
      return principal;
    },
  };
}

export const revoked = (): ConfabError => new ConfabError('CONFAB_TOKEN_REVOKED');
