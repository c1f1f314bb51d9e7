/** What a process serves, without starting one: its OpenAPI document for the reference pages, and its routes. */
import type { FastifyInstance } from 'fastify';
import { SettingsTable } from '../operate/rollout/settings-table.js';
import { authenticatorOff } from '../platform/auth/auth.js';
import { ManualClock } from '../platform/clock-manual.js';
import { loadConfig } from '../platform/config.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { MemoryLiveBus } from '../platform/live-bus/memory.js';
import { silentLogger } from '../platform/observability/logger.js';
import { createMetrics } from '../platform/observability/metrics.js';
import { MemoryNodeBoard } from '../platform/node-board/memory.js';
import { noTracer } from '../platform/observability/tracing.js';
import { seededRandom } from '../platform/random.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import { ensureTopology } from '../topology/ensure.js';
import { topology } from '../topology/topology.js';
import type { Infrastructure, Role } from './process.js';
import { buildRoutes } from './server.js';
import { topologySettings } from './settings.js';

/** `GET /openapi.json` of a process with all roles. What is not registered is not described. */
export const openApiDocument = (): Promise<object> => served(['ingress', 'egress'], (app) => (app as unknown as { swagger(): object }).swagger());

/** Every route of a process with these roles, sockets and pages too, as `METHOD /path/:parameter`. */
export const routesOf = (...roles: readonly Role[]): Promise<readonly string[]> => served(roles, (app) => app.confab.routes());

/** Built by the same code as that of a process, on a log in memory. */
async function served<T>(roles: readonly Role[], read: (app: FastifyInstance) => T): Promise<T> {
  const config = loadConfig({}, { serving: false });
  const [clock, random] = [new ManualClock(), seededRandom(1)];
  const log = new MemoryEventLog({ clock, random });
  await ensureTopology({ log, clock, topology, settings: topologySettings(config), apply: 'on-start', logger: silentLogger });
  const infrastructure: Infrastructure = { config, clock, random, logger: silentLogger, metrics: createMetrics(), tracer: noTracer, log, codec: createLocalCodec(), redis: undefined, live: new MemoryLiveBus(), state: undefined, rollout: { bots: undefined, settings: new SettingsTable(), board: new MemoryNodeBoard(), deployed: () => false } };
  const { app, parts } = await buildRoutes(infrastructure, new Set(roles), authenticatorOff(), () => true);
  await app.ready();
  const result = read(app);
  await app.close();
  for (const part of [...parts].reverse()) await part.stop?.();
  await log.close();
  return result;
}
