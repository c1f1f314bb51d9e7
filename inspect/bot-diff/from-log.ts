/** Conversations from the log: a partition at a time, its messages with the replies that they had. */
import { ConfabError, isCode } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import { CLOCK_ALLOWANCE } from '../../platform/event-log/scan.js';
import { epochOf, formatPosition } from '../../platform/position.js';
import type { Codec, RecordCodec } from '../../schemas/codec.js';
import { decodeRecord } from '../../schemas/decode-record.js';
import type { BotReply } from '../../schemas/types.js';
import { topicName } from '../../topology/topology.js';
import { offsetAtTime, type From } from '../whence.js';
import type { Recording, RecordedTurn } from './types.js';

export interface FromLogOptions {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly prefix: string;
  readonly botId: string;
  /** A position stands for its time: what came in since then, in every conversation. */
  readonly from: From;
  readonly now: number;
  /** A record that nobody can read is left out, and told. */
  readonly unreadable?: (topic: string, partition: number, offset: number) => void;
}

type OpenTurn = RecordedTurn & { reply: BotReply | null };

/**
 * What came in up to the call, by partition and first message.
 * @throws CONFAB_POSITION_INVALID of another log, or past its end; CONFAB_REGISTRY_UNAVAILABLE a schema cannot be looked up
 */
export async function* recordingsOf({ log, codec, prefix, botId, now, unreadable = () => undefined, ...options }: FromLogOptions): AsyncGenerator<Recording> {
  const [messages, replies] = [topicName(prefix, 'messages.v1'), topicName(prefix, 'replies.v1')];
  const { id, partitions } = await log.topic(messages);
  const epoch = epochOf(id);
  const from = options.from.kind === 'position' ? { kind: 'time' as const, millis: await timeOf(log, messages, { ...options.from, own: epoch, partitions }) } : options.from;
  for (let partition = 0; partition < partitions; partition += 1) {
    const conversations = new Map<string, OpenTurn[]>();
    const byPosition = new Map<string, OpenTurn>();
    let first: number | undefined;
    const place = { topic: messages, partition, codec: codec.of('Message'), unreadable };
    for await (const { key, value: message, offset, timestamp } of records(log, place, await offsetAtTime(log, messages, partition, { from, now }))) {
      if (key === null || message.botId !== botId) continue;
      first ??= timestamp;
      const turn = { message, position: formatPosition(epoch, offset, 0), at: timestamp, reply: null };
      byPosition.set(turn.position, turn);
      const turns = conversations.get(key);
      if (turns === undefined) conversations.set(key, [turn]); else turns.push(turn);
    }
    if (first === undefined) continue;
    const replied = { topic: replies, partition, codec: codec.of('BotReply'), unreadable };
    for await (const { value: reply } of records(log, replied, await log.admin.offsetAt(replies, partition, first - CLOCK_ALLOWANCE))) {
      const turn = byPosition.get(reply.position);
      if (turn !== undefined) turn.reply = reply;
    }
    for (const [key, turns] of conversations) yield { key, turns };
  }
}

interface Place<T> { readonly topic: string; readonly partition: number; readonly codec: RecordCodec<T>; readonly unreadable: NonNullable<FromLogOptions['unreadable']> }

/** Records of a newer release are read by their own schema. @throws CONFAB_REGISTRY_UNAVAILABLE */
async function* records<T>(log: EventLog, { topic, partition, codec, unreadable }: Place<T>, from: number): AsyncGenerator<{ key: string | null; value: T; offset: number; timestamp: number }> {
  for await (const batch of log.read(topic, partition, from)) {
    for (const { key, value, offset, timestamp } of batch.records) {
      if (value === null) continue;
      let read: T;
      try { read = await decodeRecord(codec, value); } catch (error) {
        if (!isCode(error, 'CONFAB_RECORD_INVALID', 'CONFAB_SCHEMA_UNKNOWN')) throw error;
        unreadable(topic, partition, offset);
        continue;
      }
      yield { key, value: read, offset, timestamp };
    }
  }
}

/** A position does not say its partition: the earliest of the messages that it may be. */
async function timeOf(log: EventLog, topic: string, { epoch, offset, own, partitions }: { epoch: string; offset: number; own: string; partitions: number }): Promise<number> {
  if (epoch !== own) throw new ConfabError('CONFAB_POSITION_INVALID', { detail: `The position is of another log: positions of this one begin with ${own}.` });
  let earliest = Infinity;
  for (let partition = 0; partition < partitions; partition += 1) {
    for await (const { records } of log.read(topic, partition, offset, offset + 1)) {
      const [record] = records;
      if (record?.offset === offset) earliest = Math.min(earliest, record.timestamp);
    }
  }
  if (earliest === Infinity) throw new ConfabError('CONFAB_POSITION_INVALID', { detail: 'No message stands at that position (any more).' });
  return earliest;
}
