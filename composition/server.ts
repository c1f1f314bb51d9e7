/** The HTTP side of a process: routes of ingress and egress on one port, or health and metrics alone. */
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { AdminServer } from '../platform/admin-server.js';
import { authenticatorOff, type Authenticator } from '../platform/auth/auth.js';
import { OriginGuard } from '../platform/http/origin.js';
import { buildHttpServer } from '../platform/http/server.js';
import type { Component } from '../platform/lifecycle.js';
import { listenError } from '../platform/listen-error.js';
import { packageRoot, packageVersion } from '../platform/package-root.js';
import { addEgress, addIngress } from './edges.js';
import { addOperations } from './operations.js';
import { followRevocations } from './revocations.js';
import type { Infrastructure, Role } from './process.js';
import { defined } from './settings.js';
import { hasWebPage, webPage } from './web-page.js';

/** Of the time that a stop may take: the rest is for answers to the closes and for all that stops after the server. */
const CLOSING_SHARE = 0.5;

export interface ServerParts {
  readonly components: readonly Component[];
  /** Where it listens, once started. */
  url(): string;
}

export async function serverComponents(infrastructure: Infrastructure, roles: ReadonlySet<Role>, ready: () => boolean): Promise<ServerParts> {
  const { config, logger, metrics, random } = infrastructure;
  const { authenticator, components: following } = await withRevocations(infrastructure, await openAuthenticator(infrastructure));
  const admin = config.http.adminPort === undefined ? [] : [new AdminServer({ host: config.http.adminHost, port: config.http.adminPort, metrics, ready, logger, random, authenticator: undefined })];
  if (!roles.has('ingress') && !roles.has('egress')) {
    const guard = new OriginGuard({ host: config.http.host, authRequired: authenticator.required, ...defined({ publicUrl: config.http.publicUrl }) });
    const server = new AdminServer({ host: config.http.host, port: config.http.port, metrics, ready, logger, random, authenticator, checkHost: (host) => { guard.checkHost(host); } });
    return { components: [...admin, ...following, server], url: () => urlOf(config.http.host, server.port) };
  }
  const { app, parts } = await buildRoutes(infrastructure, roles, authenticator, ready);
  return { components: [...admin, ...following, ...parts, httpComponent(app, infrastructure)], url: () => urlOf(config.http.host, (app.server.address() as AddressInfo).port) };
}

/** The server with the routes of the roles, not yet listening; `parts` run behind the routes. */
export async function buildRoutes(infrastructure: Infrastructure, roles: ReadonlySet<Role>, authenticator: Authenticator, ready: () => boolean): Promise<{ readonly app: FastifyInstance; readonly parts: readonly Component[] }> {
  const { config } = infrastructure;
  const app = buildHttpServer({
    ...infrastructure, authenticator, ready, host: config.http.host, insecure: config.auth.mode === 'insecure', maxBodyBytes: config.http.maxBody,
    slowClientMillis: config.delivery.slowClient, maxSockets: config.delivery.maxSockets, maxHandshakes: config.delivery.maxHandshakes, version: packageVersion(),
    trustProxy: typeof config.http.trustProxy === 'object' ? [...config.http.trustProxy] : config.http.trustProxy,
    ...defined({ publicUrl: config.http.publicUrl, allowedOrigins: config.http.allowedOrigins }),
  });
  const parts: Component[] = [];
  if (roles.has('egress')) { parts.push(await addEgress(app, infrastructure)); await addWebPage(app, infrastructure); await addInspection(app, infrastructure); await addOperations(app, infrastructure); }
  if (roles.has('ingress')) parts.push(await addIngress(app, infrastructure));
  return { app, parts };
}

/** What operators look at: the story of a conversation, as it is and as it goes on. */
async function addInspection(app: FastifyInstance, { log, codec, clock, config }: Infrastructure): Promise<void> {
  const { inspectRoutes } = await import('../inspect/routes.js');
  await app.register(inspectRoutes, { log, codec, clock, prefix: config.pipeline.prefix });
}

/** The chat page, where it was built. */
async function addWebPage(app: FastifyInstance, { config, logger }: Infrastructure): Promise<void> {
  const folder = join(packageRoot(), 'dist/web');
  if (hasWebPage(folder)) await app.register(webPage, { folder, allowedOrigins: config.http.allowedOrigins ?? [] });
  else logger.warn({ folder }, 'there is no chat page: npm run build');
}

async function openAuthenticator({ config, clock }: Infrastructure): Promise<Authenticator> {
  const { auth } = config;
  if (auth.mode !== 'jwt') return authenticatorOff();
  const { createJwtAuthenticator } = await import('../platform/auth/jwt.js');
  return createJwtAuthenticator({ clock, audience: auth.audience, ...defined({ issuer: auth.issuer, secrets: auth.secret === undefined ? undefined : [auth.secret.reveal()], jwksUrl: auth.jwksUrl }) });
}

/** Where there are no tokens there is nothing to revoke. */
async function withRevocations(infrastructure: Infrastructure, authenticator: Authenticator): Promise<{ authenticator: Authenticator; components: readonly Component[] }> {
  if (!authenticator.required) return { authenticator, components: [] };
  const followed = await followRevocations(infrastructure, authenticator);
  return { authenticator: followed.authenticator, components: [followed.component] };
}

/** Started last and stopped first: the doors close before the rooms. */
function httpComponent(app: FastifyInstance, { config }: Infrastructure): Component {
  return {
    name: 'http',
    async start() {
      try {
        await app.listen({ host: config.http.host, port: config.http.port });
      } catch (error) {
        throw await listenError(error, config.http.host, config.http.port);
      }
    },
    drain: () => { app.confab.drain(); },
    // Stages and the reader of replies stop after this: sockets that are still open get their replies.
    stop: async () => {
      await app.confab.closeSockets(config.http.drainTimeout * CLOSING_SHARE);
      await app.close();
    },
  };
}

function urlOf(host: string, port: number): string {
  const shown = host === '0.0.0.0' || host === '::' ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${shown}:${port}`;
}
