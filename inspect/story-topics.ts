/** What inspection knows of the log: full topic names, partitions of a conversation and the epoch of positions. */
import { isCode } from '../platform/errors.js';
import type { EventLog } from '../platform/event-log/event-log.js';
import { partitionOf } from '../platform/partitioner.js';
import { epochOf } from '../platform/position.js';
import { topicName } from '../topology/topology.js';
import { STORY_TOPICS, type StoryTopic } from './record-view.js';

export interface StoryTopics {
  readonly partitions: number;
  readonly epoch: string;
  fullName(topic: StoryTopic): string;
}

/** @throws CONFAB_TOPIC_UNKNOWN the topology was not applied */
export async function storyTopics(log: EventLog, prefix: string): Promise<StoryTopics> {
  const messages = await log.topic(topicName(prefix, 'messages.v1'));
  return { partitions: messages.partitions, epoch: epochOf(messages.id), fullName: (topic) => topicName(prefix, topic) };
}

/** The partition of a conversation: the same number in every topic of it. */
export const partitionOfKey = (topics: StoryTopics, key: string): number => partitionOf(key, topics.partitions);

export interface Bounds { readonly start: number; readonly end: number }

/** Bounds of the partitions of each topic that may be read. */
export type TopicBounds = ReadonlyMap<StoryTopic, readonly Bounds[]>;

/**
 * The topics that a message passes last are asked first: what is within the bounds has its causes within them too.
 * Topics that are missing, or that the principal may not read, are left out.
 */
export async function storyBounds(log: EventLog, topics: StoryTopics): Promise<TopicBounds> {
  const found = new Map<StoryTopic, readonly Bounds[]>();
  for (const topic of [...STORY_TOPICS].reverse()) {
    try {
      found.set(topic, await log.admin.bounds(topics.fullName(topic)));
    } catch (error) {
      if (!isCode(error, 'CONFAB_LOG_REFUSED', 'CONFAB_TOPIC_UNKNOWN')) throw error;
    }
  }
  return found;
}

export function unreadable(bounds: TopicBounds): StoryTopic[] {
  return STORY_TOPICS.filter((topic) => !bounds.has(topic));
}
