/**
 * Tokens by jose: HS256 with shared secrets, or a JWKS by URL. A verified token is remembered until it ends, so that a
 * request pays for a signature only once. Nothing here logs a token or puts one into an error.
 */
import { subtle } from 'node:crypto';
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { Authenticator, Principal } from './auth.js';
import type { Clock } from '../clock.js';
import { CONVERSATION_ID_FORM, DEFAULT_TENANT, TENANT_FORM } from '../conversation-key.js';
import { ConfabError } from '../errors.js';
import { TokenCache } from './token-cache.js';

export interface JwtAuthenticatorOptions {
  readonly clock: Clock;
  /** HS256 keys; several while a key is replaced. Each at least 32 bytes. */
  readonly secrets?: readonly string[];
  /** Where the public keys are; fetched on demand, kept, fetched again when a token names an unknown key (at most every 30 s). */
  readonly jwksUrl?: string;
  /** CONFAB_AUTH_AUDIENCE. */
  readonly audience: string;
  /** CONFAB_AUTH_ISSUER; without it any issuer that holds a key. */
  readonly issuer?: string;
  /** Tokens remembered. */
  readonly cacheSize?: number;
}

/** How far clocks of issuer and server may differ, seconds. */
const CLOCK_TOLERANCE = 5;
const MAX_TOKEN_LENGTH = 8192;
const MAX_CONVERSATIONS = 20;
/** The last second that is a date to JavaScript: `expiresAt` is told as one. */
const LATEST = 8.64e12;
const BOT_FORM = /^[A-Za-z0-9._-]{1,64}$/;
const JWKS_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'];

type Verify = (token: string, currentDate: Date) => Promise<JWTPayload>;

/** @throws CONFAB_CONFIG_INVALID neither or both of secrets and JWKS, or a secret that is too short */
export function createJwtAuthenticator(options: JwtAuthenticatorOptions): Authenticator {
  const verify = verifier(options);
  const cache = new TokenCache(options.clock, options.cacheSize ?? 50_000);
  return {
    required: true,
    known: (token) => (token === undefined ? undefined : cache.get(token)),
    async authenticate(token) {
      if (token === undefined || token === '') throw new ConfabError('CONFAB_TOKEN_MISSING');
      if (token.length > MAX_TOKEN_LENGTH) throw new ConfabError('CONFAB_TOKEN_INVALID');
      const known = cache.get(token);
      if (known) return known;
      const principal = principalOfClaims(await verify(token, new Date(options.clock.now())));
      cache.set(token, principal);
      return principal;
    },
  };
}

function verifier(options: JwtAuthenticatorOptions): Verify {
  const secrets = options.secrets ?? [];
  if ((secrets.length > 0) === (options.jwksUrl !== undefined)) {
    throw new ConfabError('CONFAB_CONFIG_INVALID', { detail: 'Set exactly one of CONFAB_AUTH_SECRET and CONFAB_AUTH_JWKS_URL.' });
  }
  const common = {
    audience: options.audience, requiredClaims: ['sub', 'iss', 'exp'], clockTolerance: CLOCK_TOLERANCE,
    ...(options.issuer === undefined ? {} : { issuer: options.issuer }),
  };
  if (options.jwksUrl !== undefined) {
    const keys: JWTVerifyGetKey = createRemoteJWKSet(new URL(options.jwksUrl), { cooldownDuration: 30_000, cacheMaxAge: 10 * 60_000, timeoutDuration: 3000 });
    return (token, currentDate) => checked(() => jwtVerify(token, keys, { ...common, algorithms: JWKS_ALGORITHMS, currentDate }));
  }
  const keys = secrets.map((secret) => {
    const bytes = new TextEncoder().encode(secret);
    if (bytes.length < 32) throw new ConfabError('CONFAB_CONFIG_INVALID', { detail: 'CONFAB_AUTH_SECRET needs at least 32 bytes.' });
    // Made into a key once: from bytes, jose would make one for each token, which costs as much as the signature.
    return subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['verify']);
  });
  return async (token, currentDate) => {
    for (const [index, making] of keys.entries()) {
      const key = await making;
      try {
        return await checked(() => jwtVerify(token, key, { ...common, algorithms: ['HS256'], currentDate }));
      } catch (error) {
        // Only a wrong signature speaks for another key.
        const wrongKey = error instanceof ConfabError && error.cause instanceof errors.JWSSignatureVerificationFailed;
        if (!wrongKey || index === keys.length - 1) throw error;
      }
    }
    throw new ConfabError('CONFAB_TOKEN_INVALID');
  };
}

/** Translates the errors of jose. */
async function checked(run: () => Promise<{ payload: JWTPayload }>): Promise<JWTPayload> {
  try {
    return (await run()).payload;
  } catch (cause) {
    if (cause instanceof errors.JWTExpired) throw new ConfabError('CONFAB_TOKEN_EXPIRED', { cause });
    if (cause instanceof errors.JWTClaimValidationFailed) throw new ConfabError('CONFAB_TOKEN_INVALID', { detail: `The claim ${cause.claim} is missing or wrong.`, cause });
    if (cause instanceof errors.JWKSTimeout || !(cause instanceof errors.JOSEError) || cause.constructor === errors.JOSEError) throw new ConfabError('CONFAB_KEYS_UNAVAILABLE', { cause, retryAfterMs: 1000 });
    throw new ConfabError('CONFAB_TOKEN_INVALID', { cause });
  }
}

/** @throws CONFAB_TOKEN_INVALID naming the claim */
export function principalOfClaims(payload: JWTPayload): Principal {
  const { sub, exp, scope, jti, iat } = payload;
  if (typeof sub !== 'string' || sub === '' || sub.length > 256) refuse('sub');
  if (typeof exp !== 'number' || !(Math.abs(exp) <= LATEST)) refuse('exp');
  if (scope !== undefined && typeof scope !== 'string') refuse('scope');
  const claim: unknown = payload.confab ?? {};
  if (typeof claim !== 'object' || claim === null || Array.isArray(claim)) refuse('confab');
  const { tenant = DEFAULT_TENANT, conversations = [], bot } = claim as { tenant?: unknown; conversations?: unknown; bot?: unknown };
  if (typeof tenant !== 'string' || !TENANT_FORM.test(tenant)) refuse('confab.tenant');
  if (!isConversations(conversations)) refuse('confab.conversations');
  if (bot !== undefined && (typeof bot !== 'string' || !BOT_FORM.test(bot))) refuse('confab.bot');
  return {
    tenant, subject: sub, bot, expiresAt: exp * 1000, conversations: new Set(conversations),
    tokenId: typeof jti === 'string' ? jti : undefined, issuedAt: typeof iat === 'number' ? iat : undefined,
    scopes: new Set((scope ?? '').split(' ').filter((name) => name !== '')),
  };
}

function isConversations(value: unknown): value is string[] {
  return Array.isArray(value) && value.length <= MAX_CONVERSATIONS && value.every((id) => typeof id === 'string' && CONVERSATION_ID_FORM.test(id));
}

function refuse(claim: string): never {
  throw new ConfabError('CONFAB_TOKEN_INVALID', { detail: `The claim ${claim} is missing or malformed.` });
}
