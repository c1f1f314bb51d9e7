/** Who may use the routes under /v1/admin: a token with the scope `admin`; without authentication only this machine. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { requireScope, type Authenticator } from '../auth/auth.js';
import { ConfabError } from '../errors.js';
import { isLoopback } from './bind-rule.js';
import { authenticated, bearerToken, type PrincipalHook } from './identity.js';

/** The client is on this machine, and no proxy stands between. */
export function isLocal(request: Pick<FastifyRequest, 'headers' | 'raw'>): boolean {
  const { headers, raw } = request;
  return headers.forwarded === undefined && headers['x-forwarded-for'] === undefined && isLoopback(raw.socket.remoteAddress ?? '');
}

/** @throws CONFAB_SCOPE_MISSING authentication is off, and the client is not on this machine */
export function requireLocal(request: Pick<FastifyRequest, 'headers' | 'raw'>): void {
  if (!isLocal(request)) throw new ConfabError('CONFAB_SCOPE_MISSING', { detail: 'While authentication is off this route is for clients on the same machine, without a proxy in between.' });
}

/** An onRequest hook for administrative routes: sets `request.principal`. */
export function administrators(authenticator: Authenticator): PrincipalHook {
  const known = authenticated(authenticator);
  return (request: FastifyRequest, reply: FastifyReply, done) => {
    known(request, reply, (error) => {
      if (error !== undefined) { done(error); return; }
      try {
        if (!authenticator.required) requireLocal(request);
        else if (request.principal !== null) requireScope(request.principal, 'admin');
        done();
      } catch (refusal) {
        done(refusal as Error);
      }
    });
  };
}

/** Whether who asks could use them: for what a server offers, never instead of a check. */
export async function mayAdminister(authenticator: Authenticator, request: Pick<FastifyRequest, 'headers' | 'raw'>): Promise<boolean> {
  if (!authenticator.required) return isLocal(request);
  try {
    return (await authenticator.authenticate(bearerToken(request.raw))).scopes.has('admin');
  } catch {
    return false;
  }
}
