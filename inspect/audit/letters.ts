/** Dead letters as outcomes, in order within a stage; what closes them; and the messages that are their retries. */
import type { LogRecord } from '../../platform/event-log/event-log.js';
import type { DeadLetter, Message } from '../../schemas/types.js';
import { stagesTowards } from '../../topology/outcome-path.js';
import { topicName, topology, type TopicName } from '../../topology/topology.js';
import type { Ledger } from './ledger.js';
import { Marks } from './marks.js';
import { Table } from './table.js';

const ANSWERING = stagesTowards(topology, 'replies.v1');
const LETTER = { open: 1, closed: 2 } as const;
/** Conversations with letters of which the order is judged. */
const CONVERSATIONS = 1_000_000;

type Place = Pick<LogRecord, 'offset' | 'key'>;
interface Closing { readonly record: Place; readonly message: string | null; readonly messageId: string | null; readonly at: number }
interface Retry { readonly record: Place; readonly messageId: string; readonly due: boolean }

export class LetterJudge {
  private readonly letters: Marks;
  private readonly order = new Table(1, CONVERSATIONS);
  /** Letters that were closed as retried, and messages that are retries, until they have found each other. */
  private readonly closings = new Map<number, Closing>();
  private readonly retries = new Map<number, Retry>();

  /** `from`: letters before this offset are not read. */
  constructor(private readonly ledger: Ledger, private readonly from: number, private readonly outcome: (message: number, mark: { readonly early: boolean }, record: LogRecord) => void) {
    this.letters = new Marks(from);
  }

  /** What must be read before: the offset of the message that a letter is about, if it is an outcome. */
  messageOf(letter: DeadLetter, record: LogRecord): number | undefined {
    if (letter.closes !== null || letter.status !== 'open' || !this.isOutcome(letter)) return undefined;
    if (letter.position !== null) return this.ledger.messageAt(letter.position, 'dead-letters.v1', record);
    return this.isOf(letter, 'messages.v1') && letter.offset >= this.ledger.marks.floor ? letter.offset : undefined;
  }

  /** `message`: what `messageOf` said. */
  letter(letter: DeadLetter, record: LogRecord, message: number | undefined): void {
    if (letter.closes !== null || letter.status !== 'open') { this.closing(letter, record); return; }
    this.letters.set(record.offset, LETTER.open);
    if (message === undefined || this.ledger.markOf(message, 'dead-letters.v1', record, letter.messageId) === undefined) return;
    this.ledger.compare(message, 'dead-letters.v1', record, letter.messageId);
    const row = this.order.row(`${letter.stage} ${record.key ?? ''}`);
    const last = row < 0 ? -1 : this.order.get(row, 0);
    if (message < last) this.ledger.find('reordered', 'dead-letters.v1', record, { message, messageId: letter.messageId, detail: `it stands after that of the later message at offset ${last}, of the same stage` });
    else if (row >= 0) this.order.set(row, 0, message);
    this.outcome(message, { early: this.isOf(letter, 'messages.v1') }, record);
  }

  retry({ retryOf, messageId }: Message, record: LogRecord, due: boolean): void {
    const letter = this.place(retryOf, 'messages.v1', record, messageId);
    if (letter === undefined) return;
    const closing = this.closings.get(letter);
    this.closings.delete(letter);
    const retry = { record: { offset: record.offset, key: record.key }, messageId, due };
    if (closing === undefined) this.retries.set(letter, retry); else this.match(letter, closing, retry);
  }

  pack(): void { this.letters.pack(Infinity); }

  /** All has been read. `since`: of what was closed before this time, the retries may be gone. */
  finish(since: number): void {
    const { ledger } = this;
    for (const [letter, { record, message, messageId, at }] of [...this.closings].sort(([a], [b]) => a - b)) {
      if (at < since) continue;
      ledger.find('lost', 'dead-letters.v1', record, { messageId, ...(message === null ? {} : { message: Number(message.slice(9, 21)) }), detail: `letter ${this.idOf(letter)} was closed as retried, and no message is its retry` });
    }
    for (const [letter, { record, messageId, due }] of [...this.retries].sort(([a], [b]) => a - b)) {
      if (due && (this.letters.get(letter) & LETTER.closed) === 0) ledger.find('unasked', 'messages.v1', record, { message: record.offset, messageId, detail: `it is the retry of letter ${this.idOf(letter)}, which was not closed as retried` });
    }
  }

  private closing(letter: DeadLetter, record: LogRecord): void {
    const { ledger } = this;
    const closed = this.place(letter.closes, 'dead-letters.v1', record, letter.messageId);
    if (closed === undefined) return;
    const about = { messageId: letter.messageId, ...(letter.position?.startsWith(ledger.options.epoch) === true ? { message: Number(letter.position.slice(9, 21)) } : {}) };
    const mark = closed < record.offset ? this.letters.get(closed) : 0;
    if ((mark & LETTER.open) === 0) { ledger.find('unasked', 'dead-letters.v1', record, { ...about, detail: `it closes letter ${this.idOf(closed)}, which is not there` }); return; }
    if ((mark & LETTER.closed) !== 0) { ledger.find('doubled', 'dead-letters.v1', record, { ...about, detail: `letter ${this.idOf(closed)} was closed before` }); return; }
    this.letters.set(closed, mark | LETTER.closed);
    if (letter.status !== 'retried') return;
    const retry = this.retries.get(closed);
    this.retries.delete(closed);
    const closing = { record: { offset: record.offset, key: record.key }, message: about.message === undefined ? null : letter.position, messageId: letter.messageId, at: letter.at };
    if (retry === undefined) this.closings.set(closed, closing); else this.match(closed, closing, retry);
  }

  private match(letter: number, closing: Closing, retry: Retry): void {
    if (closing.messageId === null || closing.messageId === retry.messageId) return;
    this.ledger.find('misplaced', 'messages.v1', retry.record, { message: retry.record.offset, messageId: retry.messageId, detail: `it is called the retry of letter ${this.idOf(letter)}, which is of message ${closing.messageId}` });
  }

  /** The offset of a letter of this partition, where it is within what is read. */
  private place(id: string | null, topic: TopicName, record: LogRecord, messageId: string | null): number | undefined {
    const found = /^(\d{1,9})-(\d{1,15})$/.exec(id ?? '');
    if (!found) {
      this.ledger.find('unreadable', topic, record, { messageId, detail: 'it names no dead letter' });
      return undefined;
    }
    const offset = Number(found[2]);
    if (Number(found[1]) === this.ledger.options.partition && offset >= this.from) return offset;
    this.ledger.counts.unjudged += 1;
    return undefined;
  }

  private idOf(letter: number): string { return `${this.ledger.options.partition}-${letter}`; }

  /** The outcome of a message hangs on stages up to the reply; what comes later happens after it. */
  private isOutcome(letter: DeadLetter): boolean {
    const { stage } = letter;
    return (this.isOf(letter, 'messages.v1') || this.isOf(letter, 'intents.v1')) && (ANSWERING.has(stage) || !Object.hasOwn(topology.stages, stage));
  }

  /** The runner writes the name as it is declared; the full name means the same. */
  private isOf({ topic }: DeadLetter, name: TopicName): boolean {
    return topic === name || topic === topicName(this.ledger.options.prefix, name);
  }
}
