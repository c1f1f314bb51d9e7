/** A plan as a diff to read: `+` is created, `~` is changed, `!` is refused. */
import { configText } from './plan-config.js';
import type { PlanStep, TopologyPlan } from './plan.js';
import { rightText } from './rights.js';

export function planText(plan: TopologyPlan): string {
  const lines = [
    ...plan.steps.flatMap(stepLines),
    ...plan.refused.flatMap((step) => [
      `! topic ${plan.prefix}${step.topic}: ${step.change}`, `    ${step.reason}`,
      `    ${step.allow === null ? 'Nothing allows it.' : `Allow it with --allow ${step.allow}`}`,
    ]),
    ...plan.notes.map((note) => `  ${note}`),
    ...(plan.rights ? [] : ['  rights are left out: the log has no authorizer']),
  ];
  const creates = plan.steps.filter((step) => step.kind.startsWith('create')).length;
  return `${lines.join('\n')}\n\n${creates} to create, ${plan.steps.length - creates} to change, ${plan.refused.length} refused, ${plan.unchanged} as declared\n`;
}

/** One step; what it does first, details indented. */
export function stepLines(step: PlanStep): string[] {
  switch (step.kind) {
    case 'create-topic': {
      const { name, partitions, replicas, config } = step.spec;
      const copies = replicas === undefined ? '' : `, ${replicas} replica${replicas === 1 ? '' : 's'}`;
      return [`+ topic ${name}: ${partitions} partition${partitions === 1 ? '' : 's'}${copies}`, ...Object.entries(config).map(([entry, value]) => `    ${entry} ${configText(entry, value)}`)];
    }
    case 'set-config':
      return [`~ topic ${step.name}`, ...Object.entries(step.to).map(([entry, value]) => `    ${entry} ${configText(entry, step.from[entry] ?? null)} → ${configText(entry, value)}`)];
    case 'add-partitions': return [`~ topic ${step.name}: partitions ${step.from} → ${step.to}`];
    case 'create-acl': return [`+ right ${rightText(step.acl)}`];
  }
}
