/**
 * Conversations from a file of JSON lines: dialogues (`{conversation, turn, speaker, text}`), or records of messages.v1
 * and replies.v1 as `confab tail --json` prints them. One line is read at a time; the file is held once.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { ConfabError } from '../../platform/errors.js';
import { formatPosition, parsePosition } from '../../platform/position.js';
import { JsonRecordReader } from '../../schemas/from-json.js';
import { newestSchemas, schemaFolder } from '../../schemas/schema-set.js';
import type { BotReply, Message, ReplyPart } from '../../schemas/types.js';
import type { Recorded, RecordedTurn, Recording } from './types.js';

interface Open { readonly turns: (RecordedTurn & { reply: Recorded | null })[] }

/** A minute between the turns of a dialogue that tells no time. */
const STEP = 60_000;
const BEGIN = Date.UTC(2026, 0, 5, 9);
const PERSONS = new Set(['user', 'person', 'customer']);
const MOST_LINE = 4 * 1024 * 1024;

/** @throws CONFAB_INPUT_INVALID naming the line */
export async function recordingsFrom(path: string, botId: string): Promise<Recording[]> {
  const reader = new LineReader(botId);
  let number = 0;
  try {
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      number += 1;
      if (line.trim() !== '') reader.take(line, number);
    }
  } catch (error) {
    if (error instanceof ConfabError) throw error;
    throw new ConfabError('CONFAB_INPUT_INVALID', { detail: `${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}.`, cause: error });
  }
  return reader.recordings();
}

class LineReader {
  private readonly conversations = new Map<string, Open>();
  /** Replies by partition and offset of their message. */
  private readonly replies = new Map<string, BotReply>();
  private readonly places = new Map<RecordedTurn, string>();
  private readonly messages = readerOf('Message');
  private readonly botReplies = readerOf('BotReply');
  private count = 0;

  constructor(private readonly botId: string) {}

  take(line: string, number: number): void {
    const value = parsed(line, number);
    if (typeof value.topic === 'string') this.takeRecord(value, number);
    else this.takeDialogue(value, number);
  }

  recordings(): Recording[] {
    for (const { turns } of this.conversations.values()) {
      for (const turn of turns) {
        const place = this.places.get(turn);
        if (place !== undefined) turn.reply = this.replies.get(place) ?? null;
      }
    }
    return [...this.conversations].flatMap(([key, { turns }]) => (turns.length === 0 ? [] : [{ key, turns }]));
  }

  private takeDialogue({ conversation, speaker, text }: Line, number: number): void {
    if (typeof conversation !== 'string' || typeof speaker !== 'string' || typeof text !== 'string') throw invalid(number, 'it has neither a topic nor conversation, speaker and text');
    const key = `default/${conversation}`;
    const open = this.openOf(key);
    if (!PERSONS.has(speaker.toLowerCase())) {
      const last = open.turns.at(-1);
      if (last !== undefined) last.reply = { outcome: 'answered', intent: null, parts: [...last.reply?.parts ?? [], partOf(text)] };
      return;
    }
    const at = BEGIN + open.turns.length * STEP;
    open.turns.push({ message: textOf(text, this.botId, this.count), position: formatPosition('00000000', this.count, 0), at, reply: null });
    this.count += 1;
  }

  private takeRecord({ topic, partition, offset, timestamp, key, value }: Line, number: number): void {
    if (value === null || value === undefined) return;
    const name = String(topic);
    try {
      if (name.endsWith('messages.v1')) {
        const message = readWith<Message>(this.messages, value);
        if (message.botId !== this.botId || typeof key !== 'string') return;
        const turn = { message, position: formatPosition('00000000', Number(offset), 0), at: instant(timestamp), reply: null };
        this.openOf(key).turns.push(turn);
        this.places.set(turn, `${String(partition)}-${String(offset)}`);
      } else if (name.endsWith('replies.v1')) {
        const reply = readWith<BotReply>(this.botReplies, value);
        this.replies.set(`${String(partition)}-${parsePosition(reply.position).offset}`, reply);
      }
    } catch (cause) {
      throw invalid(number, `it is no record of ${name}: ${(cause as Error).message}`, cause);
    }
  }

  private openOf(key: string): Open {
    let open = this.conversations.get(key);
    if (open === undefined) this.conversations.set(key, open = { turns: [] });
    return open;
  }
}

const readerOf = (record: 'Message' | 'BotReply'): JsonRecordReader => new JsonRecordReader(newestSchemas(schemaFolder()).get(record)?.text ?? '');

function readWith<T>(reader: JsonRecordReader, json: unknown): T {
  const { value, faults } = reader.read(json);
  if (faults[0] !== undefined) throw new Error(`${faults[0].pointer || 'it'} ${faults[0].detail}`);
  return value as T;
}

interface Line { readonly [name: string]: unknown }

function parsed(line: string, number: number): Line {
  if (line.length > MOST_LINE) throw invalid(number, 'it is too long');
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Line;
  } catch { /* told below */ }
  throw invalid(number, 'it is no JSON object');
}

const invalid = (line: number, reason: string, cause?: unknown): ConfabError => new ConfabError('CONFAB_INPUT_INVALID', { detail: `Line ${line}: ${reason}.`, ...(cause === undefined ? {} : { cause }) });

function instant(value: unknown): number {
  const millis = typeof value === 'number' ? value : typeof value === 'string' ? Date.parse(value) : NaN;
  if (!Number.isFinite(millis)) throw new Error('timestamp is no time');
  return millis;
}

const partOf = (text: string): ReplyPart => ({ text, quickReplies: [], buttons: [], image: null, citations: [] });

function textOf(text: string, botId: string, count: number): Message {
  return {
    kind: 'text', messageId: String(count).padStart(26, '0'), botId, channel: 'api', accountId: null, userId: null, author: { type: 'person', name: null }, text: text.slice(0, 4096), payload: null,
    replyId: null, locale: null, attributes: {}, sentAt: null, idempotencyKeyHash: null, bodyHash: null, retryOf: null,
  };
}
