/** Which hosts and origins may talk to the server: one allow-list rules CORS and the Origin of WebSockets. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { ConfabError } from '../errors.js';
import { isLoopback } from './bind-rule.js';

export interface OriginRules {
  /** The address that the server is bound to. */
  readonly host: string;
  readonly authRequired: boolean;
  /** CONFAB_PUBLIC_URL. */
  readonly publicUrl?: string;
  /** CONFAB_ALLOWED_ORIGINS, beside the server's own origin, which always may. `*` only while authentication is off. */
  readonly allowedOrigins?: readonly string[];
}

const ALLOWED_HEADERS = 'authorization, content-type, idempotency-key, traceparent, tracestate';
const EXPOSED_HEADERS = 'retry-after';
const WIDE = new Set(['0.0.0.0', '::', '[::]', '']);

export class OriginGuard {
  private readonly publicUrl: URL | undefined;
  private readonly listed: ReadonlySet<string> | undefined;
  private readonly anyOrigin: boolean;
  private readonly bound: string | undefined;
  private readonly checksHost: boolean;
  /** Hosts that passed, as they were sent; bounded, since any name under `localhost` passes. */
  private readonly passed = new Set<string>();

  /** @throws CONFAB_CONFIG_INVALID `*` while authentication is on */
  constructor(rules: OriginRules) {
    this.publicUrl = rules.publicUrl === undefined ? undefined : new URL(rules.publicUrl);
    this.listed = rules.allowedOrigins && rules.allowedOrigins.length > 0 ? new Set(rules.allowedOrigins) : undefined;
    this.anyOrigin = this.listed?.has('*') ?? false;
    if (this.anyOrigin && rules.authRequired) throw new ConfabError('CONFAB_CONFIG_INVALID', { detail: 'CONFAB_ALLOWED_ORIGINS: "*" is refused while authentication is on.' });
    this.bound = WIDE.has(rules.host) ? undefined : rules.host.toLowerCase();
    // With authentication, a wide bind and no public address there is nothing to compare with, and tokens protect the server.
    this.checksHost = !rules.authRequired || this.publicUrl !== undefined || isLoopback(rules.host);
  }

  /** @throws CONFAB_HOST_FORBIDDEN */
  checkHost(hostHeader: string | undefined): void {
    if (!this.checksHost || this.passed.has(hostHeader ?? '')) return;
    const name = hostName(hostHeader ?? '');
    if (isLoopback(name) || name === this.publicUrl?.hostname || (name !== '' && name === this.bound)) {
      if (this.passed.size < 100) this.passed.add(hostHeader ?? '');
      return;
    }
    throw new ConfabError('CONFAB_HOST_FORBIDDEN');
  }

  /**
   * Checks the Origin of a request and lets the browser read the answer. Returns true when a preflight was answered.
   * @throws CONFAB_ORIGIN_FORBIDDEN
   */
  checkOrigin(request: FastifyRequest, reply: FastifyReply): boolean {
    const { origin } = request.headers;
    if (origin === undefined) return false;
    if (!this.allows(origin, request)) throw new ConfabError('CONFAB_ORIGIN_FORBIDDEN');
    void reply.header('access-control-allow-origin', origin).header('vary', 'origin').header('access-control-expose-headers', EXPOSED_HEADERS);
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return false;
    void reply.code(204).header('access-control-allow-methods', 'GET, HEAD, POST, PUT, DELETE').header('access-control-allow-headers', ALLOWED_HEADERS).header('access-control-max-age', '600').send();
    return true;
  }

  private allows(origin: string, request: FastifyRequest): boolean {
    if (this.anyOrigin || this.listed?.has(origin)) return true;
    return origin === this.publicUrl?.origin || origin === `${request.protocol}://${request.host}`;
  }
}

function hostName(header: string): string {
  return header.toLowerCase().replace(/:\d*$/, '');
}
