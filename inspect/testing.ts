/** For tests only: a conversation of every kind of record, written as the stages write it, at fixed times. */
import { ManualClock } from '../platform/clock-manual.js';
import { conversationKey } from '../platform/conversation-key.js';
import type { Appender, EventLog, NewRecord } from '../platform/event-log/event-log.js';
import { MemoryEventLog } from '../platform/event-log/memory.js';
import { partitionOf } from '../platform/partitioner.js';
import { epochOf, formatPosition } from '../platform/position.js';
import { seededRandom } from '../platform/random.js';
import { createLocalCodec } from '../schemas/codec-local.js';
import type { BotReply, DeadLetter, DeliveryUpdate, DialogueState, IntentDetected, Message, RecordName, RecordTypes, Timer } from '../schemas/types.js';
import { topology, type TopicName } from '../topology/topology.js';

const MESSAGE: Message = {
  kind: 'text', messageId: 'M', botId: 'parcel', channel: 'web', accountId: null, userId: 'u', author: { type: 'person', name: null }, text: 'hello', payload: null,
  replyId: null, locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null,
};

/** Writes what ingress and the stages would write for conversations. */
export class Chronicle {
  readonly codec = createLocalCodec();
  private turns = new Map<string, number>();

  private constructor(readonly log: EventLog, readonly clock: ManualClock, private readonly appender: Appender, private readonly place: { epoch: string; partitions: number; prefix: string }) {}

  static memory(partitions = 4): Promise<Chronicle> {
    const clock = new ManualClock();
    return Chronicle.over(new MemoryEventLog({ clock, random: seededRandom(7) }), clock, { partitions });
  }

  static async over(log: EventLog, clock: ManualClock, { partitions = 4, prefix = '' }: { partitions?: number; prefix?: string } = {}): Promise<Chronicle> {
    for (const name of Object.keys(topology.topics)) await log.admin.createTopic({ name: `${prefix}${name}`, partitions, config: {} });
    return new Chronicle(log, clock, await log.appender(), { epoch: epochOf((await log.topic(`${prefix}messages.v1`)).id), partitions, prefix });
  }

  /** Accepts a message; returns its position and when it was accepted. */
  async accept(conversation: string, messageId: string, more: Partial<Message> = {}): Promise<Accepted> {
    const at = this.clock.now();
    const message = { ...MESSAGE, messageId, ...more };
    const offset = await this.write('messages.v1', 'Message', conversation, message, at);
    return { conversation, message, at, position: formatPosition(this.place.epoch, offset, 0), offset };
  }

  async detect({ conversation, message, at, position }: Accepted, intent: string | null, confidence = 0.93, more: Partial<IntentDetected> = {}): Promise<void> {
    const result = { bot: 'parcel', version: 'v1', model: 'm', intent, confidence, ranking: [{ intent: intent ?? 'greet', confidence }], entities: [] };
    await this.write('intents.v1', 'IntentDetected', conversation, { position, message, results: [result], detectedAt: this.clock.now(), ...more }, at);
  }

  /** The reply, and the state after it. */
  async answer({ conversation, message, at, position }: Accepted, text: string, { data = null, ...more }: Partial<BotReply> & { data?: string | null } = {}): Promise<void> {
    const reply: BotReply = {
      position, inReplyTo: message.messageId, replyId: `${message.messageId}-01`, botId: 'parcel', botVersion: 'v1', channel: 'web', accountId: null, intent: null, confidence: 0,
      outcome: 'answered', author: { type: 'bot', name: null }, parts: text === '' ? [] : [{ text, quickReplies: [], buttons: [], image: null, citations: [] }], handoff: null, effects: [], prev: null, createdAt: this.clock.now(), ...more,
    };
    const turns = (this.turns.get(conversation) ?? 0) + 1;
    this.turns.set(conversation, turns);
    const state: DialogueState = { reflects: position, prev: position, botId: 'parcel', botVersion: 'v1', handedOff: reply.handoff?.to === 'person', turns, data, history: null };
    await this.write('replies.v1', 'BotReply', conversation, reply, at);
    await this.write('dialogue-states.v1', 'DialogueState', conversation, state, at);
  }

  async giveUp({ conversation, message, at, position, offset }: Accepted, more: Partial<DeadLetter> = {}): Promise<void> {
    const letter: DeadLetter = {
      status: 'open', closes: null, position, messageId: message.messageId, stage: 'dialogue', phase: 'process', topic: 'intents.v1', partition: 0, offset, originalKey: null,
      originalValue: Buffer.from('x'), errorCode: 'CONFAB_STAGE_FAILED', errorMessage: 'A stage failed on a record (TypeError)', attempts: 1, at: this.clock.now(), ...more,
    };
    await this.write('dead-letters.v1', 'DeadLetter', conversation, letter, at);
  }

  async deliver({ conversation, position }: Accepted, state: string): Promise<void> {
    const update: DeliveryUpdate = { position: `${position.slice(0, -1)}1`, state, channel: 'web', providerId: null, errorCode: null, at: this.clock.now() };
    await this.write('deliveries.v1', 'DeliveryUpdate', conversation, update, this.clock.now());
  }

  async setTimer({ conversation, at, position }: Accepted, timerId: string, dueAt: number): Promise<void> {
    const timer: Timer = { timerId, botId: 'parcel', dueAt, setBy: position, payload: null, channel: 'web', accountId: null, userId: null, locale: null };
    await this.bytes('timers.v1', conversation, this.codec.of('Timer').encode(timer), { timestamp: at, suffix: `\0${timerId}` });
  }

  /** Any bytes, or a tombstone. */
  async bytes(topic: TopicName, conversation: string, value: Buffer | null, { timestamp = this.clock.now(), suffix = '' } = {}): Promise<number> {
    const key = conversationKey('default', conversation);
    const record: NewRecord = { topic: `${this.place.prefix}${topic}`, partition: partitionOf(key, this.place.partitions), key: `${key}${suffix}`, value, timestamp };
    return (await this.appender.append([record]))[0] ?? 0;
  }

  private write<N extends RecordName>(topic: TopicName, name: N, conversation: string, value: RecordTypes[N], timestamp: number): Promise<number> {
    return this.bytes(topic, conversation, this.codec.of(name).encode(value), { timestamp });
  }
}

export interface Accepted { readonly conversation: string; readonly message: Message; readonly at: number; readonly position: string; readonly offset: number }

/** A conversation with answers, a form, a timer, receipts, a dead letter and a message that waits; another one in between. */
export async function tellAll(chronicle: Chronicle): Promise<Accepted[]> {
  const { clock } = chronicle;
  const hello = await chronicle.accept('c1', '01MESSAGE1', { text: 'hello' });
  await clock.advance(7);
  await chronicle.detect(hello, 'greet');
  await clock.advance(12);
  await chronicle.answer(hello, 'Hi there!', { intent: 'greet', confidence: 0.93 });
  await clock.advance(1_500);
  await chronicle.deliver(hello, 'delivered');
  const other = await chronicle.accept('c2', '01OTHER', { text: 'not shown' });
  await chronicle.answer(other, 'not shown either');
  await clock.advance(60_000);
  const change = await chronicle.accept('c1', '01MESSAGE2', { text: 'change my delivery\nplease' });
  await clock.advance(5);
  await chronicle.detect(change, 'change_delivery', 1);
  await clock.advance(250);
  await chronicle.answer(change, 'Which parcel?', { intent: 'change_delivery', confidence: 1, data: '{"f":[["change",1,0]],"w":"number"}' });
  await chronicle.setTimer(change, 'remind', change.at + 3_600_000);
  await clock.advance(10_000);
  const broken = await chronicle.accept('c1', '01MESSAGE3', { kind: 'postback', text: null, payload: 'intent:boom' });
  await clock.advance(3);
  await chronicle.detect(broken, null, 0.2);
  await clock.advance(1_200);
  await chronicle.giveUp(broken);
  const answer = await chronicle.accept('c1', '01MESSAGE4', { text: 'PP1' });
  await clock.advance(1);
  await chronicle.detect(answer, null, 0.13);
  await clock.advance(1);
  await chronicle.answer(answer, '', { outcome: 'handed_off', handoff: { to: 'person', reason: 'asked', transcript: [] }, data: '{"s":{"number":"PP1"},"n":1}' });
  await chronicle.bytes('timers.v1', 'c1', null, { timestamp: answer.at, suffix: '\0remind' });
  await clock.advance(400);
  const waiting = await chronicle.accept('c1', '01MESSAGE5', { text: 'still there?' });
  return [hello, change, broken, answer, waiting];
}
