/** For tests only: a log with messages and outcomes written by hand, and egress nodes over it. */
import type { FastifyInstance } from 'fastify';
import { ManualClock, settle } from '../platform/clock-manual.js';
import { conversationKey, splitConversationKey } from '../platform/conversation-key.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import type { Appender, EventLog } from '../platform/event-log/event-log.js';
import { testServer } from '../platform/http/testing.js';
import type { HttpServerOptions } from '../platform/http/server.js';
import { silentLogger } from '../platform/observability/logger.js';
import { createMetrics } from '../platform/observability/metrics.js';
import { partitionOf } from '../platform/partitioner.js';
import { formatPosition, parsePosition } from '../platform/position.js';
import { seededRandom } from '../platform/random.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import type { BotReply, DeadLetter, Message, ReplyPart } from '../schemas/types.js';
import { topology } from '../topology/topology.js';
import { createEgress, type Egress, type EgressOptions } from './egress.js';
import { MemoryFanout, type MemoryBus } from './fanout/memory.js';
import { logTopics, type LogTopics } from './log-topics.js';
import { MemoryOutbox } from './outbox/memory.js';

interface TestContext { after(run: () => void | Promise<void>): void }

const MESSAGE: Message = {
  kind: 'text', messageId: 'm', botId: 'b', channel: 'web', accountId: null, userId: 'u', author: { type: 'person', name: null }, text: 'hello', payload: null,
  replyId: null, locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null,
};
/** A bubble of nothing but text. */
export const part = (text: string): ReplyPart => ({ text, quickReplies: [], buttons: [], image: null, citations: [] });
const REPLY: BotReply = {
  position: '', inReplyTo: 'm', replyId: 'm-01', botId: 'b', botVersion: '1', channel: 'web', accountId: null, intent: null, confidence: 0, outcome: 'answered',
  author: { type: 'bot', name: null }, parts: [part('hi')], handoff: null, effects: [], prev: null, createdAt: 0,
};
const LETTER: DeadLetter = {
  status: 'open', closes: null, position: null, messageId: 'm', stage: 'intent', phase: 'process', topic: 'messages.v1', partition: 0, offset: 0,
  originalKey: null, originalValue: null, errorCode: 'CONFAB_INTERNAL', errorMessage: '', attempts: 1, at: 0,
};

/** Writes what ingress and the stages would write. */
export class Scene {
  readonly codec = createLocalCodec();
  private readonly prev = new Map<string, string>();
  private readonly accepted = new Map<string, number>();
  private sequence = 0;

  private constructor(readonly clock: ManualClock, readonly log: EventLog, readonly topics: LogTopics, private readonly appender: Appender) {}

  static make(partitions = 4): Promise<Scene> {
    const clock = new ManualClock();
    return Scene.over(new MemoryEventLog({ clock, random: seededRandom(7) }), clock, partitions);
  }

  /** Over a log that may have its topics already. */
  static async over(log: EventLog, clock: ManualClock, partitions = 4): Promise<Scene> {
    const known = new Set((await log.admin.topics()).map(({ name }) => name));
    for (const name of Object.keys(topology.topics)) if (!known.has(name)) await log.admin.createTopic({ name, partitions, config: {} });
    return new Scene(clock, log, await logTopics(log, ''), await log.appender());
  }

  partition(key: string): number { return partitionOf(key, this.topics.partitions); }

  /** A message; returns its position. */
  async accept(conversationId: string, more: Partial<Message> & { tenant?: string; timestamp?: number } = {}): Promise<string> {
    const { tenant = 'default', timestamp = this.clock.now(), ...fields } = more;
    const key = conversationKey(tenant, conversationId);
    this.sequence += 1;
    const value = this.codec.of('Message').encode({ ...MESSAGE, messageId: `M${this.sequence}`, ...fields });
    const [offset = 0] = await this.appender.append([{ topic: 'messages.v1', partition: this.partition(key), key, value, timestamp }]);
    const position = formatPosition(this.topics.epoch, offset, 0);
    this.accepted.set(`${key} ${position}`, timestamp);
    return position;
  }

  /** The BotReply to a message. Replies of a conversation are chained in the order of the calls. */
  async answer(conversationId: string, position: string, more: Partial<BotReply> & { tenant?: string } = {}): Promise<string> {
    const { tenant = 'default', ...fields } = more;
    const key = conversationKey(tenant, conversationId);
    const reply: BotReply = { ...REPLY, position, replyId: `${position}-r`, createdAt: this.clock.now(), prev: this.prev.get(key) ?? null, ...fields };
    this.prev.set(key, position);
    await this.write('replies.v1', key, position, this.codec.of('BotReply').encode(reply));
    return `${position.slice(0, -1)}1`;
  }

  /** The dead letter of a message. */
  async giveUp(conversationId: string, position: string, more: Partial<DeadLetter> & { tenant?: string } = {}): Promise<string> {
    const { tenant = 'default', ...fields } = more;
    const key = conversationKey(tenant, conversationId);
    await this.write('dead-letters.v1', key, position, this.codec.of('DeadLetter').encode({ ...LETTER, position, partition: this.partition(key), offset: parsePosition(position).offset, ...fields }));
    return `${position.slice(0, -1)}1`;
  }

  /** Any bytes. */
  async write(topic: string, key: string, position: string, value: Buffer): Promise<void> {
    await this.appender.append([{ topic, partition: this.partition(key), key, value, timestamp: this.accepted.get(`${key} ${position}`) ?? this.clock.now() }]);
  }

  splitKey(key: string): string { return splitConversationKey(key).conversationId; }
}

export interface TestNode { readonly egress: Egress; readonly app: FastifyInstance; readonly outbox: MemoryOutbox; readonly fanout: MemoryFanout }

/** A node of egress with its HTTP server, over the scene's log. Started and ready to be asked. */
export async function testNode(t: TestContext, scene: Scene, options: Partial<EgressOptions> & { bus?: MemoryBus; http?: Partial<HttpServerOptions>; reads?: boolean } = {}): Promise<TestNode> {
  const { bus, http, reads = true, ...more } = options;
  const outbox = (more.outbox ?? new MemoryOutbox({ clock: scene.clock })) as MemoryOutbox;
  const fanout = new MemoryFanout(bus);
  const egress = await createEgress({
    log: scene.log, codec: scene.codec, outbox, fanout, clock: scene.clock, random: seededRandom(3), logger: silentLogger, metrics: createMetrics(), ...more,
  });
  const app = testServer(t, { clock: scene.clock, ...http });
  await app.register(egress.routes);
  await app.ready();
  if (reads) await egress.start();
  await turns();
  t.after(async () => { await egress.close(); });
  return { egress, app, outbox, fanout };
}

/** Lets everything happen that needs no time. */
export async function turns(count = 12): Promise<void> {
  for (let i = 0; i < count; i += 1) await settle();
}
