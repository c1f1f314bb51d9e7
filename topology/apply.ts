/** Does exactly what a plan says, or nothing. */
import { isDeepStrictEqual } from 'node:util';
import { ConfabError } from '../platform/errors.js';
import type { AclAdmin, LogAdmin } from '../platform/event-log/event-log.js';
import { planTopology, type PlanInputs, type PlanStep, type TopologyPlan } from './plan.js';

export interface AppliedPlan {
  /** Steps in the order they were done. */
  readonly done: readonly PlanStep[];
}

/**
 * Plans again with the same inputs first: the log may have changed since.
 * `done` is told of each step once it stands, so that a failure in between leaves no doubt.
 * @throws CONFAB_TOPOLOGY_REFUSED the plan has refused steps, or the log is not as it was when the plan was made; nothing was done
 */
export async function applyTopology(plan: TopologyPlan, inputs: PlanInputs, done?: (step: PlanStep) => void): Promise<AppliedPlan> {
  if (plan.refused.length > 0) {
    throw new ConfabError('CONFAB_TOPOLOGY_REFUSED', { detail: plan.refused.map((step) => `${step.topic}: ${step.change}${step.allow === null ? '' : ` (--allow ${step.allow})`}`).join('; ') });
  }
  const now = await planTopology(inputs);
  if (!isDeepStrictEqual(comparable(now), comparable(plan))) {
    throw new ConfabError('CONFAB_TOPOLOGY_REFUSED', { detail: 'The log or the topology has changed since the plan was made: plan again. Nothing was done.' });
  }
  for (const step of plan.steps) {
    await applyStep(step, inputs.admin, inputs.acls);
    done?.(step);
  }
  return { done: plan.steps };
}

/** What the plan would do; a plan that was read from a file compares like one that was just made. */
function comparable(plan: TopologyPlan): unknown {
  return JSON.parse(JSON.stringify({ version: plan.version, prefix: plan.prefix, steps: plan.steps, refused: plan.refused }));
}

export async function applyStep(step: PlanStep, admin: LogAdmin, acls: AclAdmin | undefined): Promise<void> {
  switch (step.kind) {
    case 'create-topic': await admin.createTopic(step.spec); return;
    case 'set-config': await admin.setTopicConfig(step.name, step.to); return;
    case 'add-partitions': await admin.addPartitions(step.name, step.to); return;
    case 'create-acl': await acls?.create([step.acl]); return;
  }
}
