/** The place of one trial: topics of its own, traffic, a reader of committed replies, the successor, and what can be compared. */
import { systemClock } from '../../platform/clock.js';
import { conversationKey, DEFAULT_TENANT } from '../../platform/conversation-key.js';
import type { Appender, EventLog, LogRecord, RecordBatch } from '../../platform/event-log/event-log.js';
import { openKafkaLog } from '../../platform/event-log/kafkajs.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { createMetrics } from '../../platform/observability/metrics.js';
import { partitionOf } from '../../platform/partitioner.js';
import { epochOf, formatPosition } from '../../platform/position.js';
import { systemRandom, ulidMaker } from '../../platform/random.js';
import { connectRedis, type RedisConnection } from '../../platform/redis/redis.js';
import { RedisStateStore } from '../../platform/state/redis.js';
import type { Bots } from '../../processors/bot/index.js';
import { stageFactories } from '../../processors/index.js';
import { createRunner } from '../../processors/runner.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import { ensureTopology } from '../../topology/ensure.js';
import { groupName, topicName, topology, type TopicName } from '../../topology/topology.js';

export interface Servers { readonly brokers: readonly string[]; readonly redisUrl: string }

const PARTITIONS = 3;
const CONVERSATIONS_A_PARTITION = 2;
const PERIOD_MILLIS = 100;
const newId = ulidMaker(systemClock, systemRandom);
const codec = createLocalCodec();
/** As many of each partition: none is without traffic. */
const keys = Array.from({ length: PARTITIONS }, (_, partition) => {
  const candidates = Array.from({ length: 100 }, (__, i) => conversationKey(DEFAULT_TENANT, `c${i}`));
  return candidates.filter((key) => partitionOf(key, PARTITIONS) === partition).slice(0, CONVERSATIONS_A_PARTITION);
}).flat();
const topics = Object.keys(topology.topics) as TopicName[];

interface Sent { readonly messageId: string; readonly conversation: string; readonly partition: number }
export interface Arrival { readonly messageId: string; readonly partition: number; readonly at: number }
/** What must not change while nothing is sent. */
export interface Snapshot { readonly records: ReadonlyMap<string, readonly string[]>; readonly states: ReadonlyMap<string, string> }

interface Parts {
  readonly prefix: string;
  readonly servers: Servers;
  readonly log: EventLog;
  readonly appender: Appender;
  readonly redis: RedisConnection;
  readonly state: RedisStateStore;
  readonly epoch: string;
}

export class Site {
  readonly sent: Sent[] = [];
  readonly arrivals: Arrival[] = [];
  private beating: NodeJS.Timeout | undefined;
  private appending: Promise<unknown> = Promise.resolve();
  private count = 0;
  private successor: ReturnType<typeof createRunner> | undefined;
  /** Faults that stages or membership told. */
  readonly troubles: string[] = [];

  private constructor(private readonly parts: Parts) {}

  static async open(servers: Servers): Promise<Site> {
    const prefix = `fencing-${newId().toLowerCase()}.`;
    const log = await openKafkaLog({ brokers: servers.brokers, clientId: 'fencing', clock: systemClock, logger: silentLogger, appendTimeoutMillis: 30_000 });
    await ensureTopology({ log, clock: systemClock, topology, settings: { prefix, partitions: PARTITIONS }, apply: 'on-start', logger: silentLogger });
    const redis = await connectRedis({ urls: [servers.redisUrl], commandTimeoutMillis: 10_000 }, { logger: silentLogger, random: systemRandom });
    const epoch = epochOf((await log.topic(topicName(prefix, 'messages.v1'))).id);
    const site = new Site({ prefix, servers, log, appender: await log.appender(), redis, state: new RedisStateStore(redis, { prefix: `confab:${prefix}` }), epoch });
    await site.prepare();
    return site;
  }

  /** Settings of a process that works here. */
  get env(): Record<string, string> {
    return { CONFAB_KAFKA_BROKERS: this.parts.servers.brokers.join(','), CONFAB_REDIS_URL: this.parts.servers.redisUrl, CONFAB_PREFIX: this.parts.prefix, CONFAB_PARTITIONS: String(PARTITIONS) };
  }

  /** The offsets name an owner that did not hand over, so that whoever comes first has somebody to fence. */
  private async prepare(): Promise<void> {
    const topic = topicName(this.parts.prefix, 'intents.v1');
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    await this.parts.log.admin.setCommitted(groupName(this.parts.prefix, 'dialogue'), partitions.map((partition) => ({ topic, partition, offset: 0, metadata: `1;${newId()};` })));
    await this.parts.log.join({ group: `${this.parts.prefix}reader`, topics: [topicName(this.parts.prefix, 'replies.v1')] }, {
      assigned: async (assignment) => { await assignment.start(assignment.partitions.map((partition) => ({ topic: topicName(this.parts.prefix, 'replies.v1'), partition, offset: 0 }))); },
      records: (batch) => { this.arrived(batch); },
      revoking: async () => undefined,
      failed: (error) => { this.troubles.push(`the reader: ${error.code}`); },
    });
  }

  startTraffic(): void { this.beating = setInterval(() => { this.round(); }, PERIOD_MILLIS); }

  /** Waits until what was sent has been taken by the log. */
  async stopTraffic(): Promise<void> {
    clearInterval(this.beating);
    await this.appending;
  }

  get allAnswered(): boolean { return new Set(this.arrivals.map(({ messageId }) => messageId)).size >= this.sent.length; }

  /** A second process of the stage, in this one. */
  async startSuccessor(bots: Bots): Promise<void> {
    this.successor = createRunner('dialogue', stageFactories.dialogue({ bots, models: new Map() }), {
      log: this.parts.log, codec, state: this.parts.state, clock: systemClock, random: systemRandom, logger: silentLogger, metrics: createMetrics(), prefix: this.parts.prefix,
      onFatal: (error) => { this.troubles.push(`the successor: ${error.code}`); },
    });
    await this.successor.start();
  }

  get successorReady(): boolean { return this.successor?.ready === true; }

  /** The longest that a reader of a partition got nothing between two times. */
  silence(from: number, to: number): number {
    const longest = Array.from({ length: PARTITIONS }, (_, partition) => {
      const times = [from, ...this.arrivals.filter((each) => each.partition === partition && each.at > from && each.at < to).map(({ at }) => at), to];
      return Math.max(...times.slice(1).map((at, i) => at - (times[i] as number)));
    });
    return Math.max(...longest);
  }

  async snapshot(): Promise<Snapshot> {
    const records = new Map<string, string[]>();
    for (const topic of topics) records.set(topic, (await this.all(topic)).map(({ partition, record }) => `${partition}/${record.offset} ${record.key ?? ''}`));
    return { records, states: new Map([...await this.states()].map(([key, { value, reflects }]) => [key, `${reflects} ${value}`])) };
  }

  /** Each message has one reply, in order; states follow the inputs and Redis holds the last of them. Empty: all is well. */
  async judge(): Promise<string[]> {
    const faults: string[] = [...this.troubles];
    const replies = await this.all('replies.v1');
    const states = await this.all('dialogue-states.v1');
    for (const key of keys) {
      const asked = this.sent.filter(({ conversation }) => conversation === key).map(({ messageId }) => messageId);
      const answered = replies.filter(({ record }) => record.key === key).map(({ record }) => codec.of('BotReply').decode(record.value as Buffer).inReplyTo ?? '');
      faults.push(...compare(key, asked, answered));
      const values = states.filter(({ record }) => record.key === key).map(({ record }) => record.value as Buffer);
      const reflects = values.map((value) => codec.of('DialogueState').decode(value).reflects);
      if (reflects.some((one, i) => i > 0 && one <= (reflects[i - 1] as string))) faults.push(`${key}: its states go back`);
      const kept = (await this.states()).get(key);
      if (kept?.value !== values.at(-1)?.toString('hex')) faults.push(`${key}: Redis does not hold the last state`);
    }
    const letters = (await this.all('dead-letters.v1')).length;
    if (letters > 0) faults.push(`${letters} dead letters`);
    return faults;
  }

  async close(): Promise<void> {
    clearInterval(this.beating);
    await this.appending.catch(() => undefined);
    await this.successor?.close();
    for (const topic of topics) await this.parts.log.admin.deleteTopic(topicName(this.parts.prefix, topic)).catch(() => undefined);
    await this.parts.log.close();
    await this.parts.redis.close();
  }

  private round(): void {
    const topic = topicName(this.parts.prefix, 'intents.v1');
    const records = keys.map((key) => {
      const messageId = newId();
      const partition = partitionOf(key, PARTITIONS);
      this.sent.push({ messageId, conversation: key, partition });
      const message = {
        kind: 'text', messageId, botId: 'parcel', channel: 'api', accountId: null, userId: null, author: { type: 'person', name: null }, text: 'hello', payload: null, replyId: null,
        locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null,
      };
      const value = codec.of('IntentDetected').encode({ position: formatPosition(this.parts.epoch, (this.count += 1), 0), message, results: [], detectedAt: null });
      return { topic, partition, key, value, timestamp: systemClock.now() };
    });
    const mine = this.parts.appender.append(records).catch((error: unknown) => { this.troubles.push(`traffic: ${String(error)}`); });
    this.appending = Promise.all([this.appending, mine]);
  }

  private arrived(batch: RecordBatch): void {
    const at = performance.now();
    for (const { value } of batch.records) if (value !== null) this.arrivals.push({ messageId: codec.of('BotReply').decode(value).inReplyTo ?? '', partition: batch.partition, at });
  }

  private async all(topic: TopicName): Promise<{ partition: number; record: LogRecord }[]> {
    const name = topicName(this.parts.prefix, topic);
    const found: { partition: number; record: LogRecord }[] = [];
    for (let partition = 0; partition < (await this.parts.log.topic(name)).partitions; partition += 1) {
      for await (const batch of this.parts.log.read(name, partition, 0, await this.parts.log.settledEnd(name, partition))) for (const record of batch.records) found.push({ partition, record });
    }
    return found;
  }

  private async states(): Promise<Map<string, { value: string; reflects: string }>> {
    const found = new Map<string, { value: string; reflects: string }>();
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      const { entries } = await this.parts.state.read(topicName(this.parts.prefix, 'dialogue-states.v1'), partition, keys.filter((key) => partitionOf(key, PARTITIONS) === partition));
      for (const entry of entries) if (entry !== undefined) found.set(entry.key, { value: entry.value?.toString('hex') ?? '', reflects: entry.reflects });
    }
    return found;
  }
}

function compare(key: string, asked: readonly string[], answered: readonly string[]): string[] {
  if (asked.join() === answered.join()) return [];
  const unique = new Set(answered);
  const lost = asked.filter((id) => !unique.has(id)).length;
  return [`${key}: ${lost} lost, ${answered.length - unique.size} doubled of ${asked.length}${lost === 0 && answered.length === unique.size ? ', out of order' : ''}`];
}
