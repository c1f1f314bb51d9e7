/**
 * For tests: a history as the pipeline would have left it, made by a seed: conversations that overlap, stages that work on
 * them in any order, dead letters and their retries, agents and handoffs, silent outcomes, timers, deliveries, gaps of
 * transaction markers, compaction. It stays a list of values until it is written down, so that defects can be planted in it.
 */
import { CONVERSATION_ID_FORM } from '../../../platform/conversation-key.js';
import type { LogRecord } from '../../../platform/event-log/event-log.js';
import { partitionOf } from '../../../platform/partitioner.js';
import { epochOf, formatPosition } from '../../../platform/position.js';
import type { Random } from '../../../platform/random.js';
import type { Codec } from '../../../schemas/codec.js';
import type { AnalyticsCount, BotReply, DeadLetter, DeliveryUpdate, DialogueState, IntentDetected, Message, RecordName, Timer } from '../../../schemas/types.js';
import { groupName, topicName, topology, type StageName, type TopicName } from '../../../topology/topology.js';
import { AUDITED, type Audited } from '../spans.js';
import type { Script, ScriptedPartition } from './scripted-log.js';

/** A record before it is written: its value, or bytes. */
export interface Planned<V = unknown> { key: string; value: V | Buffer | null; timestamp: number; /** Set from the beginning where others refer to it. */ offset: number }
export type PlannedMessage = Planned<Message>;

interface Conversation { readonly key: string; prev: string | null; turns: number }

export interface HistoryOptions { readonly random: Random; readonly partition?: number; readonly partitions?: number; readonly conversations?: number; readonly steps?: number; readonly start?: number; readonly epoch?: string; /** Offsets without gaps. */ readonly gaps?: boolean }

const AUTHOR = { type: 'person', name: null };
const KINDS = ['text', 'text', 'text', 'text', 'postback', 'attachment', 'agent', 'handoff', 'reaction', 'timer'];
const OUTCOMES = ['answered', 'answered', 'answered', 'silent', 'handed_off', 'fallback', 'ended'];
const NOT_ASKED_FOR = new Set(['agent', 'timer', 'handoff', 'system']);
const EPOCH_MILLIS = Date.UTC(2026, 0, 1);
export const TOPIC_ID = 'c0ffee00c0ffee00c0ffee00c0ffee00';

export class History {
  readonly random: Random;
  readonly partition: number;
  readonly partitions: number;
  now: number;
  readonly messages: PlannedMessage[] = [];
  readonly intents: Planned<IntentDetected>[] = [];
  readonly replies: Planned<BotReply>[] = [];
  readonly states: Planned<DialogueState>[] = [];
  readonly letters: Planned<DeadLetter>[] = [];
  readonly deliveries: Planned<DeliveryUpdate>[] = [];
  readonly timers: Planned<Timer>[] = [];
  /** Made from the replies when it is written down; defects change them then. */
  changeCounts: (counts: Planned<AnalyticsCount>[]) => void = () => undefined;
  /** The same for states, after compaction. */
  changeStates: (states: Planned<DialogueState>[]) => Planned<DialogueState>[] = (states) => states;
  /** Records at the end that a stage has not passed. */
  readonly behind: { intent: number; dialogue: number } = { intent: 0, dialogue: 0 };
  readonly conversations: Conversation[];
  private readonly toUnderstand: PlannedMessage[] = [];
  private readonly toAnswer: Planned<IntentDetected>[] = [];
  private readonly epoch: string;
  private readonly gaps: boolean;
  private next = 0;
  private nextLetter = 0;
  private ids = 0;

  constructor({ random, partition = 0, partitions = 1, conversations = 12, steps = 300, start = EPOCH_MILLIS, epoch = epochOf(TOPIC_ID), gaps = true }: HistoryOptions) {
    this.random = random;
    this.epoch = epoch;
    this.gaps = gaps;
    this.partition = partition;
    this.partitions = partitions;
    this.now = start;
    this.conversations = this.keys(conversations).map((key) => ({ key, prev: null, turns: 0 }));
    for (let step = 0; step < steps; step += 1) this.step();
    this.settle();
  }

  position(offset: number): string { return formatPosition(this.epoch, offset, 0); }

  /** Keys of conversations of this partition. */
  keys(count: number, partition = this.partition): string[] {
    const found: string[] = [];
    for (let i = 0; found.length < count; i += 1) {
      const id = `c${Math.floor(this.random.float() * 1e9).toString(36)}${i}`;
      const key = `${this.random.float() < 0.8 ? 'default' : 'acme'}/${id}`;
      if (CONVERSATION_ID_FORM.test(id) && partitionOf(key, this.partitions) === partition) found.push(key);
    }
    return found;
  }

  /** All that is under way is done. */
  settle(): void {
    while (this.toUnderstand.length > 0) this.understand();
    while (this.toAnswer.length > 0) this.answer();
  }

  accept(key: string, change: Partial<Message> = {}): PlannedMessage {
    this.pass(50);
    this.ids += 1;
    const message: Message = {
      kind: this.pick(KINDS), messageId: `m${this.partition}x${this.ids}`, botId: 'b', channel: 'api', accountId: null, userId: null, author: AUTHOR, text: 'x', payload: null, replyId: null,
      locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: this.random.float() < 0.3 ? `key-${this.partition}-${this.ids}` : null, bodyHash: null, retryOf: null, ...change,
    };
    this.next += this.gap();
    const planned = { key, value: message, timestamp: this.now, offset: this.next };
    this.next += 1;
    this.messages.push(planned);
    return planned;
  }

  /** A message with all that belongs to it. */
  turn(key: string, change: Partial<Message> = {}): PlannedMessage {
    const message = this.accept(key, change);
    this.toReply(this.toIntent(message));
    return message;
  }

  toIntent({ key, value, timestamp, offset }: PlannedMessage): Planned<IntentDetected> {
    const intent = { key, value: { position: this.position(offset), message: value as Message, results: [], detectedAt: this.now }, timestamp, offset: -1 };
    this.intents.push(intent);
    return intent;
  }

  toReply({ key, value, timestamp }: Planned<IntentDetected>): Planned<BotReply> {
    const { position, message } = value as IntentDetected;
    const conversation = this.conversation(key);
    const reply: BotReply = {
      position, inReplyTo: NOT_ASKED_FOR.has(message.kind) ? null : message.messageId, replyId: `${message.messageId}-01`, botId: 'b', botVersion: 'v', channel: 'api', accountId: null, intent: this.pick([null, 'hello', 'order']), confidence: 0,
      outcome: this.pick(OUTCOMES), author: AUTHOR, parts: [], handoff: null, effects: [], prev: conversation.prev, createdAt: this.now,
    };
    conversation.prev = position;
    conversation.turns += 1;
    const planned = { key, value: reply, timestamp, offset: -1 };
    this.replies.push(planned);
    this.states.push({ key, value: { reflects: position, prev: position, botId: 'b', botVersion: 'v', handedOff: false, turns: conversation.turns, data: null, history: null }, timestamp, offset: -1 });
    return planned;
  }

  /** A dead letter of a message; its offset is settled, since others name it. */
  letter({ key, value, timestamp, offset }: PlannedMessage, change: Partial<DeadLetter> = {}): Planned<DeadLetter> {
    const { messageId } = value as Message;
    return this.appendLetter(key, timestamp, {
      status: 'open', closes: null, position: this.position(offset), messageId, stage: 'intent', phase: 'process', topic: 'messages.v1', partition: this.partition, offset,
      originalKey: null, originalValue: null, errorCode: 'CONFAB_STAGE_FAILED', errorMessage: '', attempts: 1, at: this.now, ...change,
    });
  }

  close(letter: Planned<DeadLetter>, status: 'retried' | 'discarded'): Planned<DeadLetter> {
    return this.appendLetter(letter.key, this.now, { ...letter.value as DeadLetter, status, closes: this.idOf(letter), at: this.now });
  }

  idOf(letter: Planned<DeadLetter>): string { return `${this.partition}-${letter.offset}`; }

  conversation(key: string): Conversation {
    const found = this.conversations.find((one) => one.key === key);
    if (found !== undefined) return found;
    const made = { key, prev: null, turns: 0 };
    this.conversations.push(made);
    return made;
  }

  pick<T>(from: readonly T[]): T { return from[Math.floor(this.random.float() * from.length)] as T; }

  pass(most: number): void { this.now += Math.floor(this.random.float() * most); }

  private appendLetter(key: string, timestamp: number, value: DeadLetter): Planned<DeadLetter> {
    this.nextLetter += this.gap();
    const planned = { key, value, timestamp, offset: this.nextLetter };
    this.nextLetter += 1;
    this.letters.push(planned);
    return planned;
  }

  private gap(): number { return this.gaps && this.random.float() < 0.15 ? 1 + Math.floor(this.random.float() * 3) : 0; }

  private step(): void {
    const dice = this.random.float();
    if (dice < 0.3) this.toUnderstand.push(this.accept(this.pick(this.conversations).key));
    else if (dice < 0.6) this.understand();
    else if (dice < 0.9) this.answer();
    else if (dice < 0.93) this.retryOrDiscard();
    else if (dice < 0.96) this.timer();
    else if (dice < 0.99) this.deliver();
    else this.pass(90_000);
    this.pass(20);
  }

  /** One whose conversation has nothing older under way. */
  private takeNext<T extends { readonly key: string }>(waiting: T[]): T | undefined {
    if (waiting.length === 0) return undefined;
    const { key } = this.pick(waiting);
    const at = waiting.findIndex((one) => one.key === key);
    return waiting.splice(at, 1)[0];
  }

  private understand(): void {
    const message = this.takeNext(this.toUnderstand);
    if (message === undefined) return;
    if (this.random.float() < 0.04) this.letter(message);
    else this.toAnswer.push(this.toIntent(message));
  }

  private answer(): void {
    const intent = this.takeNext(this.toAnswer);
    if (intent === undefined) return;
    if (this.random.float() >= 0.04) { this.toReply(intent); return; }
    const message = this.messages.find(({ offset }) => this.position(offset) === (intent.value as IntentDetected).position);
    if (message !== undefined) this.letter(message, { stage: 'dialogue', topic: 'intents.v1', offset: this.intents.indexOf(intent) });
  }

  private retryOrDiscard(): void {
    const closed = new Set(this.letters.map(({ value }) => (value as DeadLetter).closes));
    const letter = this.letters.find((one) => (one.value as DeadLetter).closes === null && !closed.has(this.idOf(one)));
    if (letter === undefined) return;
    if (this.random.float() < 0.6) this.toUnderstand.push(this.accept(letter.key, { messageId: (letter.value as DeadLetter).messageId ?? '', idempotencyKeyHash: null, retryOf: this.idOf(letter) }));
    this.close(letter, this.messages.at(-1)?.value !== null && (this.messages.at(-1)?.value as Message).retryOf === this.idOf(letter) ? 'retried' : 'discarded');
  }

  private timer(): void {
    const message = this.messages.at(-1);
    if (message === undefined) return;
    const key = `${message.key}\0t${this.timers.length}`;
    this.timers.push({ key, value: { timerId: 't', botId: 'b', dueAt: this.now + 1_000, setBy: this.position(message.offset), payload: null, channel: 'web', accountId: null, userId: null, locale: null }, timestamp: message.timestamp, offset: -1 });
    this.timers.push({ key, value: null, timestamp: this.now, offset: -1 });
  }

  private deliver(): void {
    const reply = this.replies.at(-1);
    if (reply === undefined) return;
    const { position } = reply.value as BotReply;
    this.deliveries.push({ key: reply.key, value: { position: `${position.slice(0, -2)}01`, state: 'delivered', channel: this.pick(['web', 'sms']), providerId: null, errorCode: null, at: this.now }, timestamp: this.now, offset: -1 });
  }

  /** Absolute values by minute and intent, some of them early ones of the same key. */
  private counts(): Planned<AnalyticsCount>[] {
    const counts = new Map<string, number>();
    const planned: Planned<AnalyticsCount>[] = [];
    this.replies.forEach(({ value, timestamp }, at) => {
      if (value === null || Buffer.isBuffer(value)) return;
      const minute = Math.floor(timestamp / 60_000) * 60_000;
      const key = `${minute}|b|api|${value.intent ?? ''}|${this.partition}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      const last = this.replies.findLastIndex((other) => Math.floor(other.timestamp / 60_000) * 60_000 === minute && !Buffer.isBuffer(other.value) && (other.value?.intent ?? '') === (value.intent ?? '')) === at;
      if (!last && this.random.float() < 0.7) return;
      planned.push({ key, timestamp, offset: -1, value: { minute, botId: 'b', channel: 'api', intent: value.intent, partition: this.partition, replies: counts.get(key) ?? 0, outcomes: {}, latencyMillisSum: 0, latencyMillisMax: 0, latencyBuckets: [] } });
    });
    this.changeCounts(planned);
    return planned;
  }

  /** All topics of the partition, in the order of their offsets. `compacted`: states that a later one has replaced may be gone. */
  plan(compacted = true): Record<Audited, Planned[]> {
    const states = this.changeStates(compacted ? this.compact(this.states) : this.states);
    return {
      'messages.v1': this.messages, 'intents.v1': this.intents, 'replies.v1': this.replies, 'dead-letters.v1': this.letters, 'dialogue-states.v1': states, 'deliveries.v1': this.deliveries, 'timers.v1': this.timers, 'analytics.v1': this.counts(),
    };
  }

  /** As a cleaner does: up to some place only the newest of each key is left. */
  private compact(states: readonly Planned<DialogueState>[]): Planned<DialogueState>[] {
    const until = Math.floor(this.random.float() * states.length);
    return states.filter(({ key }, at) => at >= until || !states.slice(at + 1, until).some((later) => later.key === key));
  }

  /** Gives the rest their offsets, with gaps. */
  place(list: readonly Planned[], gaps = true): { readonly records: readonly Planned[]; readonly end: number } {
    let next = 0;
    for (const record of list) {
      if (record.offset < 0) record.offset = next + (gaps ? this.gap() : 0);
      next = record.offset + 1;
    }
    return { records: list, end: next + (gaps ? this.gap() : 0) };
  }
}

/** Writes histories down as a log, one a partition. */
export function scriptOf(histories: readonly History[], codec: Codec, prefix = ''): Script {
  const topics = new Map<string, ScriptedPartition[]>(AUDITED.map((topic) => [topicName(prefix, topic), []]));
  const committed = new Map<string, number[]>();
  const commit = (stage: StageName, topic: TopicName, offset: number): void => {
    const name = `${groupName(prefix, stage)} ${topicName(prefix, topic)}`;
    committed.set(name, [...committed.get(name) ?? [], offset]);
  };
  for (const history of histories) {
    const plan = history.plan();
    for (const topic of AUDITED) {
      const { records, end } = history.place(plan[topic]);
      topics.get(topicName(prefix, topic))?.push({ start: 0, end, records: records.map((record) => encoded(record, topic, codec)) });
      const behind = topic === 'messages.v1' ? history.behind.intent : topic === 'intents.v1' ? history.behind.dialogue : 0;
      const stage = ({ 'messages.v1': 'intent', 'intents.v1': 'dialogue', 'replies.v1': 'analytics' } as const)[topic as 'messages.v1'] as StageName | undefined;
      if (stage !== undefined) commit(stage, topic, behind === 0 ? end : records.at(-behind)?.offset ?? 0);
    }
  }
  return { id: TOPIC_ID, topics, committed };
}

export function encoded({ key, value, timestamp, offset }: Planned, topic: Audited, codec: Codec): LogRecord {
  const record: RecordName = topology.topics[topic].record;
  return { key, timestamp, offset, headers: undefined, value: value === null || Buffer.isBuffer(value) ? value : codec.of(record).encode(value as never) };
}
