/** Fills messages.v1 with user turns, as ingress would have written them. */
import { CompressionTypes, type Message as KafkaMessage } from 'kafkajs';
import { systemClock } from '../../platform/clock.js';
import { conversationKey, DEFAULT_TENANT } from '../../platform/conversation-key.js';
import { partitionOf } from '../../platform/partitioner.js';
import { systemRandom, ulidMaker } from '../../platform/random.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import type { Message } from '../../schemas/types.js';
import { topicName } from '../../topology/topology.js';
import { progress } from './benchmark.js';
import { kafkaClient, PARTITIONS } from './topics.js';
import { turnMaker } from './workload.js';

const BATCH = 4000;

export function textMessage(messageId: string, text: string, userId: string): Message {
  return {
    kind: 'text', messageId, botId: 'parcel', channel: 'api', accountId: null, userId, author: { type: 'person', name: null }, text, payload: null,
    replyId: null, locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null,
  };
}

export async function preload(brokers: string, prefix: string, options: { messages: number; conversations: number }): Promise<void> {
  progress(`writing ${options.messages} messages of ${options.conversations} conversations`);
  const codec = createLocalCodec().of('Message');
  const newId = ulidMaker(systemClock, systemRandom);
  const turn = turnMaker(options.conversations);
  const producer = kafkaClient(brokers).producer({ idempotent: true });
  await producer.connect();
  try {
    for (let from = 0; from < options.messages; from += BATCH) {
      const messages: KafkaMessage[] = [];
      const timestamp = String(Date.now());
      for (let i = from; i < Math.min(from + BATCH, options.messages); i += 1) {
        const { conversation, text } = turn(i);
        const key = conversationKey(DEFAULT_TENANT, `bench-${conversation}`);
        messages.push({ key, value: codec.encode(textMessage(newId(), text, `user-${conversation}`)), partition: partitionOf(key, PARTITIONS), timestamp });
      }
      await producer.send({ topic: topicName(prefix, 'messages.v1'), acks: -1, compression: CompressionTypes.None, messages });
    }
  } finally { await producer.disconnect(); }
}
