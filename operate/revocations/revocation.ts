/** A revocation as it stands on the log and as operators see it. */
import type { RevocationRule, RevocationTarget } from '../../platform/auth/revocations.js';
import type { Revocation } from '../../schemas/types.js';

export interface RevocationView {
  readonly kind: RevocationTarget['kind'];
  readonly tenant?: string;
  readonly tokenId?: string;
  readonly subject?: string;
  readonly conversationId?: string;
  /** RFC 3339; null: of one token, whenever it was issued. */
  readonly issuedBefore: string | null;
  /** RFC 3339; null: for good. */
  readonly until: string | null;
  readonly reason: string | null;
  readonly revokedBy: string;
  readonly revokedAt: string;
}

/** What nobody can read in full still refuses: all that its key names. */
export const REFUSES_ALL: RevocationRule = { issuedBefore: null, until: null };

/** undefined: it was taken back. */
export function ruleOf(revocation: Revocation | null): RevocationRule | undefined {
  return revocation === null ? undefined : { issuedBefore: revocation.issuedBefore, until: revocation.until };
}

/** The fields of a record that say what it is about. */
export function fieldsOf(target: RevocationTarget): Pick<Revocation, 'kind' | 'tenant' | 'value'> {
  switch (target.kind) {
    case 'token': return { kind: 'token', tenant: null, value: target.tokenId };
    case 'subject': return { kind: 'subject', tenant: target.tenant, value: target.subject };
    case 'conversation': return { kind: 'conversation', tenant: target.tenant, value: target.conversationId };
    default: return { kind: 'tenant', tenant: target.tenant, value: '' };
  }
}

const NAMES: Readonly<Record<string, 'tokenId' | 'subject' | 'conversationId'>> = { token: 'tokenId', subject: 'subject', conversation: 'conversationId' };

export function viewOf({ kind, tenant, value, issuedBefore, until, reason, revokedBy, revokedAt }: Revocation): RevocationView {
  const name = NAMES[kind];
  const time = (millis: number | null): string | null => (millis === null ? null : new Date(millis).toISOString());
  return {
    kind: kind as RevocationTarget['kind'], ...(tenant === null ? {} : { tenant }), ...(name === undefined ? {} : { [name]: value }),
    issuedBefore: time(issuedBefore === null ? null : issuedBefore * 1_000), until: time(until), reason, revokedBy, revokedAt: new Date(revokedAt).toISOString(),
  };
}
