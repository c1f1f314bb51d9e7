/**
 * Order within conversations, of the conversations of one share: intents and replies in the order of the messages, the chain
 * of `prev`, and states that reflect one reply after the other. It holds a few numbers for each conversation.
 */
import type { LogRecord } from '../../platform/event-log/event-log.js';
import type { BotReply, DialogueState } from '../../schemas/types.js';
import type { Ledger } from './ledger.js';
import { MARK, Marks } from './marks.js';
import { ALL, belongs, Table, type Slice } from './table.js';

/** Columns of the table: the last of each that was seen, as the offset of its message. */
const COLUMN = { intent: 0, reply: 1, /** The last reply that must have its state. */ due: 2, state: 3, turns: 4, /** How many replies it has. */ replies: 5, /** 1: its states cannot be compared with that, or were told already. */ apart: 6 } as const;
const SEEN = { intent: 1, reply: 2 } as const;

/** A reply whose `prev` has not been seen: it may come late, or never. */
interface Waiting { readonly message: number; readonly prev: number; readonly record: Pick<LogRecord, 'offset' | 'key'>; readonly messageId: string }

export interface OrderLimits {
  /** Conversations that are held at a time. */
  readonly conversations?: number;
  /** Goes on for ever: the conversations that were heard of last are kept, instead of another pass for the others. */
  readonly endless?: boolean;
}

/** Some 70 bytes each. */
const CONVERSATIONS = 1_000_000;

export class OrderJudge {
  private readonly table: Table;
  private readonly seen: Marks;
  private readonly waiting = new Map<string, Waiting[]>();
  private fresh: { key: string; message: number }[] = [];
  /** Replies up to here may have been forgotten. */
  private forgotten: number;

  constructor(private readonly ledger: Ledger, private readonly limits: OrderLimits = {}, readonly slice: Slice = ALL) {
    this.table = new Table(7, limits.conversations ?? CONVERSATIONS);
    this.seen = new Marks(ledger.marks.base);
    this.forgotten = ledger.marks.base - 1;
  }

  /** More conversations came than are held: what was found is to be thrown away, and looked for by shares. */
  get overfull(): boolean { return this.table.overfull; }

  has(key: string | null): boolean { return key !== null && belongs(key, this.slice); }

  pack(reached: number): void { this.seen.pack(reached); }

  intent(message: number, record: LogRecord, messageId: string): void {
    const row = this.row(record.key);
    if (row < 0 || this.again(message, SEEN.intent)) return;
    const last = this.table.get(row, COLUMN.intent);
    if (message > last) this.table.set(row, COLUMN.intent, message);
    else this.ledger.find('reordered', 'intents.v1', record, { message, messageId, detail: `it stands after that of the later message at offset ${last}` });
  }

  reply(message: number, record: LogRecord, { prev, replyId }: BotReply, due: boolean): void {
    const row = this.row(record.key);
    if (row < 0 || record.key === null || this.again(message, SEEN.reply)) return;
    const { table } = this;
    table.set(row, COLUMN.replies, Math.max(0, table.get(row, COLUMN.replies)) + 1);
    const messageId = messageOfReply(replyId);
    const last = table.get(row, COLUMN.reply);
    if (message < last) {
      this.ledger.find('reordered', 'replies.v1', record, { message, messageId, detail: `it stands after the outcome of the later message at offset ${last}` });
      this.arrived(record.key, message);
      return;
    }
    this.chain(message, last, prev, record, messageId);
    table.set(row, COLUMN.reply, message);
    if (due) table.set(row, COLUMN.due, message);
    else if (this.limits.endless === true) this.fresh.push({ key: record.key, message });
  }

  state(message: number, record: LogRecord, { turns }: DialogueState): void {
    const row = this.row(record.key);
    if (row < 0) return;
    const { table, ledger } = this;
    const last = table.get(row, COLUMN.state);
    if (message === last) return;
    if (message < last) {
      ledger.find('diverged', 'dialogue-states.v1', record, { message, detail: `it reflects an earlier message than the state before it, which reflects the one at offset ${last}` });
      return;
    }
    const before = table.get(row, COLUMN.turns);
    if (last >= 0 && turns <= before) {
      table.set(row, COLUMN.apart, 1);
      ledger.find('diverged', 'dialogue-states.v1', record, { message, detail: `it has seen ${turns} inputs, and the state before it ${before}` });
    }
    table.set(row, COLUMN.state, message);
    table.set(row, COLUMN.turns, turns);
  }

  /** The conversation has no state any more: the next one begins anew. */
  noState(record: LogRecord): void {
    const row = this.row(record.key);
    if (row < 0) return;
    for (const column of [COLUMN.state, COLUMN.turns, COLUMN.due]) this.table.set(row, column, -1);
    this.table.set(row, COLUMN.apart, 1);
  }

  /** What was beyond the last ends is within the next ones. */
  goOn(): void {
    for (const { key, message } of this.fresh.splice(0)) {
      const row = this.row(key);
      if (row >= 0 && this.table.get(row, COLUMN.due) < message) this.table.set(row, COLUMN.due, message);
    }
  }

  /** All has been read. `replies` and `states`: messages before these may have lost theirs to retention. */
  finish(floors: { readonly replies: number; readonly states: number }): void {
    const { ledger, table } = this;
    for (const waiting of this.waiting.values()) for (const one of waiting) this.neverCame(one, floors.replies);
    const missing: number[] = [];
    for (const row of table.rows()) {
      const due = table.get(row, COLUMN.due);
      if (due >= 0 && table.get(row, COLUMN.state) < due && due >= floors.states) missing.push(due);
      this.turns(row);
    }
    for (const message of missing.sort((a, b) => a - b)) ledger.findAt('diverged', message, 'no dialogue state reflects it, although it was answered');
  }

  /**
   * The last state has counted each reply. One state is written for all inputs that a conversation had in one commit, so states
   * that follow each other may lie any number of inputs apart; what is missing in one is missing in all that come after it.
   * It may have counted more than there are: replies before the beginning, or removed ones.
   */
  private turns(row: number): void {
    const { ledger, table } = this;
    const [state, turns, replies] = [table.get(row, COLUMN.state), table.get(row, COLUMN.turns), table.get(row, COLUMN.replies)];
    if (state < 0 || state !== table.get(row, COLUMN.reply) || table.get(row, COLUMN.apart) === 1 || turns >= replies) return;
    ledger.findAt('diverged', state, `the state that reflects it has seen ${turns} inputs, and the conversation has ${replies} replies`);
  }

  private row(key: string | null): number {
    if (key === null || !belongs(key, this.slice)) return -1;
    const row = this.table.row(key);
    if (row >= 0 || this.limits.endless !== true) return row;
    this.forget();
    return this.table.row(key);
  }

  /** The conversations that were heard of last stay. */
  private forget(): void {
    const { table } = this;
    const heard = (row: number): number => Math.max(table.get(row, COLUMN.intent), table.get(row, COLUMN.reply), table.get(row, COLUMN.state));
    const all = Float64Array.from([...table.rows()].map(heard)).sort();
    const middle = all[all.length >>> 1] ?? 0;
    this.forgotten = Math.max(this.forgotten, middle);
    table.keep((row) => heard(row) > middle);
  }

  private again(message: number, bit: number): boolean {
    const seen = this.seen.get(message);
    this.seen.set(message, seen | bit);
    return (seen & bit) !== 0;
  }

  private chain(message: number, last: number, prev: string | null, record: LogRecord, messageId: string): void {
    const { ledger } = this;
    const offset = prev === null ? -1 : prev.startsWith(ledger.options.epoch) ? Number(prev.slice(9, 21)) : -2;
    if (offset === last || (last < 0 && offset < 0)) return;
    const said = `its prev is ${prev ?? 'null'}, and the reply before it answers ${last < 0 ? 'nothing that is known' : ledger.positionOf(last)}`;
    if (!(offset > last) || offset >= message) ledger.find('unchained', 'replies.v1', record, { message, messageId, detail: said });
    // What it names may stand further on, out of order, or be lost: then that is the finding.
    else this.wait(record.key ?? '', { message, prev: offset, record: { offset: record.offset, key: record.key }, messageId });
  }

  private wait(key: string, waiting: Waiting): void {
    const list = this.waiting.get(key);
    if (list === undefined) this.waiting.set(key, [waiting]); else list.push(waiting);
  }

  private arrived(key: string, message: number): void {
    const left = (this.waiting.get(key) ?? []).filter(({ prev }) => prev !== message);
    if (left.length === 0) this.waiting.delete(key); else this.waiting.set(key, left);
  }

  private neverCame({ message, prev, record, messageId }: Waiting, floor: number): void {
    const { ledger } = this;
    if (prev < floor || prev <= this.forgotten) return;
    const mark = ledger.marks.get(prev);
    // Without any outcome it is told as lost, or may still come.
    if ((mark & MARK.message) !== 0 && (mark & (MARK.reply | MARK.letter)) === 0) return;
    const tell = (): void => { ledger.find('unchained', 'replies.v1', record, { message, messageId, detail: `its prev is ${ledger.positionOf(prev)}, to which the conversation has no reply` }); };
    if ((mark & MARK.reply) === 0) { tell(); return; }
    // Answered, but not under this key: when it is a message of this conversation, its reply is what is misplaced.
    ledger.ask(async () => { if ((await ledger.message(prev))?.record.key !== record.key) tell(); });
  }
}

/** Of `<messageId>-<index>`. */
export const messageOfReply = (replyId: string): string => replyId.slice(0, Math.max(0, replyId.lastIndexOf('-')));
