/**
 * Turns records of one conversation into views, one after another: remembers when each message was accepted, which hop came
 * last and what the state was, so that times between hops and changes of the state can be told. Bounded: of a message that
 * came long before only the record itself speaks.
 */
import { formatPosition } from '../platform/position.js';
import type { Codec } from '../schemas/codec.js';
import type { BotReply, DeadLetter, DialogueState, IntentDetected, Message } from '../schemas/types.js';
import { topology, type TopicName } from '../topology/topology.js';
import type { LogRecord } from '../platform/event-log/event-log.js';
import { decodeValue, toJson, type Decoded } from './decode.js';
import type { RecordView, StateChange, StoryTopic } from './record-view.js';
import { stateChanges } from './state-diff.js';
import { describeRecord, sayRecord, type Said } from './summary.js';

/** A record of a conversation, decoded, with the message that it belongs to. */
export interface Hop {
  readonly topic: StoryTopic;
  readonly partition: number;
  readonly record: LogRecord;
  readonly decoded: Decoded;
  /** Of the message (index 00), where the record says it. */
  readonly position: string | undefined;
}

interface Turn { readonly messageId: string | null; readonly acceptedAt: number; last: number }

export interface TrackerOptions {
  /** Texts of `value` that are longer are cut. */
  readonly maxText?: number;
}

const MOST_TURNS = 512;
const STAGES: Readonly<Record<StoryTopic, string>> = {
  'messages.v1': 'ingress', 'intents.v1': 'intent', 'replies.v1': 'dialogue', 'dead-letters.v1': '', 'dialogue-states.v1': 'dialogue', 'timers.v1': 'dialogue', 'deliveries.v1': 'egress',
};

/** @throws CONFAB_REGISTRY_UNAVAILABLE */
export async function hopOf(codec: Codec, epoch: string, topic: StoryTopic, partition: number, record: LogRecord): Promise<Hop> {
  const decoded = await decodeValue(codec, topology.topics[topic].record, record.value);
  return { topic, partition, record, decoded, position: positionOf(topic, record.offset, decoded, epoch) };
}

/** The message that a record belongs to. */
function positionOf(topic: StoryTopic, offset: number, decoded: Decoded, epoch: string): string | undefined {
  if (topic === 'messages.v1') return formatPosition(epoch, offset, 0);
  const said = messageOf(topic, decoded);
  if (said !== undefined || topic !== 'dead-letters.v1' || !('value' in decoded)) return said;
  const letter = decoded.value as unknown as DeadLetter;
  return letter.topic.endsWith('messages.v1') && letter.closes === null ? formatPosition(epoch, letter.offset, 0) : undefined;
}

/** The position of the message (index 00) that a record caused by it names; undefined when it names none. */
export function messageOf(topic: TopicName, decoded: Decoded): string | undefined {
  if (!('value' in decoded)) return undefined;
  const { reflects, setBy, position } = decoded.value as { reflects?: unknown; setBy?: unknown; position?: unknown };
  const named = topic === 'dialogue-states.v1' ? reflects : topic === 'timers.v1' ? setBy : position;
  return typeof named === 'string' ? `${named.slice(0, -2)}00` : undefined;
}

export class StoryTracker {
  private readonly turns = new Map<string, Turn>();
  /** undefined: not known; null: there was none. */
  private state: DialogueState | null | undefined;

  constructor(private readonly options: TrackerOptions = {}) {}

  /** What the state was before the first one that comes: null when the conversation had none. */
  began(state: DialogueState | null | undefined): void { this.state = state; }

  view(hop: Hop): RecordView {
    const { topic, partition, record, decoded } = hop;
    const turn = this.turnOf(hop);
    const position = hop.position ?? this.positionAt(record.timestamp);
    const at = timeOf(topic, decoded, record);
    const acceptedAt = turn?.acceptedAt ?? record.timestamp;
    const changes = topic === 'dialogue-states.v1' ? this.changes(decoded) : undefined;
    let clipped = false;
    const json = toJson(decoded, { ...(this.options.maxText === undefined ? {} : { maxText: this.options.maxText }), onCut: () => { clipped = true; } });
    const view: RecordView = {
      topic, partition, offset: record.offset, position: position ?? null, messageId: messageIdOf(topic, decoded) ?? turn?.messageId ?? null,
      stage: stageOf(topic, decoded), acceptedAt: iso(acceptedAt), at: at === undefined ? null : iso(at),
      sinceAcceptedMs: at === undefined ? null : at - acceptedAt,
      sincePreviousMs: at === undefined || turn === undefined || topic === 'messages.v1' ? null : at - turn.last,
      ...said(hop, changes ?? null, this.state?.botVersion), value: json,
      ...(changes === undefined ? {} : { stateChange: changes }), ...(clipped ? { clipped } : {}),
    };
    if (turn !== undefined && at !== undefined) turn.last = at;
    return view;
  }

  private turnOf({ topic, position, record, decoded }: Hop): Turn | undefined {
    if (topic === 'messages.v1' && position !== undefined) {
      const turn: Turn = { messageId: messageIdOf(topic, decoded) ?? null, acceptedAt: record.timestamp, last: record.timestamp };
      this.turns.set(position, turn);
      const oldest = this.turns.keys().next().value;
      if (this.turns.size > MOST_TURNS && oldest !== undefined) this.turns.delete(oldest);
      return turn;
    }
    return this.turns.get(position ?? this.positionAt(record.timestamp) ?? '');
  }

  /** Records that name no message carry its acceptance time; the latest that fits. */
  private positionAt(timestamp: number): string | undefined {
    let found: string | undefined;
    for (const [position, { acceptedAt }] of this.turns) if (acceptedAt === timestamp) found = position;
    return found;
  }

  private changes(decoded: Decoded): readonly StateChange[] | null {
    const before = this.state;
    if ('tombstone' in decoded) { this.state = null; return null; }
    if (!('value' in decoded)) { this.state = undefined; return null; }
    const after = decoded.value as unknown as DialogueState;
    this.state = after;
    if (before === undefined && after.turns === 1) return stateChanges(null, after);
    return before === undefined ? null : stateChanges(before, after);
  }
}

const iso = (millis: number): string => {
  const date = new Date(millis);
  // A time beyond what a date can hold: any bytes may claim one.
  return Number.isNaN(date.getTime()) ? new Date(0).toISOString() : date.toISOString();
};

function said({ topic, record, decoded }: Hop, changes: readonly StateChange[] | null, bot: string | undefined): Said {
  return 'value' in decoded ? sayRecord(topic, decoded.value, changes, bot) : { summary: describeRecord(topic, record, decoded) };
}

function stageOf(topic: StoryTopic, decoded: Decoded): string {
  return topic === 'dead-letters.v1' && 'value' in decoded ? (decoded.value as unknown as DeadLetter).stage : STAGES[topic];
}

function messageIdOf(topic: StoryTopic, decoded: Decoded): string | undefined {
  if (!('value' in decoded)) return undefined;
  const { value } = decoded;
  if (topic === 'intents.v1') return (value as unknown as IntentDetected).message.messageId;
  const found = topic === 'replies.v1' ? (value as unknown as BotReply).inReplyTo : (value as unknown as Partial<Message>).messageId;
  return found ?? undefined;
}

/** When the record was made, where it says so; of a message when it was accepted. */
function timeOf(topic: StoryTopic, decoded: Decoded, record: LogRecord): number | undefined {
  if (topic === 'messages.v1') return record.timestamp;
  if (!('value' in decoded)) return undefined;
  const { detectedAt, createdAt, at } = decoded.value as { detectedAt?: number | null; createdAt?: number; at?: number };
  return (topic === 'intents.v1' ? detectedAt : topic === 'replies.v1' ? createdAt : topic === 'dead-letters.v1' || topic === 'deliveries.v1' ? at : undefined) ?? undefined;
}
