/** The rights that each stage and edge needs, and no more. Kafka lets who may read or write also describe. */
import type { Acl } from '../platform/event-log/event-log.js';
import type { Topology } from './define.js';
import type { TopologySettings } from './topic-config.js';

type Grant = Pick<Acl, 'resource' | 'name' | 'pattern' | 'operation'>;

export const rightText = (acl: Acl): string => `${acl.principal}: ${acl.operation} ${acl.resource} ${acl.name}${acl.pattern === 'prefixed' ? '*' : ''}${acl.host === '*' ? '' : ` from ${acl.host}`}`;

/** One line for each pair of principal and right, in the order of the declaration, each once. */
export function topologyRights(topology: Topology, settings: TopologySettings): Acl[] {
  const { prefix } = settings;
  const principal = settings.principal ?? ((name: string): string => `User:confab-${name}`);
  const acls = new Map<string, Acl>();
  const grant = (name: string, right: Grant): void => {
    const acl = { principal: principal(name), ...right, host: '*' };
    acls.set(rightText(acl), acl);
  };
  const topic = (name: string, of: string, operation: Acl['operation']): void => { grant(name, { resource: 'topic', name: `${prefix}${of}`, pattern: 'literal', operation }); };
  const group = (name: string): void => { grant(name, { resource: 'group', name: `${prefix}confab.${name}`, pattern: 'literal', operation: 'read' }); };
  /** The log's port tells of a topic with its configuration. */
  const seen = (name: string, topics: readonly string[]): void => { for (const each of new Set(topics)) topic(name, each, 'describe-configs'); };
  for (const [name, stage] of Object.entries(topology.stages)) {
    for (const read of stage.reads) topic(name, read, 'read');
    for (const write of [...stage.writes, topology.deadLetters]) topic(name, write, 'write');
    for (const followed of stage.follows ?? []) topic(name, followed, 'read');
    if (stage.state !== undefined) { topic(name, stage.state, 'read'); topic(name, stage.state, 'write'); }
    for (const source of sources(topology)) if (!stage.reads.includes(source)) topic(name, source, 'describe');
    seen(name, [...stage.reads, ...stage.writes, topology.deadLetters, ...(stage.state === undefined ? [] : [stage.state]), ...(stage.follows ?? []), ...sources(topology)]);
    group(name);
    grant(name, { resource: 'transactional-id', name: `${prefix}confab.${name}.`, pattern: 'prefixed', operation: 'write' });
  }
  for (const [name, edge] of Object.entries(topology.edges)) {
    for (const read of edge.reads ?? []) topic(name, read, 'read');
    for (const write of edge.writes ?? []) topic(name, write, 'write');
    // Who only appends settings and bots has nothing to do with positions.
    const epochs = edge.command === 'writes' ? [] : sources(topology);
    for (const source of epochs) if (!edge.reads?.includes(source) && !edge.writes?.includes(source) && !edge.inspects?.includes(source)) topic(name, source, 'describe');
    seen(name, [...(edge.reads ?? []), ...(edge.writes ?? []), ...(edge.inspects ?? []), ...(edge.follows ?? []), ...epochs]);
    if (edge.reads !== undefined) group(name);
    for (const followed of edge.follows ?? []) topic(name, followed, 'read');
    for (const shown of edge.inspects ?? []) topic(name, shown, 'read');
    if (edge.inspects !== undefined) for (const reader of readersOf(topology)) grant(name, { resource: 'group', name: `${prefix}confab.${reader}`, pattern: 'literal', operation: 'describe' });
    if (edge.command === true) grant(name, { resource: 'transactional-id', name: `${prefix}confab.${name}.`, pattern: 'prefixed', operation: 'write' });
  }
  return [...acls.values()];
}

/** Stages and edges that read in a group. */
function readersOf(topology: Topology): string[] {
  return [...Object.keys(topology.stages), ...Object.entries(topology.edges).filter(([, edge]) => edge.reads !== undefined).map(([name]) => name)];
}

/** Topics that edges write and stages read: their ids are the epoch of positions. */
function sources(topology: Topology): string[] {
  const read = new Set(Object.values(topology.stages).flatMap((stage) => [...stage.reads]));
  return [...new Set(Object.values(topology.edges).flatMap((edge) => [...(edge.writes ?? [])]))].filter((name) => read.has(name));
}

/** Topics that these stages and edges touch, without prefix, in the order of the declaration: what a process of such roles needs. */
export function topicsOf(topology: Topology, names: readonly string[]): string[] {
  const touched = new Set(names.flatMap((name) => {
    const stage = topology.stages[name];
    const edge = topology.edges[name];
    return [...(stage?.reads ?? []), ...(stage?.writes ?? []), ...(stage?.state === undefined ? [] : [stage.state]), ...(stage === undefined ? [] : [topology.deadLetters]), ...(edge?.reads ?? []), ...(edge?.writes ?? []), ...(stage?.follows ?? []), ...(edge?.follows ?? []), ...sources(topology)];
  }));
  return Object.keys(topology.topics).filter((name) => touched.has(name));
}
