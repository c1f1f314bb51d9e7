/**
 * What would change on the log for it to be as the topology declares. Steps that could lose records or break the order of
 * keys are refused, each with the reason and, where it can be done at all, the flag that allows it. Nothing is ever deleted.
 */
import type { Acl, AclAdmin, LogAdmin, TopicConfig, TopicDescription, TopicSpec } from '../platform/event-log/event-log.js';
import type { Topology } from './define.js';
import { compareConfig } from './plan-config.js';
import { rightText, topologyRights } from './rights.js';
import { partitionsOf, topicConfig, topicSpec, type TopologySettings } from './topic-config.js';

export interface CreateTopic { readonly kind: 'create-topic'; readonly topic: string; readonly spec: TopicSpec }
export interface SetConfig { readonly kind: 'set-config'; readonly topic: string; readonly name: string; readonly from: Readonly<Record<string, string | null>>; readonly to: TopicConfig }
export interface AddPartitions { readonly kind: 'add-partitions'; readonly topic: string; readonly name: string; readonly from: number; readonly to: number }
export interface CreateAcl { readonly kind: 'create-acl'; readonly acl: Acl }
export type PlanStep = CreateTopic | SetConfig | AddPartitions | CreateAcl;

export interface RefusedStep {
  /** Topic without prefix. */
  readonly topic: string;
  /** E.g. `partitions 12 → 24`. */
  readonly change: string;
  readonly reason: string;
  /** What `--allow` takes; null when nothing allows it. */
  readonly allow: string | null;
}

export interface TopologyPlan {
  readonly version: 1;
  readonly prefix: string;
  readonly steps: readonly PlanStep[];
  readonly refused: readonly RefusedStep[];
  /** What is there beyond the topology, and differences that only an operator can mend: named, left alone. */
  readonly notes: readonly string[];
  /** Topics and rights that are as declared. */
  readonly unchanged: number;
  /** False when the log has no authorizer: rights are not part of the plan. */
  readonly rights: boolean;
}

export interface PlanInputs {
  readonly topology: Topology;
  readonly settings: TopologySettings;
  readonly admin: LogAdmin;
  readonly acls?: AclAdmin;
  /** Refused changes that are wanted all the same, e.g. `add-partitions:messages.v1`. */
  readonly allow?: readonly string[];
}

interface Findings { readonly steps: PlanStep[]; readonly refused: RefusedStep[]; readonly notes: string[]; unchanged: number }

/** Reads the log; changes nothing. */
export async function planTopology(inputs: PlanInputs): Promise<TopologyPlan> {
  const { topology, settings, admin, acls } = inputs;
  const findings: Findings = { steps: [], refused: [], notes: [], unchanged: 0 };
  const names = Object.keys(topology.topics).map((name) => `${settings.prefix}${name}`);
  const present = new Map((await admin.topics(names)).map((topic) => [topic.name, topic]));
  for (const name of Object.keys(topology.topics)) {
    const found = present.get(`${settings.prefix}${name}`);
    if (found === undefined) findings.steps.push({ kind: 'create-topic', topic: name, spec: topicSpec(name, topology, settings) });
    else compareTopic(name, found, inputs, findings);
  }
  noteOthers(await admin.topicNames(), inputs, findings);
  const rights = acls !== undefined && await acls.available();
  if (rights) compareRights(await acls.list(), inputs, findings);
  return { version: 1, prefix: settings.prefix, ...findings, rights };
}

function compareTopic(name: string, found: TopicDescription, inputs: PlanInputs, findings: Findings): void {
  const { topology, settings, allow = [] } = inputs;
  const topic = topology.topics[name];
  if (topic === undefined) return;
  const before = findings.steps.length + findings.refused.length;
  const wanted = partitionsOf(topic, settings);
  if (wanted > found.partitions) {
    const flag = `add-partitions:${name}`;
    if (allow.includes(flag)) findings.steps.push({ kind: 'add-partitions', topic: name, name: found.name, from: found.partitions, to: wanted });
    else findings.refused.push({ topic: name, change: `partitions ${found.partitions} → ${wanted}`, reason: 'Keys would move to other partitions: their order with older records, and their state, would be lost.', allow: flag });
  }
  if (wanted < found.partitions) {
    findings.refused.push({ topic: name, change: `partitions ${found.partitions} → ${wanted}`, reason: `A log cannot drop partitions. Set CONFAB_PARTITIONS=${found.partitions}, or use another CONFAB_PREFIX.`, allow: null });
  }
  const change = compareConfig(name, topicConfig(name, topic, topology, settings.replicas ?? found.replicas), found.config, allow);
  findings.refused.push(...change.refused);
  if (Object.keys(change.to).length > 0) findings.steps.push({ kind: 'set-config', topic: name, name: found.name, from: change.from, to: change.to });
  if (settings.replicas !== undefined && settings.replicas !== found.replicas) {
    findings.notes.push(`topic ${found.name} has ${found.replicas} replicas, not ${settings.replicas}: move them with the tools of the broker`);
  }
  if (findings.steps.length + findings.refused.length === before) findings.unchanged += 1;
}

/** With a prefix all that begins with it; without one only other versions of the topology's own names. */
function noteOthers(present: readonly string[], { topology, settings: { prefix } }: PlanInputs, findings: Findings): void {
  const domains = new Set(Object.keys(topology.topics).map((name) => name.replace(/\.v\d+$/, '')));
  for (const name of [...present].sort()) {
    if (!name.startsWith(prefix) || Object.hasOwn(topology.topics, name.slice(prefix.length))) continue;
    if (prefix === '' && !(/\.v\d+$/.test(name) && domains.has(name.replace(/\.v\d+$/, '')))) continue;
    findings.notes.push(`topic ${name} is not in the topology`);
  }
}

function compareRights(present: readonly Acl[], { topology, settings }: PlanInputs, findings: Findings): void {
  const wanted = topologyRights(topology, settings);
  const have = new Set(present.map(rightText));
  for (const acl of wanted) {
    if (have.has(rightText(acl))) findings.unchanged += 1;
    else findings.steps.push({ kind: 'create-acl', acl });
  }
  const principals = new Set(wanted.map((acl) => acl.principal));
  const texts = new Set(wanted.map(rightText));
  for (const acl of present) if (principals.has(acl.principal) && !texts.has(rightText(acl))) findings.notes.push(`right ${rightText(acl)} is not in the topology`);
}
