/** The topology as text. `npm run generate` writes all of it to topology.txt, so that a change of shape shows in review. */
import type { EdgeDefinition, StageDefinition, TopicDefinition, Topology } from './define.js';
import { duration } from './durations.js';
import { partitionsOf, type TopologySettings } from './topic-config.js';

const CLEANUP = { delete: 'removed', compact: 'newest of each key kept', 'compact,delete': 'newest of each key kept, removed' } as const;

export function describeTopology(topology: Topology, settings: TopologySettings): string {
  const [topics, stages, edges] = [Object.entries(topology.topics), Object.entries(topology.stages), Object.entries(topology.edges)];
  const lines = [
    `${topics.length} topics, ${stages.length} stages, ${edges.length} edges${settings.prefix === '' ? '' : `, prefix ${settings.prefix}`}`,
    ...topics.flatMap(([name, topic]) => topicLines(name, topic, topology, settings)),
    ...stages.flatMap(([name, stage]) => stageLines(name, stage, settings)),
    ...edges.flatMap(([name, edge]) => edgeLines(name, edge, settings)),
  ];
  return `${lines.join('\n')}\n`;
}

function topicLines(name: string, topic: TopicDefinition, topology: Topology, settings: TopologySettings): string[] {
  const partitions = partitionsOf(topic, settings);
  const writers = Object.entries(topology.stages).filter(([, stage]) => stage.writes.includes(name) || stage.state === name || name === topology.deadLetters).map(([stage]) => stage);
  const readers = Object.entries(topology.stages).filter(([, stage]) => stage.reads.includes(name)).map(([stage]) => stage);
  const edges = Object.entries(topology.edges);
  return [
    '', `topic ${name}`, `  ${topic.purpose}`,
    `  record     ${topic.record}, key ${topic.key}`,
    `  partitions ${partitions}`,
    `  kept       ${CLEANUP[topic.cleanup]}${topic.retention === undefined ? '' : ` after ${duration(topic.retention)}`}`,
    ...(topic.maxAppendAge === undefined ? [] : [`  appends    refused when older than ${duration(topic.maxAppendAge)}`]),
    ...listed('written by', [...edges.filter(([, edge]) => edge.writes?.includes(name)).map(([edge]) => edge), ...writers]),
    ...listed('read by   ', [...readers, ...edges.filter(([, edge]) => edge.reads?.includes(name)).map(([edge]) => edge)]),
  ];
}

function stageLines(name: string, stage: StageDefinition, settings: TopologySettings): string[] {
  return [
    '', `stage ${name}`, `  ${stage.purpose}`,
    `  reads      ${stage.reads.join(', ')} as group ${settings.prefix}confab.${name}`,
    ...listed('writes    ', stage.writes),
    ...(stage.state === undefined ? [] : [`  state      ${stage.state}`]),
    ...listed('follows   ', stage.follows ?? []),
    `  scope      ${stage.scope}${stage.commitEvery === undefined ? '' : `, a commit every ${duration(stage.commitEvery)} at most`}`,
    `  budget     ${duration(stage.budget)} a record`,
  ];
}

function edgeLines(name: string, edge: EdgeDefinition, settings: TopologySettings): string[] {
  return [
    '', `edge ${name}`, `  ${edge.purpose}`, ...listed('reads     ', edge.reads ?? []), ...listed('writes    ', edge.writes ?? []), ...listed('follows   ', edge.follows ?? []), ...listed('inspects  ', edge.inspects ?? []),
    ...(edge.command === 'reads' ? ['  run as     a command that only reads'] : []),
    ...(edge.command === true ? [`  run as     a command, in the group ${settings.prefix}confab.${name}`] : []),
  ];
}

const listed = (label: string, names: readonly string[]): string[] => names.length === 0 ? [] : [`  ${label} ${names.join(', ')}`];
