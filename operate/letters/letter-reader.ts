/** Reads dead letters without a group: what is open, and what closed the others. */
import { ConfabError } from '../../platform/errors.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import type { Codec, RecordCodec } from '../../schemas/codec.js';
import type { DeadLetter } from '../../schemas/types.js';
import { topicName } from '../../topology/topology.js';
import { decodeRecord } from '../../schemas/decode-record.js';
import { letterId, parseLetterId, statusOf, type Closing, type Letter, type LetterStatus } from './letter.js';

export interface LetterFilter {
  readonly status?: LetterStatus | 'all';
  readonly stage?: string;
  /** Only letters of this time and later, milliseconds. */
  readonly since?: number;
  /** The newest so many. */
  readonly limit?: number;
}

export interface LetterReaderOptions {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly prefix: string;
}

export class LetterReader {
  readonly topic: string;
  private readonly log: EventLog;
  private readonly codec: RecordCodec<DeadLetter>;

  constructor(options: LetterReaderOptions) {
    this.log = options.log;
    this.topic = topicName(options.prefix, 'dead-letters.v1');
    this.codec = options.codec.of('DeadLetter');
  }

  /** Letters that fit, oldest first, without their originals; `more` when the limit left some out. */
  async list(filter: LetterFilter): Promise<{ letters: Letter[]; more: boolean }> {
    const { status = 'open', stage, since = 0, limit = Infinity } = filter;
    const found: Letter[] = [];
    for (const { partition, start, end } of await this.log.admin.bounds(this.topic)) {
      for (const letter of (await this.partition(partition, start, end)).values()) {
        const fits = (status === 'all' || statusOf(letter) === status) && (stage === undefined || letter.record.stage === stage) && letter.record.at >= since;
        if (fits) found.push(letter);
      }
    }
    found.sort((a, b) => a.record.at - b.record.at || a.place.partition - b.place.partition || a.place.offset - b.place.offset);
    return { letters: found.slice(Math.max(0, found.length - limit)), more: found.length > limit };
  }

  /** @throws CONFAB_LETTER_UNKNOWN */
  async one(id: string): Promise<Letter> {
    const { partition, offset } = parseLetterId(id);
    const bounds = (await this.log.admin.bounds(this.topic)).find((each) => each.partition === partition);
    const letter = bounds === undefined ? undefined : (await this.partition(partition, offset, bounds.end)).get(offset);
    if (letter === undefined) throw new ConfabError('CONFAB_LETTER_UNKNOWN', { detail: `No dead letter ${id} stands in the log.` });
    return this.whole(letter);
  }

  /** The letter with the original bytes. @throws CONFAB_LETTER_UNKNOWN it was removed meanwhile */
  async whole(letter: Letter): Promise<Letter> {
    const { partition, offset } = letter.place;
    for await (const batch of this.log.read(this.topic, partition, offset, offset + 1)) {
      const value = batch.records.find((record) => record.offset === offset)?.value;
      const record = value ? await this.decode(value) : undefined;
      if (record !== undefined) return { ...letter, record };
    }
    throw new ConfabError('CONFAB_LETTER_UNKNOWN', { detail: `No dead letter ${letterId(letter.place)} stands in the log.` });
  }

  /**
   * The letters of one partition that stand at or after `from`, by offset, as they are at `to`; without their originals, which
   * may be long. What cannot be read as a dead letter is left out.
   */
  async partition(partition: number, from: number, to: number): Promise<Map<number, Letter>> {
    const letters = new Map<number, Letter>();
    if (from >= to) return letters;
    for await (const batch of this.log.read(this.topic, partition, from, to)) {
      for (const { offset, key, value } of batch.records) {
        const record = value === null ? undefined : await this.decode(value);
        if (record === undefined) continue;
        if (record.closes === null) {
          if (record.status === 'open') letters.set(offset, { place: { partition, offset }, key, record: { ...record, originalKey: null, originalValue: null }, closing: undefined });
        } else {
          this.close(letters, partition, offset, record);
        }
      }
    }
    return letters;
  }

  private close(letters: Map<number, Letter>, partition: number, offset: number, { closes, status, at }: DeadLetter): void {
    const place = closingPlace(closes);
    const letter = place?.partition === partition ? letters.get(place.offset) : undefined;
    // The first one counts, were there ever two.
    if (letter === undefined || letter.closing !== undefined) return;
    const closing: Closing = { status: status === 'discarded' ? 'discarded' : 'retried', at, id: letterId({ partition, offset }) };
    letters.set(letter.place.offset, { ...letter, closing });
  }

  private async decode(bytes: Buffer): Promise<DeadLetter | undefined> {
    try {
      return await decodeRecord(this.codec, bytes);
    } catch (error) {
      if (error instanceof ConfabError && error.code === 'CONFAB_REGISTRY_UNAVAILABLE') throw error;
      return undefined;
    }
  }
}

/** Where the letter stands that a record closes; undefined for text that another tool wrote. */
function closingPlace(closes: string | null): { partition: number; offset: number } | undefined {
  try { return closes === null ? undefined : parseLetterId(closes); } catch { return undefined; }
}
