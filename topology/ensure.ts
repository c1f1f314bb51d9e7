/** At the start of a process: is the log as the topology needs it? */
import type { Clock } from '../platform/clock.js';
import { ConfabError, isCode } from '../platform/errors.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import type { Logger } from '../platform/observability/logger.js';
import { applyStep } from './apply.js';
import type { Topology } from './define.js';
import { planTopology } from './plan.js';
import { stepLines } from './plan-text.js';
import { partitionsOf, topicSpec, type TopologySettings } from './topic-config.js';

export interface EnsureOptions {
  readonly log: EventLog;
  readonly topology: Topology;
  readonly settings: TopologySettings;
  /**
   * CONFAB_TOPOLOGY_APPLY, for Kafka: whether missing topics are created; what exists is never changed. A log of one machine
   * gets its missing topics always, and every change that no reason speaks against.
   */
  readonly apply: 'on-start' | 'never';
  /** Topics without prefix that this process needs; default: all. Where rights are set it may see no others. */
  readonly topics?: readonly string[];
  readonly logger: Logger;
  readonly clock: Clock;
}

/** How long topics that were made may take to be seen. */
const VISIBLE_MILLIS = 5000;

/** @throws CONFAB_TOPOLOGY_MISSING a topic is not there; CONFAB_TOPOLOGY_REFUSED it has another number of partitions than declared */
export async function ensureTopology(options: EnsureOptions): Promise<void> {
  const { log, topology, settings } = options;
  if (log.kind !== 'kafka') await bringUpToDate(options);
  const names = options.topics ?? Object.keys(topology.topics);
  let found = await compare(names, options);
  if (found.missing.length > 0 && log.kind === 'kafka' && options.apply === 'on-start') {
    await create(found.missing, options);
    // Another process may have made them a moment ago: every broker hears of it a little later.
    const { clock } = options;
    const end = clock.monotonic() + VISIBLE_MILLIS;
    for (found = await compare(names, options); found.missing.length > 0 && clock.monotonic() < end; found = await compare(names, options)) await clock.sleep(100);
  }
  const missing = found.missing.map((name) => `${settings.prefix}${name}`);
  if (missing.length > 0) throw new ConfabError('CONFAB_TOPOLOGY_MISSING', { detail: `Missing: ${missing.join(', ')}. Run \`confab topology apply\`, or set CONFAB_TOPOLOGY_APPLY=on-start.` });
  if (found.differing.length > 0) throw new ConfabError('CONFAB_TOPOLOGY_REFUSED', { detail: `${found.differing.join('; ')}. The number is fixed once the topics exist: set CONFAB_PARTITIONS to it.` });
}

/** Looks at the topics one by one: a process may have no right to see others, or their configuration. */
async function compare(names: readonly string[], { log, topology, settings }: EnsureOptions): Promise<{ missing: string[]; differing: string[] }> {
  const missing: string[] = [];
  const differing: string[] = [];
  await Promise.all(names.map(async (name) => {
    const topic = topology.topics[name];
    if (topic === undefined) return;
    const wanted = partitionsOf(topic, settings);
    try {
      const found = await log.topic(`${settings.prefix}${name}`);
      if (found.partitions !== wanted) differing.push(`${found.name} has ${found.partitions} partitions, declared are ${wanted}`);
    } catch (error) {
      if (!isCode(error, 'CONFAB_TOPIC_UNKNOWN')) throw error;
      missing.push(name);
    }
  }));
  return { missing, differing };
}

/** Other processes may be doing the same. Without the right to create, the topics stay missing. */
async function create(names: readonly string[], { log, topology, settings, logger }: EnsureOptions): Promise<void> {
  for (const name of names) {
    try {
      await log.admin.createTopic(topicSpec(name, topology, settings));
      logger.info({ topic: `${settings.prefix}${name}` }, 'topic created');
    } catch (error) {
      if (isCode(error, 'CONFAB_LOG_REFUSED')) logger.warn({ topic: `${settings.prefix}${name}`, err: error }, 'the topic could not be created');
      else if (!isCode(error, 'CONFAB_TOPIC_EXISTS')) throw error;
    }
  }
}

/** Does what no reason speaks against, names the rest. */
async function bringUpToDate({ log, topology, settings, logger }: EnsureOptions): Promise<void> {
  const plan = await planTopology({ topology, settings, admin: log.admin });
  for (const step of plan.steps) {
    try {
      await applyStep(step, log.admin, undefined);
      logger.debug({ step: stepLines(step)[0] }, 'topology applied');
    } catch (error) {
      if (!isCode(error, 'CONFAB_TOPIC_EXISTS')) throw error;
    }
  }
  for (const step of plan.refused) logger.warn({ topic: step.topic, change: step.change, reason: step.reason }, 'the log differs from the topology: see confab topology plan');
}
