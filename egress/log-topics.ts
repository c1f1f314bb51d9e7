/** What egress knows of the log: full topic names, partitions and the epoch of positions. */
import type { EventLog } from '../platform/event-log/event-log.js';
import { epochOf } from '../platform/position.js';
import { topicName } from '../topology/topology.js';

export interface LogTopics {
  readonly messages: string;
  readonly intents: string;
  readonly replies: string;
  readonly deadLetters: string;
  readonly partitions: number;
  readonly epoch: string;
}

/** @throws CONFAB_TOPIC_UNKNOWN */
export async function logTopics(log: EventLog, prefix: string): Promise<LogTopics> {
  const messages = await log.topic(topicName(prefix, 'messages.v1'));
  return {
    messages: messages.name,
    intents: topicName(prefix, 'intents.v1'),
    replies: topicName(prefix, 'replies.v1'),
    deadLetters: topicName(prefix, 'dead-letters.v1'),
    partitions: messages.partitions,
    epoch: epochOf(messages.id),
  };
}
