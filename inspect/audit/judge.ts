/** What each record of a partition says about its message, and what a message must have in the end. */
import type { LogRecord } from '../../platform/event-log/event-log.js';
import { topicName, topology, type TopicName } from '../../topology/topology.js';
import type { AnalyticsJudge } from './analytics.js';
import type { FindingKind } from './finding.js';
import { SKEW, type Floors } from './floors.js';
import { hash, hashAt } from './hash.js';
import { timeOf, type Ledger } from './ledger.js';
import type { LetterJudge } from './letters.js';
import { isOdd, isOpen, MARK, OUTCOME } from './marks.js';
import { messageOfReply, type OrderJudge } from './order.js';
import type { Repeats } from './repeats.js';
import type { Value } from './source.js';
import type { Spans } from './spans.js';

export interface JudgeOptions {
  readonly ledger: Ledger;
  readonly order: OrderJudge;
  readonly letters: LetterJudge;
  readonly analytics: AnalyticsJudge;
  readonly repeats: Repeats;
  readonly patience: number;
  /** It goes on: messages grow older, and outcomes may come late. */
  readonly endless: boolean;
  readonly onLate?: (message: number, kind: FindingKind, record: LogRecord) => void;
}

interface OpenTimer { readonly offset: number; readonly dueAt: number }

export class Judge {
  spans: Spans | undefined;
  now = 0;
  /** Where messages that are endlessly judged wait to grow older, oldest first: offset and time by turns. */
  private aging: number[] = [];
  /** Offsets of intent records that the dialogue has not passed, by message. */
  private readonly waitingAt = new Map<number, number>();
  private readonly told = new Map<number, FindingKind>();
  private readonly timers = new Map<string, OpenTimer>();

  constructor(private readonly options: JudgeOptions) {}

  get toldOpen(): number { return this.told.size; }

  message(record: LogRecord, value: Value<'messages.v1'>): void {
    const { ledger, repeats, letters, patience, endless } = this.options;
    if (value === null) return;
    const { counts, marks } = ledger;
    const young = record.timestamp > this.now - patience;
    counts.accepted += 1;
    marks.set(record.offset, marks.get(record.offset) | MARK.message | (young ? MARK.young : 0));
    if (young && endless) this.aging.push(record.offset, record.timestamp);
    marks.print(record.offset, { key: hash(record.key ?? ''), time: hashAt('', record.timestamp), id: value === undefined ? 0 : hash(value.messageId) });
    if (value === undefined) { this.unreadable('messages.v1', record, record.offset); return; }
    ledger.placed('messages.v1', record, { message: record.offset, messageId: value.messageId });
    repeats.add(value);
    if (value.retryOf === null) return;
    counts.retries += 1;
    letters.retry(value, record, record.offset < (this.spans?.due.messages ?? 0));
  }

  intent(message: number, record: LogRecord, value: NonNullable<Value<'intents.v1'>>): void {
    const { ledger, order, endless } = this.options;
    const { messageId } = value.message;
    const mark = ledger.markOf(message, 'intents.v1', record, messageId);
    if (mark === undefined) return;
    if ((mark & MARK.intent) !== 0) { ledger.find('doubled', 'intents.v1', record, { message, messageId, detail: 'its message was understood before' }); return; }
    const dialogue = this.spans?.committed.dialogue;
    const waits = dialogue === undefined || record.offset >= dialogue;
    ledger.marks.set(message, mark | MARK.intent | (waits ? MARK.waiting : 0));
    if (waits && endless && (mark & OUTCOME) === 0) this.waitingAt.set(message, record.offset);
    if (ledger.compare(message, 'intents.v1', record, messageId)) order.intent(message, record, messageId);
    else this.strays(message, MARK.strayIntent);
  }

  reply(message: number | undefined, record: LogRecord, value: NonNullable<Value<'replies.v1'>>): void {
    const { ledger, order, analytics } = this.options;
    const { committed, due } = this.spans as Spans;
    analytics.reply(record, committed.analytics !== undefined && record.offset < committed.analytics);
    if (message === undefined) return;
    const messageId = messageOfReply(value.replyId);
    const mark = ledger.markOf(message, 'replies.v1', record, messageId);
    if (mark === undefined) return;
    if ((mark & MARK.reply) !== 0) { ledger.find('doubled', 'replies.v1', record, { message, messageId, detail: 'its message has an outcome already' }); return; }
    this.answered(message, mark, record);
    ledger.marks.set(message, mark & ~MARK.told | MARK.reply);
    if (ledger.compare(message, 'replies.v1', record, messageId)) order.reply(message, record, value, record.offset < due.replies);
    else this.strays(message, MARK.strayReply);
  }

  /** A letter that is the outcome of its message. */
  letter(message: number, early: boolean, record: LogRecord): void {
    const { ledger } = this.options;
    const mark = ledger.marks.get(message);
    if ((mark & MARK.letter) !== 0) { ledger.find('doubled', 'dead-letters.v1', record, { message, detail: 'its message has an outcome already' }); return; }
    this.answered(message, mark, record);
    ledger.counts.deadLettered += 1;
    ledger.marks.set(message, mark & ~MARK.told | MARK.letter | (early ? MARK.early : 0));
  }

  state(message: number, record: LogRecord, value: NonNullable<Value<'dialogue-states.v1'>>): void {
    const { ledger, order } = this.options;
    const mark = ledger.markOf(message, 'dialogue-states.v1', record);
    if (mark === undefined) return;
    if ((mark & MARK.state) !== 0) { ledger.find('diverged', 'dialogue-states.v1', record, { message, detail: 'a state reflects its message already' }); return; }
    ledger.marks.set(message, mark | MARK.state);
    if (ledger.compare(message, 'dialogue-states.v1', record, null)) order.state(message, record, value);
    else this.strays(message, MARK.strayState);
  }

  delivery(message: number, record: LogRecord, value: NonNullable<Value<'deliveries.v1'>>): void {
    const { ledger } = this.options;
    if (!ledger.placed('deliveries.v1', record, { message })) return;
    // What a client of a socket has received or read is its word, and reaches up to any place.
    if (value.channel === 'web') {
      if (message >= ledger.end) ledger.find('unasked', 'deliveries.v1', record, { message, detail: 'it lies beyond the newest message: a client claims it' });
      return;
    }
    const mark = ledger.markOf(message, 'deliveries.v1', record);
    if (mark !== undefined) ledger.marks.set(message, mark | MARK.delivered);
  }

  timer(message: number | undefined, record: LogRecord, value: Value<'timers.v1'>): void {
    const { ledger } = this.options;
    const key = record.key ?? '';
    if (value === null || value === undefined) {
      this.timers.delete(key);
      if (value === undefined) this.unreadable('timers.v1', record);
      return;
    }
    this.timers.set(key, { offset: record.offset, dueAt: value.dueAt });
    if (!ledger.placed('timers.v1', record, message === undefined ? {} : { message }) || message === undefined) return;
    if (ledger.markOf(message, 'timers.v1', record) === undefined) return;
    ledger.compare(message, 'timers.v1', { ...record, key: key.slice(0, Math.max(0, key.indexOf('\0'))) }, null);
  }

  unreadable(topic: TopicName, record: LogRecord, message?: number): void {
    this.options.ledger.find('unreadable', topic, record, { ...(message === undefined ? {} : { message }), detail: notA(topic) });
  }

  /** Time has passed: messages may be older than the patience now. */
  grow(): void {
    const { ledger: { marks }, patience } = this.options;
    const limit = this.now - patience;
    let grown = 0;
    while (grown < this.aging.length && (this.aging[grown + 1] as number) <= limit) {
      const offset = this.aging[grown] as number;
      marks.set(offset, marks.get(offset) & ~MARK.young);
      grown += 2;
    }
    if (grown > 0) this.aging = this.aging.slice(grown);
  }

  /** Says of every message that is open, or odd, what there is to say. */
  sweep(marks: Iterable<[offset: number, mark: number]>, floors: Floors): void {
    const { ledger } = this.options;
    for (const [offset, mark] of marks) {
      if (isOdd(mark)) {
        this.odd(offset, mark, floors);
        ledger.marks.set(offset, mark | MARK.judged);
      }
      if (isOpen(mark)) this.open(offset, mark, floors);
    }
  }

  /** Timers that are long due. */
  overdue(): void {
    const { ledger, patience } = this.options;
    for (const [key, { offset, dueAt }] of this.timers) {
      if (dueAt + patience < this.now) ledger.find('stuck', 'timers.v1', { offset, key }, { detail: `it was due at ${timeOf(dueAt)}, and was neither fired nor cancelled` });
    }
  }

  private strays(message: number, bit: number): void {
    const { marks } = this.options.ledger;
    marks.set(message, marks.get(message) | bit);
  }

  private answered(message: number, mark: number, record: LogRecord): void {
    const { ledger, onLate } = this.options;
    if ((mark & OUTCOME) === 0) ledger.counts.answered += 1;
    this.waitingAt.delete(message);
    if ((mark & MARK.told) === 0) return;
    const kind = this.told.get(message);
    this.told.delete(message);
    if (kind !== undefined) onLate?.(message, kind, record);
  }

  private open(offset: number, mark: number, floors: Floors): void {
    const { ledger, endless } = this.options;
    if ((mark & MARK.young) !== 0) { ledger.counts.pending += 1; return; }
    if (offset < floors.outcomes) { ledger.counts.expired += 1; return; }
    const [kind, detail] = this.why(offset, mark);
    ledger.findAt(kind, offset, detail);
    ledger.marks.set(offset, ledger.marks.get(offset) | MARK.told);
    if (endless) this.told.set(offset, kind);
  }

  private why(offset: number, mark: number): ['lost' | 'stuck', string] {
    const { intent, dialogue } = (this.spans as Spans).committed;
    if ((mark & MARK.state) !== 0) return ['lost', 'a dialogue state reflects it, and it has no reply'];
    const stage = (mark & MARK.intent) === 0 ? 'intent' : 'dialogue';
    const committed = stage === 'intent' ? intent : dialogue;
    if (committed === undefined) return ['stuck', `stage ${stage} has left nothing of it, and what it has committed is not known`];
    const at = stage === 'intent' ? offset : this.waitingAt.get(offset);
    const waits = at === undefined ? (mark & MARK.waiting) !== 0 : at >= committed;
    return waits ? ['stuck', `stage ${stage} has not passed it`] : ['lost', `stage ${stage} has passed it and left nothing`];
  }

  private odd(offset: number, mark: number, floors: Floors): void {
    const { ledger } = this.options;
    if ((mark & MARK.letter) !== 0) {
      if ((mark & MARK.reply) !== 0) this.clash(offset, 'its message has a reply as well');
      else if ((mark & (MARK.early | MARK.intent)) === (MARK.early | MARK.intent)) this.clash(offset, 'its message was understood as well');
      if ((mark & (MARK.state | MARK.reply)) === MARK.state) ledger.findAt('diverged', offset, 'a dialogue state reflects it, although it went to the dead letters');
    }
    if ((mark & (MARK.reply | MARK.intent)) === MARK.reply && offset >= floors.intents) ledger.findAt('unasked', offset, 'it has a reply, but was never understood');
    if ((mark & (MARK.delivered | MARK.reply)) === MARK.delivered && offset >= floors.replies) ledger.findAt('unasked', offset, 'a delivery names its reply, and it has none');
  }

  /** A second outcome: the letter is what is told of. */
  private clash(message: number, detail: string): void {
    const { ledger } = this.options;
    const { log, codec, prefix, partition, findings } = ledger.options;
    const topic = topicName(prefix, 'dead-letters.v1');
    ledger.ask(async () => {
      if (!findings.wants('doubled', topic)) { findings.count('doubled'); return; }
      const position = ledger.positionOf(message);
      const found = await ledger.message(message);
      const from = await log.admin.offsetAt(topic, partition, (found?.record.timestamp ?? 0) - SKEW);
      for await (const { records } of log.read(topic, partition, from, this.spans?.of['dead-letters.v1'].end)) {
        for (const record of records) {
          const letter = decoded(() => record.value === null ? undefined : codec.of('DeadLetter').decode(record.value));
          if (letter?.closes !== null || (letter.position !== position && !(letter.position === null && letter.offset === message))) continue;
          findings.add({ kind: 'doubled', topic, partition, offset: record.offset, key: record.key, position, messageId: letter.messageId, detail });
          return;
        }
      }
      findings.count('doubled');
    });
  }
}

function decoded<T>(read: () => T): T | undefined {
  try { return read(); } catch { return undefined; }
}

export const notA = (topic: TopicName): string => `not a record of ${topology.topics[topic].record}`;
