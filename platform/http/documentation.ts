/** `GET /openapi.json`, `GET /docs` (Swagger UI from this server, no inline scripts) and `GET /docs/errors` (the catalogue). */
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { catalogue } from '../errors.js';

const CSP = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

export function documentationRoutes(app: FastifyInstance, _options: object, done: () => void): void {
  void app.register(swaggerUi, {
    routePrefix: '/docs', staticCSP: CSP,
    uiConfig: { docExpansion: 'list', deepLinking: false, url: '/openapi.json', validatorUrl: null } as object,
  });
  app.get('/openapi.json', { schema: { hide: true } }, (_request, reply) => {
    void reply.type('application/json; charset=utf-8').send(JSON.stringify(app.swagger()));
  });
  app.get('/docs/errors', { schema: { hide: true } }, (_request, reply) => {
    void reply.header('content-security-policy', "default-src 'none'; frame-ancestors 'none'").type('text/html; charset=utf-8').send(errorsPage());
  });
  done();
}

function errorsPage(): string {
  const rows = Object.entries(catalogue).map(([code, { status, retryable, title, help }]) =>
    `<h2 id="${code}">${code}</h2><p>${status}${retryable ? ', a repeat can help' : ''}. ${escape(title)}. ${escape(help)}</p>`);
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Confab: errors</title></head><body><h1>Errors</h1>${rows.join('\n')}</body></html>`;
}

function escape(text: string): string {
  return text.replace(/[&<>]/g, (character) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[character] ?? character);
}
