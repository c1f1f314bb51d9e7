/** An installation whose conversations have all been there before: states in the log and in Redis, and intents to come. */
import { join } from 'node:path';
import { CompressionTypes, type Producer } from 'kafkajs';
import { systemClock } from '../../platform/clock.js';
import { conversationKey, DEFAULT_TENANT } from '../../platform/conversation-key.js';
import { openKafkaLog } from '../../platform/event-log/kafkajs.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { packageRoot } from '../../platform/package-root.js';
import { partitionOf } from '../../platform/partitioner.js';
import { epochOf, formatPosition } from '../../platform/position.js';
import { systemRandom } from '../../platform/random.js';
import { connectRedis } from '../../platform/redis/redis.js';
import { RedisStateStore } from '../../platform/state/redis.js';
import { rebuildOf } from '../../operate/rebuild/views.js';
import { fixedBots, loadBots } from '../../processors/bot/index.js';
import { TopologyDriver } from '../../processors/topology-driver.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import type { DialogueState, IntentDetected } from '../../schemas/types.js';
import { topicName } from '../../topology/topology.js';
import { kafkaClient, makeTopics, PARTITIONS } from './topics.js';
import { turnMaker, turns } from './workload.js';

const codec = createLocalCodec();
const BATCH = 4000;

/** What the stages before make of each turn, and states as conversations leave them behind. */
export interface Templates { readonly intents: ReadonlyMap<string, IntentDetected>; readonly states: readonly DialogueState[] }

/** By the stages themselves, over a log in memory. */
export async function makeTemplates(): Promise<Templates> {
  const bots = fixedBots(await loadBots(join(packageRoot(), 'bots')));
  const driver = await TopologyDriver.create({ bots, models: new Map() });
  for (const [n, text] of turns.entries()) await driver.ask(`c${n % 16}`, text);
  const intents = new Map((await driver.all('intents.v1')).map(({ value }) => [typeof value.message.text === 'string' ? value.message.text : '', value]));
  const newest = new Map((await driver.all('dialogue-states.v1')).map(({ record, value }) => [record.key, value]));
  await driver.close();
  return { intents, states: [...newest.values()] };
}

export class Grown {
  /** Offsets in messages.v1 that were given away, by partition; those of before are in the states. */
  private readonly offsets = new Array<number>(PARTITIONS).fill(1);
  private sent = 0;
  private readonly turn: (index: number) => { conversation: number; text: string };

  private constructor(private readonly producer: Producer, readonly prefix: string, private readonly epoch: string, private readonly templates: Templates, readonly conversations: number) {
    this.turn = turnMaker(conversations);
  }

  /** `records per second` of the rebuild of Redis from the state topic is what it returns beside. */
  static async make(servers: { readonly kafka: string; readonly redis: string }, prefix: string, conversations: number, templates: Templates): Promise<{ grown: Grown; rebuilt: number }> {
    await makeTopics(servers.kafka, prefix);
    const log = await openKafkaLog({ brokers: servers.kafka.split(','), clientId: 'confab-bench', clock: systemClock, logger: silentLogger });
    const redis = await connectRedis({ urls: [servers.redis] }, { logger: silentLogger, random: systemRandom });
    const producer = kafkaClient(servers.kafka).producer({ idempotent: true });
    try {
      const epoch = epochOf((await log.topic(topicName(prefix, 'messages.v1'))).id);
      await producer.connect();
      const grown = new Grown(producer, prefix, epoch, templates, conversations);
      await grown.writeStates();
      const rebuild = rebuildOf('state', { log, codec, clock: systemClock, prefix, state: new RedisStateStore(redis, { prefix: `confab:${prefix}` }) });
      const began = performance.now();
      const waiting = [...await rebuild.parts()];
      await Promise.all(Array.from({ length: 4 }, async () => { for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) await rebuild.run(part); }));
      return { grown, rebuilt: conversations * 1000 / (performance.now() - began) };
    } catch (error) {
      await producer.disconnect();
      throw error;
    } finally {
      await redis.close();
      await log.close();
    }
  }

  /** Sends the next intents; resolves when they are acknowledged. */
  async send(count: number): Promise<void> {
    const messages = Array.from({ length: count }, () => {
      const { conversation, text } = this.turn(this.sent);
      this.sent += 1;
      const key = keyOf(conversation);
      const partition = partitionOf(key, PARTITIONS);
      const offset = this.offsets[partition] ?? 0;
      this.offsets[partition] = offset + 1;
      const template = this.templates.intents.get(text);
      if (template === undefined) throw new Error(`no intent for "${text}"`);
      const value = codec.of('IntentDetected').encode({ ...template, position: formatPosition(this.epoch, offset, 0), message: { ...template.message, messageId: String(this.sent).padStart(26, '0') } });
      return { key, value, partition, timestamp: String(Date.now()) };
    });
    await this.producer.send({ topic: topicName(this.prefix, 'intents.v1'), acks: -1, compression: CompressionTypes.None, messages });
  }

  close(): Promise<void> { return this.producer.disconnect(); }

  private async writeStates(): Promise<void> {
    const reflects = formatPosition(this.epoch, 0, 0);
    const values = this.templates.states.map((state) => codec.of('DialogueState').encode({ ...state, reflects, prev: state.prev === null ? null : formatPosition(this.epoch, 0, 1) }));
    for (let from = 0; from < this.conversations; from += BATCH) {
      const messages = Array.from({ length: Math.min(BATCH, this.conversations - from) }, (_, n) => {
        const key = keyOf(from + n);
        return { key, value: values[(from + n) % values.length] ?? null, partition: partitionOf(key, PARTITIONS), timestamp: String(Date.now()) };
      });
      await this.producer.send({ topic: topicName(this.prefix, 'dialogue-states.v1'), acks: -1, compression: CompressionTypes.None, messages });
    }
  }
}

const keyOf = (conversation: number): string => conversationKey(DEFAULT_TENANT, `bench-${conversation}`);
