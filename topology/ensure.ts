/** At the start of a process: is the log as the topology needs it? */
import { ConfabError, isCode } from '../platform/errors.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import type { Logger } from '../platform/observability/logger.js';
import { applyStep } from './apply.js';
import type { Topology } from './define.js';
import { planTopology, type PlanStep } from './plan.js';
import { stepLines } from './plan-text.js';
import { partitionsOf, type TopologySettings } from './topic-config.js';

export interface EnsureOptions {
  readonly log: EventLog;
  readonly topology: Topology;
  readonly settings: TopologySettings;
  /** CONFAB_TOPOLOGY_APPLY. A log of one machine is always brought up to date. */
  readonly apply: 'on-start' | 'never';
  /** Topics without prefix that this process needs; default: all. Where rights are set it may see no others. */
  readonly topics?: readonly string[];
  readonly logger: Logger;
}

/** @throws CONFAB_TOPOLOGY_MISSING a topic is not there; CONFAB_TOPOLOGY_REFUSED it has another number of partitions than declared */
export async function ensureTopology(options: EnsureOptions): Promise<void> {
  const { log, topology, settings } = options;
  if (log.kind !== 'kafka' || options.apply === 'on-start') await bringUpToDate(options);
  const missing: string[] = [];
  const differing: string[] = [];
  for (const name of options.topics ?? Object.keys(topology.topics)) {
    const topic = topology.topics[name];
    if (topic === undefined) continue;
    const wanted = partitionsOf(topic, settings);
    try {
      const found = await log.topic(`${settings.prefix}${name}`);
      if (found.partitions !== wanted) differing.push(`${found.name} has ${found.partitions} partitions, declared are ${wanted}`);
    } catch (error) {
      if (!isCode(error, 'CONFAB_TOPIC_UNKNOWN')) throw error;
      missing.push(`${settings.prefix}${name}`);
    }
  }
  if (missing.length > 0) throw new ConfabError('CONFAB_TOPOLOGY_MISSING', { detail: `Missing: ${missing.join(', ')}. Run \`confab topology apply\`, or set CONFAB_TOPOLOGY_APPLY=on-start.` });
  if (differing.length > 0) throw new ConfabError('CONFAB_TOPOLOGY_REFUSED', { detail: `${differing.join('; ')}. The number is fixed once the topics exist: set CONFAB_PARTITIONS to it.` });
}

/** Does what no reason speaks against; other processes may be doing the same. Rights are left to the operator. */
async function bringUpToDate({ log, topology, settings, logger }: EnsureOptions): Promise<void> {
  const plan = await planTopology({ topology, settings, admin: log.admin });
  for (const step of plan.steps) {
    try {
      await applyStep(step, log.admin, undefined);
      logger.info({ topology: describeStep(step) }, 'topology applied');
    } catch (error) {
      if (!isCode(error, 'CONFAB_TOPIC_EXISTS')) throw error;
    }
  }
  for (const step of plan.refused) logger.warn({ topic: step.topic, change: step.change, reason: step.reason }, 'the topology differs from the log: see confab topology plan');
}

const describeStep = (step: PlanStep): string => stepLines(step)[0] ?? step.kind;
