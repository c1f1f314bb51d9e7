/** What each topic is on the log: partitions and configuration, in Kafka's names. */
import type { TopicConfig, TopicSpec } from '../platform/event-log/event-log.js';
import type { TopicDefinition, Topology } from './define.js';

export interface TopologySettings {
  /** CONFAB_PREFIX. */
  readonly prefix: string;
  /** CONFAB_PARTITIONS: of every conversation topic. */
  readonly partitions: number;
  /** CONFAB_REPLICAS; undefined: what the broker does by itself. */
  readonly replicas?: number;
  /** The principal of a stage or edge. Default: `User:confab-<name>`. */
  readonly principal?: (name: string) => string;
}

const MEBIBYTE = 1024 * 1024;
const HOUR = 3_600_000;
/** A dead letter holds a whole record of another topic, and more. */
const DEAD_LETTER_ROOM = 2;

/** Configuration that a topic must have; what is not named is left to the broker. */
export function topicConfig(name: string, topic: TopicDefinition, topology: Topology, replicas: number | undefined): TopicConfig {
  return {
    'cleanup.policy': topic.cleanup,
    ...(topic.retention === undefined ? {} : { 'retention.ms': String(topic.retention) }),
    ...(topic.cleanup === 'delete' ? {} : { 'segment.bytes': String(64 * MEBIBYTE), 'segment.ms': String(HOUR), 'min.cleanable.dirty.ratio': '0.1' }),
    'message.timestamp.type': 'CreateTime',
    // As it was written: a broker that compresses anew may choose a codec that not every reader has.
    'compression.type': 'producer',
    // A replica that is behind must not lead: what it lacks was acknowledged.
    'unclean.leader.election.enable': 'false',
    ...(topic.maxAppendAge === undefined ? {} : { 'message.timestamp.before.max.ms': String(topic.maxAppendAge) }),
    'max.message.bytes': String(name === topology.deadLetters ? DEAD_LETTER_ROOM * MEBIBYTE : MEBIBYTE),
    ...(replicas !== undefined && replicas >= 3 ? { 'min.insync.replicas': '2' } : {}),
  };
}

export function partitionsOf(topic: TopicDefinition, settings: TopologySettings): number {
  return topic.partitions === 'conversation' ? settings.partitions : topic.partitions;
}

/** The topic as it is created. */
export function topicSpec(name: string, topology: Topology, settings: TopologySettings): TopicSpec {
  const topic = topology.topics[name];
  if (topic === undefined) throw new Error(`no topic ${name}`);
  const { replicas } = settings;
  return {
    name: `${settings.prefix}${name}`, partitions: partitionsOf(topic, settings), config: topicConfig(name, topic, topology, replicas),
    ...(replicas === undefined ? {} : { replicas }),
  };
}
