/** Conversations from the log: a partition at a time, its messages with the replies that they had. */
import { ConfabError } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import { CLOCK_ALLOWANCE } from '../../platform/event-log/scan.js';
import { epochOf, formatPosition } from '../../platform/position.js';
import type { Codec } from '../../schemas/codec.js';
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
}

/** What came in up to the call, by partition and first message. @throws CONFAB_POSITION_INVALID of another log, or past its end */
export async function* recordingsOf({ log, codec, prefix, botId, now, ...options }: FromLogOptions): AsyncGenerator<Recording> {
  const [messages, replies] = [topicName(prefix, 'messages.v1'), topicName(prefix, 'replies.v1')];
  const { id, partitions } = await log.topic(messages);
  const epoch = epochOf(id);
  const from = options.from.kind === 'position' ? { kind: 'time' as const, millis: await timeOf(log, messages, { ...options.from, own: epoch, partitions }) } : options.from;
  const [messageCodec, replyCodec] = [codec.of('Message'), codec.of('BotReply')];
  for (let partition = 0; partition < partitions; partition += 1) {
    const conversations = new Map<string, (RecordedTurn & { reply: BotReply | null })[]>();
    const byPosition = new Map<string, RecordedTurn & { reply: BotReply | null }>();
    let first: number | undefined;
    for await (const { records } of log.read(messages, partition, await offsetAtTime(log, messages, partition, { from, now }))) {
      for (const { key, value, offset, timestamp } of records) {
        if (key === null || value === null) continue;
        const message = messageCodec.decode(value);
        if (message.botId !== botId) continue;
        first ??= timestamp;
        const turn = { message, position: formatPosition(epoch, offset, 0), at: timestamp, reply: null };
        byPosition.set(turn.position, turn);
        const turns = conversations.get(key);
        if (turns === undefined) conversations.set(key, [turn]); else turns.push(turn);
      }
    }
    if (first === undefined) continue;
    for await (const { records } of log.read(replies, partition, await log.admin.offsetAt(replies, partition, first - CLOCK_ALLOWANCE))) {
      for (const { value } of records) {
        if (value === null) continue;
        const reply = replyCodec.decode(value);
        const turn = byPosition.get(reply.position);
        if (turn !== undefined) turn.reply = reply;
      }
    }
    for (const [key, turns] of conversations) yield { key, turns };
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
