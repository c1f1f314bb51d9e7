/** Messages that were accepted twice: by id, by idempotency key within its day, or as the retry of one letter. */
import type { LogRecord } from '../../platform/event-log/event-log.js';
import type { Message } from '../../schemas/types.js';
import type { Ledger } from './ledger.js';
import { namePasses, Names, type NameLimits } from './names.js';
import { Source, type SourceOptions } from './source.js';

/** How long an idempotency key holds. */
const KEY_MILLIS = 24 * 60 * 60 * 1000;
/** Names of a log that goes on for ever: those of two generations are known. */
const GENERATION = 1_000_000;

export class Repeats {
  private names: Names;
  private older: Names | undefined;
  private readonly passes: ReturnType<typeof namePasses>;
  private readonly told = new Set<number>();

  /** `expected`: messages that will come; Infinity when it goes on for ever. */
  constructor(private readonly ledger: Ledger, private readonly expected: number, private readonly limits: NameLimits = {}) {
    this.passes = expected === Infinity ? [] : namePasses(2 * expected, limits);
    this.names = this.fresh();
  }

  add(message: Message): void {
    for (const name of namesOf(message)) {
      if (this.older?.has(name) === true) this.names.suspects.add(name);
      this.names.add(name);
    }
    if (this.expected !== Infinity || !this.names.full) return;
    const { suspects } = this.names;
    this.older = this.names;
    this.names = this.fresh();
    for (const name of suspects) this.names.suspects.add(name);
  }

  get suspects(): boolean { return this.names.suspects.size > 0; }

  /** Judges what is suspected, exactly. @throws CONFAB_LOG_UNAVAILABLE */
  async confirm(options: SourceOptions, from: number, to: number): Promise<void> {
    if (this.names.suspects.size > 0) await this.judge(options, from, to, new Set(this.names.suspects));
    this.names.suspects.clear();
    for (const pass of this.passes.splice(0).slice(1)) {
      const names = new Names(2 * this.expected, pass, this.limits);
      await this.each(options, from, to, (message) => { for (const name of namesOf(message)) names.add(name); });
      if (names.suspects.size > 0) await this.judge(options, from, to, names.suspects);
    }
  }

  private fresh(): Names {
    return this.expected === Infinity ? new Names(this.limits.exact ?? GENERATION, undefined, { exact: this.limits.exact ?? GENERATION }) : new Names(2 * this.expected, this.passes[0], this.limits);
  }

  private async judge(options: SourceOptions, from: number, to: number, suspects: ReadonlySet<string>): Promise<void> {
    const { ledger, told } = this;
    const known = new Map<string, { offset: number; timestamp: number }>();
    await this.each(options, from, to, (message, record) => {
      let first: number | undefined;
      for (const name of namesOf(message)) {
        if (!suspects.has(name)) continue;
        const before = known.get(name);
        // An idempotency key is good for a day; after that it may name another message.
        if (before !== undefined && (name !== message.idempotencyKeyHash || record.timestamp - before.timestamp < KEY_MILLIS)) first ??= before.offset;
        else known.set(name, { offset: record.offset, timestamp: record.timestamp });
      }
      if (first === undefined || told.has(record.offset)) return;
      told.add(record.offset);
      const detail = message.retryOf === null ? `it was accepted before, at offset ${first}` : `letter ${message.retryOf} was retried before, at offset ${first}`;
      ledger.find('doubled', 'messages.v1', record, { message: record.offset, messageId: message.messageId, detail });
    });
    await ledger.answer();
  }

  private async each(options: SourceOptions, from: number, to: number, take: (message: Message, record: LogRecord) => void): Promise<void> {
    const source = new Source(options, 'messages.v1', from);
    source.extend(to);
    try {
      while (await source.load()) {
        for (; source.at < source.records.length; source.at += 1) {
          const value = source.values[source.at];
          if (value !== null && value !== undefined) take(value, source.records[source.at] as LogRecord);
        }
        await this.ledger.answer();
      }
    } finally { await source.close(); }
  }
}

/** What no other message may be called: its id and its idempotency key, or, of a retry, the letter. */
function namesOf({ messageId, idempotencyKeyHash, retryOf }: Message): readonly string[] {
  if (retryOf !== null) return [`retry ${retryOf}`];
  return idempotencyKeyHash === null ? [messageId] : [messageId, idempotencyKeyHash];
}
