/** One process: which parts its roles need, made, started in order and stopped in the opposite one. */
import { ConfabError } from '../platform/errors.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import { Lifecycle, type Component } from '../platform/lifecycle.js';
import { MemoryLiveBus } from '../platform/live-bus/memory.js';
import { createProcessMetrics, type Metrics } from '../platform/observability/metrics.js';
import type { Tracer } from '../platform/observability/tracing.js';
import { packageVersion } from '../platform/package-root.js';
import type { RedisConnection } from '../platform/redis/redis.js';
import { fixedBots } from '../processors/bot/index.js';
import { stageFactories, stageNames } from '../processors/index.js';
import { fileModelCache } from '../processors/model-cache.js';
import { createRunner } from '../processors/runner.js';
import type { EffectRunner } from '../processors/runner/effects.js';
import type { Stage } from '../processors/stage.js';
import type { StateStore } from '../platform/state/state-store.js';
import type { Codec } from '../schemas/codec.js';
import { ensureTopology } from '../topology/ensure.js';
import { topicsOf } from '../topology/rights.js';
import { topology, type StageName } from '../topology/topology.js';
import type { FirstTraining } from './bots/first-training.js';
import { firstTraining, modelsFolder } from './bots/open.js';
import { openEffects } from './effects.js';
import { openCodec, openLog, openRedis, openState, openTracer, type Base } from './infrastructure.js';
import { patiently, type Patience } from './patience.js';
import { topologySettings } from './settings.js';
import { openRollout, type NodeRollout } from './rollout/open.js';
import { serverComponents } from './server.js';

/** What the parts of a process share. */
export interface Infrastructure extends Base {
  readonly metrics: Metrics;
  readonly tracer: Tracer;
  readonly log: EventLog;
  readonly codec: Codec;
  readonly redis: RedisConnection | undefined;
  /** From stages to sockets of this process; where there is Redis, that carries them to all. */
  readonly live: MemoryLiveBus;
  /** States of conversations; processes of other roles have none. */
  readonly state: StateStore | undefined;
  /** Bots and settings as they are rolled out. */
  readonly rollout: NodeRollout;
}

export type Role = StageName | 'ingress' | 'egress';
export const ROLES: readonly Role[] = ['ingress', ...stageNames, 'egress'];

export interface RunningProcess {
  readonly lifecycle: Lifecycle;
  /** Where it listens. */
  readonly url: string;
}

/** @throws every coded error of a start: nothing is left open then */
export async function startProcess(base: Base): Promise<RunningProcess> {
  const { config, clock, logger } = base;
  const roles = new Set(rolesOf(config.roles));
  const lifecycle = new Lifecycle({ clock, logger, drainTimeout: config.http.drainTimeout });
  const opened: Component[] = [];
  // Beside all that follows: it has a process of its own.
  const training = roles.has('intent') ? firstTraining(base) : undefined;
  try {
    const patience = { clock, logger, until: clock.monotonic() + config.http.startTimeout };
    const basis = await openInfrastructure(base, roles, patience, opened);
    await patiently(patience, 'the log', () => ensureTopology({ log: basis.log, clock, topology, settings: topologySettings(config), apply: config.pipeline.topologyApply, topics: topicsOf(topology, [...roles]), logger }));
    const infrastructure = { ...basis, rollout: await rolloutFor(basis, roles, { patience, training }, opened) };
    const effects = await effectsFor(infrastructure, roles, opened);
    for (const component of stageComponents(infrastructure, roles, { lifecycle, effects })) opened.push(component);
    const server = await serverComponents(infrastructure, roles, () => lifecycle.readiness().ready);
    for (const component of [...opened, ...server.components]) lifecycle.add(component);
    opened.length = 0;
    lifecycle.handleSignals();
    await lifecycle.start();
    return { lifecycle, url: server.url() };
  } catch (error) {
    training?.stop();
    for (const component of opened.reverse()) await component.stop?.();
    throw error;
  }
}

/** Every process follows what is rolled out as far as its roles need it. @throws CONFAB_BOT_INVALID, CONFAB_BOT_UNKNOWN */
async function rolloutFor(basis: Omit<Infrastructure, 'rollout'>, roles: ReadonlySet<Role>, { patience, training }: { patience: Patience; training: FirstTraining | undefined }, opened: Component[]): Promise<NodeRollout> {
  const { rollout, components } = await patiently(patience, 'the log', () => openRollout(basis, roles, training));
  opened.push(...components);
  return rollout;
}

/** @throws CONFAB_USAGE */
function rolesOf(wanted: readonly string[]): readonly Role[] {
  const unknown = wanted.find((name) => !(ROLES as readonly string[]).includes(name));
  if (unknown !== undefined) throw new ConfabError('CONFAB_USAGE', { detail: `There is no role "${unknown}"; there are ${ROLES.join(', ')}.` });
  return wanted.length === 0 ? ROLES : wanted as Role[];
}

/** Opens what everything stands on, in an order in which it can be closed backwards. */
async function openInfrastructure(base: Base, roles: ReadonlySet<Role>, patience: Patience, opened: Component[]): Promise<Omit<Infrastructure, 'rollout'>> {
  const { config } = base;
  const metrics = createProcessMetrics({ version: packageVersion(), roles: config.roles });
  const tracer = await openTracer(base, config.roles.join(',') || 'all');
  opened.push({ name: 'tracer', stop: () => tracer.close() });
  const redis = await patiently(patience, 'Redis', () => openRedis(base));
  if (redis !== undefined) opened.push({ name: 'redis', stop: () => redis.close() });
  const log = await patiently(patience, 'the log', () => openLog(base, { metrics }));
  opened.push({ name: 'log', stop: () => log.close() });
  await patiently(patience, 'the log', () => log.check());
  const codec = await patiently(patience, 'the schema registry', () => openCodec(base));
  return { ...base, metrics, tracer, log, codec, redis, live: new MemoryLiveBus(), state: await stateFor(base, roles, { log, redis, patience }, opened) };
}

/** Stages need it; operators reach it through egress. */
async function stateFor(base: Base, roles: ReadonlySet<Role>, { log, redis, patience }: Pick<Infrastructure, 'log' | 'redis'> & { patience: Patience }, opened: Component[]): Promise<StateStore | undefined> {
  if (!roles.has('egress') && !stageNames.some((name) => roles.has(name))) return undefined;
  const state = await openState(base.config, log, redis);
  opened.push({ name: 'state', stop: () => state.close() });
  await patiently(patience, 'the state store', () => state.check());
  return state;
}

/** What the dialogue waits for. */
async function effectsFor(infrastructure: Infrastructure, roles: ReadonlySet<Role>, opened: Component[]): Promise<EffectRunner | undefined> {
  if (!roles.has('dialogue')) return undefined;
  const { effects, component } = await openEffects(infrastructure);
  opened.push(component);
  return effects;
}

interface StageParts { readonly lifecycle: Lifecycle; readonly effects: EffectRunner | undefined }

function stageComponents(infrastructure: Infrastructure, roles: ReadonlySet<Role>, { lifecycle, effects }: StageParts): Component[] {
  const { config, log, codec, state, clock, random, logger, metrics, tracer } = infrastructure;
  const names = stageNames.filter((name) => roles.has(name));
  if (names.length === 0 || state === undefined) return [];
  const parts = { bots: infrastructure.rollout.bots ?? fixedBots([]), models: fileModelCache(modelsFolder(infrastructure)), flags: () => infrastructure.rollout.settings.flags() };
  return names.map((name): Component => {
    const runner = createRunner(name, stageFactories[name](parts) as Stage<typeof name>, {
      log, codec, state, clock, random, logger, metrics, tracer, prefix: config.pipeline.prefix,
      ...(effects === undefined ? {} : { effects }),
      onFatal: (error) => { logger.fatal({ err: error, stage: name }, 'a stage cannot go on'); void lifecycle.stop(error.code, 1).then((code) => { process.exit(code); }); },
    });
    return { name, start: () => runner.start(), ready: () => (runner.ready ? true : runner.waitsFor), stop: () => runner.close() };
  });
}
