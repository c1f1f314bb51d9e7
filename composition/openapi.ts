/** The OpenAPI document of a process with all roles, without starting one: `GET /openapi.json` as text for the reference pages. */
import { authenticatorOff } from '../platform/auth.js';
import { ManualClock } from '../platform/clock-manual.js';
import { loadConfig } from '../platform/config.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { silentLogger } from '../platform/observability/logger.js';
import { createMetrics } from '../platform/observability/metrics.js';
import { noTracer } from '../platform/observability/tracing.js';
import { seededRandom } from '../platform/random.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import { ensureTopology } from '../topology/ensure.js';
import { topology } from '../topology/topology.js';
import type { Infrastructure } from './process.js';
import { buildRoutes } from './server.js';
import { topologySettings } from './settings.js';

/** Built by the same code as that of a process, on a log in memory: what is not registered there is not described. */
export async function openApiDocument(): Promise<object> {
  const config = loadConfig({}, { serving: false });
  const [clock, random] = [new ManualClock(), seededRandom(1)];
  const log = new MemoryEventLog({ clock, random });
  await ensureTopology({ log, clock, topology, settings: topologySettings(config), apply: 'on-start', logger: silentLogger });
  const infrastructure: Infrastructure = { config, clock, random, logger: silentLogger, metrics: createMetrics(), tracer: noTracer, log, codec: createLocalCodec(), redis: undefined, bots: undefined };
  const { app, parts } = await buildRoutes(infrastructure, new Set(['ingress', 'egress']), authenticatorOff(), () => true);
  await app.ready();
  const document = (app as unknown as { swagger(): object }).swagger();
  await app.close();
  for (const part of [...parts].reverse()) await part.stop?.();
  await log.close();
  return document;
}
