/**
 * The language of the declaration: topics, stages, sources and sinks, and the rules that a declaration must keep.
 * `defineTopology` throws CONFAB_TOPOLOGY_INVALID that names the node and the rule; types catch most of it earlier.
 */
import { ConfabError } from '../platform/errors.js';
import type { RecordName } from '../schemas/types.js';

/** What a record's key is; every form that begins with the conversation is partitioned by the conversation alone. */
export type KeyForm = 'conversation' | 'conversation+timer' | 'conversation+node' | 'count' | 'name' | 'subject' | 'revocation';

export interface TopicDefinition {
  readonly record: RecordName;
  readonly key: KeyForm;
  /** 'conversation': as many as CONFAB_PARTITIONS says, fixed from the first apply on. */
  readonly partitions: 'conversation' | number;
  readonly cleanup: 'delete' | 'compact' | 'compact,delete';
  /** Milliseconds; required with cleanup delete. */
  readonly retention?: number;
  /** Appends with an older timestamp are refused by the log (message.timestamp.before.max.ms). Milliseconds. */
  readonly maxAppendAge?: number;
  /** What it is for, one sentence. */
  readonly purpose: string;
}

export interface StageDefinition<T extends string = string> {
  readonly reads: readonly T[];
  readonly writes: readonly T[];
  /**
   * conversation: parallel across conversations, in order within one. partition: one worker a partition, records in offset
   * order and in batches.
   */
  readonly scope: 'conversation' | 'partition';
  /** The topic that holds the stage's state, for stages that keep one. */
  readonly state?: T;
  /** Small compacted topics that every process of the stage reads whole, without a group, and goes on reading. */
  readonly follows?: readonly T[];
  /** At most one commit in this many milliseconds, for stages that aggregate. */
  readonly commitEvery?: number;
  /**
   * What it writes begins new turns: it may stand on a cycle, since each round of it waits for something else to happen
   * (a person, a time).
   */
  readonly reenters?: true;
  /** How long one record may take, retries included, before it goes to the dead letters. Milliseconds. */
  readonly budget: number;
  readonly purpose: string;
}

/** Something outside the runner that writes (source) or reads (sink) topics. */
export interface EdgeDefinition<T extends string = string> {
  readonly reads?: readonly T[];
  readonly writes?: readonly T[];
  /** As in a stage. */
  readonly follows?: readonly T[];
  /** What it shows to those who ask: it reads these topics without a group, and sees what the groups of all readers have committed. */
  readonly inspects?: readonly T[];
  /**
   * Run by hand, one command at a time: no process has it as a role. true: in a group and with transactions of its own;
   * 'reads': it changes nothing; 'writes': it appends, without a group and transactions.
   */
  readonly command?: true | 'reads' | 'writes';
  readonly purpose: string;
}

export interface Topology<T extends string = string, S extends string = string, E extends string = string> {
  readonly topics: Readonly<Record<T, TopicDefinition>>;
  readonly stages: Readonly<Record<S, StageDefinition<T>>>;
  readonly edges: Readonly<Record<E, EdgeDefinition<T>>>;
  /** Where the runner puts what a stage could not process. */
  readonly deadLetters: T;
}

const TOPIC_FORM = /^[a-z][a-z-]*\.v[1-9][0-9]*$/;
const NAME_FORM = /^[a-z][a-z-]*$/;

function refuse(node: string, rule: string): never {
  throw new ConfabError('CONFAB_TOPOLOGY_INVALID', { detail: `${node}: ${rule}` });
}

/** Checks the declaration and freezes it. Keeps the literal types, so that stages are typed by it. */
export function defineTopology<
  const T extends string, const S extends string, const E extends string,
  const D extends { topics: Record<T, TopicDefinition>; stages: Record<S, StageDefinition<T>>; edges: Record<E, EdgeDefinition<T>>; deadLetters: T },
>(declaration: D & { topics: Record<T, TopicDefinition>; stages: Record<S, StageDefinition<NoInfer<T>>>; edges: Record<E, EdgeDefinition<NoInfer<T>>> }): D {
  checkTopology(declaration);
  return deepFreeze(declaration);
}

/** @throws CONFAB_TOPOLOGY_INVALID naming the first node that breaks a rule */
export function checkTopology(declaration: Topology): void {
  for (const [name, topic] of Object.entries(declaration.topics)) checkTopic(name, topic);
  for (const [name, stage] of Object.entries(declaration.stages)) checkStage(name, stage, declaration);
  for (const [name, edge] of Object.entries(declaration.edges)) {
    if (!NAME_FORM.test(name)) refuse(`edge "${name}"`, 'the name must be lower-case words joined by "-"');
    if (name in declaration.stages) refuse(`edge "${name}"`, 'a stage has the same name');
    if (edge.command === 'reads' && (edge.reads !== undefined || edge.writes !== undefined)) refuse(`edge "${name}"`, 'a command that only reads has "inspects", neither a group nor anything to write');
    for (const topic of [...(edge.reads ?? []), ...(edge.writes ?? []), ...(edge.inspects ?? []), ...(edge.follows ?? [])]) known(`edge "${name}"`, topic, declaration);
    for (const topic of edge.follows ?? []) checkFollowed(`edge "${name}"`, topic, declaration);
    if (edge.command === 'writes' && edge.reads !== undefined) refuse(`edge "${name}"`, 'a command that only appends has no group: it follows');
  }
  known('deadLetters', declaration.deadLetters, declaration);
  if (declaration.topics[declaration.deadLetters]?.partitions !== 'conversation') refuse('deadLetters', 'must have the partitions of the conversation topics');
  checkCycles(declaration);
}

function checkTopic(name: string, topic: TopicDefinition): void {
  const node = `topic "${name}"`;
  if (!TOPIC_FORM.test(name)) refuse(node, 'the name must look like plural.v1');
  if (topic.cleanup !== 'compact' && topic.retention === undefined) refuse(node, `cleanup "${topic.cleanup}" needs a retention`);
  if (topic.cleanup === 'compact' && topic.retention !== undefined) refuse(node, 'a topic that is only compacted has no retention');
  if (topic.retention !== undefined && !(topic.retention > 0)) refuse(node, 'the retention must be positive');
  if (topic.maxAppendAge !== undefined && !(topic.maxAppendAge > 0)) refuse(node, 'the append age must be positive');
  if (typeof topic.partitions === 'number' && !(Number.isInteger(topic.partitions) && topic.partitions > 0)) refuse(node, 'partitions must be a positive integer');
  if (topic.key.startsWith('conversation') && topic.partitions !== 'conversation') refuse(node, 'a topic keyed by conversation has the partitions of the conversation topics');
}

function checkStage(name: string, stage: StageDefinition, declaration: Topology): void {
  const node = `stage "${name}"`;
  if (!NAME_FORM.test(name)) refuse(node, 'the name must be lower-case words joined by "-"');
  if (stage.reads.length === 0) refuse(node, 'it reads no topic');
  if (new Set(stage.reads).size !== stage.reads.length) refuse(node, 'it reads a topic twice');
  for (const topic of [...stage.reads, ...stage.writes, ...(stage.state === undefined ? [] : [stage.state]), ...(stage.follows ?? [])]) known(node, topic, declaration);
  for (const topic of stage.follows ?? []) checkFollowed(node, topic, declaration);
  for (const topic of stage.reads) {
    if (declaration.topics[topic]?.partitions !== 'conversation') refuse(node, `reads "${topic}", which is not partitioned by conversation`);
    if (stage.writes.includes(topic)) refuse(node, `reads and writes "${topic}": a cycle onto itself`);
  }
  if (stage.state !== undefined) {
    const state = declaration.topics[stage.state];
    if (state && !state.cleanup.startsWith('compact')) refuse(node, `its state topic "${stage.state}" must be compacted`);
    if (state?.partitions !== 'conversation') refuse(node, `its state topic "${stage.state}" must be co-partitioned with what it reads`);
  }
  if (stage.commitEvery !== undefined && stage.scope !== 'partition') refuse(node, 'commitEvery is for scope "partition"');
  if (!(stage.budget > 0)) refuse(node, 'the budget must be positive');
}

/** Whole and for ever: such a topic must be compacted, and have one order. */
function checkFollowed(node: string, topic: string, declaration: Topology): void {
  const followed = declaration.topics[topic];
  if (followed && (followed.cleanup !== 'compact' || followed.partitions !== 1)) refuse(node, `follows "${topic}", which is not a compacted topic of one partition`);
}

function known(node: string, topic: string, declaration: Topology): void {
  if (!Object.hasOwn(declaration.topics, topic)) refuse(node, `names the unknown topic "${topic}"`);
}

/** Stages may not feed themselves through others, except by the one door, which only edges and a stage that re-enters use. */
function checkCycles(declaration: Topology): void {
  const path: string[] = [];
  const done = new Set<string>();
  const visit = (name: string): void => {
    if (path.includes(name)) refuse(`stage "${name}"`, `is part of a cycle: ${[...path.slice(path.indexOf(name)), name].join(' → ')}`);
    if (done.has(name)) return;
    path.push(name);
    const from = declaration.stages[name];
    const writes = from?.reenters === true ? [] : from?.writes ?? [];
    for (const [other, stage] of Object.entries(declaration.stages)) if (stage.reads.some((topic) => writes.includes(topic))) visit(other);
    path.pop();
    done.add(name);
  };
  for (const name of Object.keys(declaration.stages)) visit(name);
}

function deepFreeze<V>(value: V): V {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
