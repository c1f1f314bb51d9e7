/** Who makes a request: the bearer token of a request or socket, and the hook that routes add to need a principal. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingMessage } from 'node:http';
import type { Authenticator, Principal } from '../auth/auth.js';
import { ConfabError } from '../errors.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** Set by the hook of `authenticated()`; read it by `principalOf`. */
    principal: Principal | null;
  }
}

const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i;
const BEARER_PROTOCOL = 'confab.bearer.';

/** @throws CONFAB_TOKEN_INVALID when there is an Authorization header of another form */
export function bearerToken(request: IncomingMessage): string | undefined {
  const header = request.headers.authorization;
  if (header === undefined) return undefined;
  const match = BEARER.exec(header);
  if (!match) throw new ConfabError('CONFAB_TOKEN_INVALID', { detail: 'The header Authorization must read "Bearer <JWT>".' });
  return match[1];
}

/** Subprotocols that a socket offers, in order. */
export function offeredProtocols(request: IncomingMessage): string[] {
  const header = request.headers['sec-websocket-protocol'];
  return header === undefined ? [] : header.split(',').map((name) => name.trim()).filter((name) => name !== '');
}

/** A browser cannot set Authorization on a socket: there the token comes as the subprotocol `confab.bearer.<JWT>`. */
export function socketToken(request: IncomingMessage): string | undefined {
  const offered = offeredProtocols(request).find((name) => name.startsWith(BEARER_PROTOCOL));
  return offered === undefined ? bearerToken(request) : offered.slice(BEARER_PROTOCOL.length);
}

type Done = (error?: Error) => void;
export type PrincipalHook = (request: FastifyRequest, reply: FastifyReply, done: Done) => void;

/** An onRequest hook: authenticates and sets `request.principal`; without waiting when the token was verified before. */
export function authenticated(authenticator: Authenticator): PrincipalHook {
  return (request, _reply, done) => {
    let token: string | undefined;
    try {
      token = bearerToken(request.raw);
    } catch (error) {
      done(error as Error);
      return;
    }
    const known = authenticator.known?.(token);
    if (known) { request.principal = known; done(); return; }
    authenticator.authenticate(token).then(
      (principal) => { request.principal = principal; done(); },
      (error: unknown) => { done(error as Error); },
    );
  };
}

/** The principal of a request whose route has the hook `authenticated()`. */
export function principalOf(request: FastifyRequest): Principal {
  if (!request.principal) throw new ConfabError('CONFAB_TOKEN_MISSING');
  return request.principal;
}
