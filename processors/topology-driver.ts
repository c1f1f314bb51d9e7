/**
 * Test driver: the whole topology over the in-memory log, with a clock that is moved by hand. Messages go in at the one
 * door; what every topic holds can be read back; stages can be stopped and started.
 */
import { ManualClock, settle } from '../platform/clock-manual.js';
import { conversationKey, DEFAULT_TENANT } from '../platform/conversation-key.js';
import type { LogRecord } from '../platform/event-log/event-log.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { silentLogger } from '../platform/observability/logger.js';
import { createMetrics } from '../platform/observability/metrics.js';
import { epochOf } from '../platform/position.js';
import { seededRandom, ulidMaker, type Random } from '../platform/random.js';
import { MemoryStateStore } from '../platform/state/memory.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import type { BotReply, Message } from '../schemas/types.js';
import { ensureTopology } from '../topology/ensure.js';
import { topology, type RecordOf, type StageName, type TopicName } from '../topology/topology.js';
import { stageFactories, stageNames, type StageParts } from './index.js';
import { createRunner } from './runner.js';
import type { EffectRunner } from './runner/effects.js';
import type { StageRunner } from './runner/stage-runner.js';
import type { Stage } from './stage.js';

export interface DriverOptions extends StageParts {
  readonly partitions?: number;
  readonly seed?: number;
  readonly clock?: ManualClock;
  /** Does what stages wait for. */
  readonly effects?: EffectRunner;
  /** Makes the stages, or gives those that are there: preparing a bot is what costs, and a stage keeps nothing else. */
  readonly stage?: <S extends StageName>(name: S) => Stage<S>;
}

export class TopologyDriver {
  readonly clock: ManualClock;
  readonly random: Random;
  readonly log: MemoryEventLog;
  readonly state = new MemoryStateStore();
  readonly codec = createLocalCodec();
  epoch = '';
  private readonly runners = new Map<StageName, StageRunner>();
  private readonly newId: () => string;

  private constructor(private readonly options: DriverOptions) {
    this.clock = options.clock ?? new ManualClock();
    this.random = seededRandom(options.seed ?? 1);
    this.log = new MemoryEventLog({ clock: this.clock, random: this.random });
    this.newId = ulidMaker(this.clock, this.random);
  }

  static async create(options: DriverOptions): Promise<TopologyDriver> {
    const driver = new TopologyDriver(options);
    await ensureTopology({ log: driver.log, clock: driver.clock, topology, settings: { prefix: '', partitions: options.partitions ?? 4 }, apply: 'on-start', logger: silentLogger });
    driver.epoch = epochOf((await driver.log.topic('messages.v1')).id);
    for (const name of stageNames) await driver.start(name);
    return driver;
  }

  async start(name: StageName): Promise<void> {
    const runner = createRunner(name, this.options.stage?.(name) ?? stageFactories[name](this.options) as Stage<typeof name>, {
      log: this.log, codec: this.codec, state: this.state, clock: this.clock, random: this.random, logger: silentLogger, metrics: createMetrics(), prefix: '',
      onFatal: (error) => { throw error; },
      ...(this.options.effects === undefined ? {} : { effects: this.options.effects }),
    });
    this.runners.set(name, runner);
    await runner.start();
    await settle();
  }

  async stop(name: StageName): Promise<void> {
    await this.runners.get(name)?.close();
    this.runners.delete(name);
  }

  async close(): Promise<void> {
    for (const name of [...this.runners.keys()]) await this.stop(name);
    await this.log.close();
  }

  /** Appends a message; the default is a text of a person over the API. Returns its id. */
  async send(conversation: string, message: Partial<Message>): Promise<string> {
    const messageId = message.messageId ?? this.newId();
    const whole: Message = {
      kind: 'text', botId: 'parcel', channel: 'api', accountId: null, userId: null, author: { type: 'person', name: null }, text: null, payload: null, replyId: null,
      locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null, ...message, messageId,
    };
    const appender = await this.log.appender();
    await appender.append([{ topic: 'messages.v1', key: conversationKey(DEFAULT_TENANT, conversation), value: this.codec.of('Message').encode(whole), timestamp: this.clock.now() }]);
    await appender.close();
    return messageId;
  }

  /** Lets everything run that can run now, and the time of the slowest stage pass. */
  async run(millis = 2000): Promise<void> {
    for (let i = 0; i < 20; i += 1) await settle();
    await this.clock.advance(millis);
    for (let i = 0; i < 20; i += 1) await settle();
  }

  /** Sends a text, runs, and gives the texts of the reply's bubbles. */
  async ask(conversation: string, text: string): Promise<string[]> {
    const messageId = await this.send(conversation, { text });
    await this.run();
    const reply = (await this.all('replies.v1')).find(({ value }) => value.inReplyTo === messageId);
    return reply === undefined ? [] : textsOf(reply.value);
  }

  /** Every record of a topic, decoded, partition by partition in log order. */
  async all<T extends TopicName>(topic: T): Promise<{ record: LogRecord; partition: number; value: RecordOf<T> }[]> {
    const codec = this.codec.of(topology.topics[topic].record);
    const found: { record: LogRecord; partition: number; value: RecordOf<T> }[] = [];
    for (let partition = 0; partition < (await this.log.topic(topic)).partitions; partition += 1) {
      for await (const batch of this.log.read(topic, partition, 0)) {
        for (const record of batch.records) if (record.value !== null) found.push({ record, partition, value: codec.decode(record.value) as RecordOf<T> });
      }
    }
    return found;
  }
}

export function textsOf(reply: BotReply): string[] {
  return reply.parts.map((part) => (typeof part.text === 'string' ? part.text : ''));
}
