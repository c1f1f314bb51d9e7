/**
 * What both processes of the hand loop share: the loop that a careful developer would write directly on kafkajs.
 * One transaction per fetched batch; no window, no fencing by generation, no order across restarts, no metrics.
 */
import { Kafka, logLevel, type EachBatchPayload, type KafkaMessage, type Message } from 'kafkajs';
import { join } from 'node:path';
import { packageRoot } from '../../platform/package-root.js';
import { fixedBots, loadBots, type Bots } from '../../processors/bot/index.js';
import { noEffects } from '../../processors/runner/effects.js';
import type { StageContext } from '../../processors/stage.js';

export interface LoopSettings {
  readonly brokers: readonly string[];
  readonly prefix: string;
  readonly redis: string;
}

export function settingsOf(env: NodeJS.ProcessEnv): LoopSettings {
  return { brokers: (env.HAND_BROKERS ?? '').split(','), prefix: env.HAND_PREFIX ?? '', redis: env.HAND_REDIS ?? '' };
}

export const loadExampleBots = async (): Promise<Bots> => fixedBots(await loadBots(join(packageRoot(), 'bots')));

/** Positions need an epoch; which one does not matter here. */
export const context: StageContext = { now: () => Date.now(), epoch: '00000000', signal: new AbortController().signal, effects: noEffects };

/** At most so many records a `send`: kafkajs does not split a batch that is larger than the broker takes (1 MiB). */
const MOST = 1000;

export interface Produced {
  readonly topic: string;
  readonly messages: Message[];
}

export interface LoopOptions extends LoopSettings {
  readonly stage: string;
  readonly reads: string;
  /** Makes the records that a batch causes. */
  readonly work: (messages: readonly KafkaMessage[], partition: number) => Promise<readonly Produced[]> | readonly Produced[];
}

export async function runLoop(options: LoopOptions): Promise<void> {
  const kafka = new Kafka({ clientId: `hand-${options.stage}`, brokers: [...options.brokers], logLevel: process.env.HAND_LOG === undefined ? logLevel.NOTHING : logLevel.ERROR, retry: { initialRetryTime: 5, multiplier: 1.5, retries: 50 } });
  const groupId = `${options.prefix}hand.${options.stage}`;
  const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1, transactionalId: groupId });
  const consumer = kafka.consumer({ groupId, readUncommitted: false, maxWaitTimeInMs: 50 });
  await producer.connect();
  await consumer.connect();
  await consumer.subscribe({ topic: options.prefix + options.reads, fromBeginning: true });

  const eachBatch = async (payload: EachBatchPayload): Promise<void> => {
    const { batch } = payload;
    const produced = await options.work(batch.messages, batch.partition);
    const transaction = await producer.transaction();
    try {
      // One request carries all topics; lists of one batch are equally long or shorter.
      const longest = Math.max(0, ...produced.map(({ messages }) => messages.length));
      for (let from = 0; from < longest; from += MOST) {
        const topicMessages = produced.map(({ topic, messages }) => ({ topic, messages: longest <= MOST ? messages : messages.slice(from, from + MOST) }));
        await transaction.sendBatch({ acks: -1, topicMessages: topicMessages.filter(({ messages }) => messages.length > 0) });
      }
      const next = String(Number(batch.lastOffset()) + 1);
      await transaction.sendOffsets({ consumerGroupId: groupId, topics: [{ topic: batch.topic, partitions: [{ partition: batch.partition, offset: next }] }] });
      await transaction.commit();
    } catch (error) {
      await transaction.abort();
      throw error;
    }
    payload.resolveOffset(batch.lastOffset());
    await payload.heartbeat();
  };

  // kafkajs restarts a crashed consumer quietly; a figure that was got that way should be seen to be.
  consumer.on(consumer.events.CRASH, ({ payload }) => { process.stderr.write(`hand loop, ${options.stage}: ${payload.error.message}\n`); });
  const joined = new Promise<void>((resolve) => { consumer.on(consumer.events.GROUP_JOIN, () => { resolve(); }); });
  await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch });
  await joined;
  process.send?.({ type: 'ready' });
  process.once('SIGTERM', () => { void consumer.disconnect().then(() => producer.disconnect()).then(() => process.exit(0)); });
}
