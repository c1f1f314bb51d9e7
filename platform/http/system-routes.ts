/** What every process serves: health, metrics and what the server can do. */
import type { FastifyInstance } from 'fastify';
import { requireScope } from '../auth/auth.js';
import type { Metrics } from '../observability/metrics.js';
import { isLocal } from './admin-access.js';
import { bearerToken } from './identity.js';

export interface SystemRoutesOptions {
  readonly ready: () => boolean | Promise<boolean>;
  readonly metrics: Metrics;
}

export function systemRoutes(app: FastifyInstance, options: SystemRoutesOptions, done: () => void): void {
  const { confab } = app;
  app.get('/health/live', { schema: { hide: true } }, (_request, reply) => { void reply.send(); });
  app.get('/health/ready', { schema: { hide: true } }, async (_request, reply) => {
    const ready = !confab.draining() && await Promise.resolve().then(options.ready).catch(() => false);
    return reply.code(ready ? 200 : 503).send();
  });
  app.get('/metrics', { schema: { hide: true } }, async (request, reply) => {
    if (!isLocal(request)) requireScope(await confab.authenticator.authenticate(bearerToken(request.raw)), 'metrics:read', 'admin');
    return reply.type(options.metrics.contentType).send(await options.metrics.metrics());
  });
  app.get('/v1', {
    schema: {
      operationId: 'getFeatures', summary: 'What this server can do', tags: ['system'], security: [],
      description: 'Optional abilities. Some are listed only for who may use them: `xray` for a token with the scope `admin`, or without authentication for clients on the same machine.',
      response: { 200: { type: 'object', required: ['features'], properties: { features: { type: 'array', items: { type: 'string' } } } } },
    },
  }, async (request) => ({ features: await confab.features(request) }));
  done();
}
