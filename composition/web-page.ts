/**
 * The chat page and the widget as static files: `/`, `/widget.js` and `/assets/…`, made by `npm run build`.
 * Nothing inline runs: scripts, styles and sockets come from this server alone; who may frame the page is the allow-list.
 */
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ConfabError } from '../platform/errors.js';

export interface WebPageOptions {
  /** Where the build is. */
  readonly folder: string;
  /** CONFAB_ALLOWED_ORIGINS: they may show the page in a frame. */
  readonly allowedOrigins: readonly string[];
}

/** True when the pages were built. */
export function hasWebPage(folder: string): boolean {
  return existsSync(join(folder, 'index.html'));
}

export function webPage(app: FastifyInstance, { folder, allowedOrigins }: WebPageOptions, done: () => void): void {
  const csp = contentSecurityPolicy(allowedOrigins);
  // What the library will not look for (folders, dots, strange bytes) is not there, like all that it does not find.
  app.setErrorHandler((error: Error & { statusCode?: number }) => { throw error.statusCode !== undefined && error.statusCode < 500 ? new ConfabError('CONFAB_ROUTE_UNKNOWN', { cause: error }) : error; });
  void app.register(fastifyStatic, {
    root: join(folder, 'assets'), prefix: '/assets/', preCompressed: true, index: false, dotfiles: 'ignore', maxAge: '365d', immutable: true,
    setHeaders: (reply) => { void reply.header('content-security-policy', csp).header('referrer-policy', 'no-referrer'); },
  });
  const send = (reply: FastifyReply, file: string): FastifyReply => reply
    .header('content-security-policy', csp).header('referrer-policy', 'no-referrer').header('cache-control', 'no-cache')
    .sendFile(file, folder, { cacheControl: false });
  app.get('/', { schema: { hide: true } }, (_request, reply) => send(reply.header('permissions-policy', 'camera=(), microphone=(), geolocation=(), payment=()'), 'index.html'));
  // Other sites load this one: by its nature it is for every origin, whatever isolation they have chosen.
  app.get('/widget.js', { schema: { hide: true } }, (_request, reply) => send(reply.header('cross-origin-resource-policy', 'cross-origin'), 'widget.js'));
  app.get('/favicon.ico', { schema: { hide: true } }, (_request, reply) => reply.code(204).header('cache-control', 'max-age=86400').send());
  done();
}

/** `connect-src 'self'` covers this server's WebSockets (CSP 3: http matches ws, https matches wss). */
export function contentSecurityPolicy(allowedOrigins: readonly string[]): string {
  const ancestors = allowedOrigins.includes('*') ? '*' : ["'self'", ...allowedOrigins].join(' ');
  return `default-src 'self'; base-uri 'none'; form-action 'none'; object-src 'none'; frame-ancestors ${ancestors}`;
}
