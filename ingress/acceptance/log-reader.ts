/** Reads keyed messages back from messages.v1: the truth behind the claim index. */
import type { EventLog, LogRecord } from '../../platform/event-log/event-log.js';
import { isCode } from '../../platform/errors.js';
import type { RecordCodec } from '../../schemas/codec.js';
import { decodeRecord } from '../../schemas/decode-record.js';
import type { Message } from '../../schemas/types.js';
import { DOUBT_MILLIS, type Claim } from './claim-index/claim-index.js';

export interface KeyedRecord { readonly keyHash: string; readonly claim: Claim }

export interface LogReaderOptions {
  readonly log: EventLog;
  readonly codec: RecordCodec<Message>;
  readonly topic: string;
}

export class LogReader {
  constructor(private readonly options: LogReaderOptions) {}

  /**
   * Looks for keys in one partition, from `from` on. `to` bounds the search; default: the end.
   * `whole` is false when records stand there that cannot be read yet (an open transaction before them): then what was
   * not found may still come to light.
   */
  async find(partition: number, keyHashes: ReadonlySet<string>, from: number, to?: number): Promise<{ found: Map<string, Claim>; whole: boolean }> {
    const found = new Map<string, Claim>();
    const needles = [...keyHashes].map((keyHash) => ({ keyHash, bytes: Buffer.from(keyHash) }));
    let whole = true;
    for await (const batch of this.options.log.read(this.options.topic, partition, from, to)) {
      whole = batch.nextOffset >= Math.min(batch.endOffset, to ?? Infinity);
      for (const record of batch.records) {
        // The hash stands in the record as text: most records are passed without decoding them.
        if (!record.value || !needles.some(({ bytes }) => record.value?.includes(bytes))) continue;
        const keyed = await this.keyed(record);
        if (keyed && keyHashes.has(keyed.keyHash) && !found.has(keyed.keyHash)) found.set(keyed.keyHash, keyed.claim);
      }
      if (found.size === keyHashes.size) return { found, whole: true };
    }
    return { found, whole };
  }

  /** All keyed messages of a partition, batch by batch; returns the offset up to which was read. */
  async each(partition: number, from: number, run: (entries: KeyedRecord[]) => Promise<boolean>): Promise<{ next: number; completed: boolean }> {
    let next = from;
    for await (const batch of this.options.log.read(this.options.topic, partition, from)) {
      const entries: KeyedRecord[] = [];
      for (const record of batch.records) {
        const keyed = await this.keyed(record);
        if (keyed) entries.push(keyed);
      }
      next = batch.nextOffset;
      if (!await run(entries)) return { next, completed: false };
    }
    return { next, completed: true };
  }

  /** The first offset whose record can be of a claim made at `time` or later. */
  offsetAt(partition: number, time: number): Promise<number> {
    return this.options.log.admin.offsetAt(this.options.topic, partition, time);
  }

  /** Records of claims made at `claimedAt` stand below this offset. */
  boundAfter(partition: number, claimedAt: number): Promise<number> {
    return this.offsetAt(partition, claimedAt + 2 * DOUBT_MILLIS);
  }

  private async keyed(record: LogRecord): Promise<KeyedRecord | undefined> {
    if (!record.value) return undefined;
    const message = await this.decode(record.value);
    if (!message || message.idempotencyKeyHash === null) return undefined;
    return {
      keyHash: message.idempotencyKeyHash,
      claim: { messageId: message.messageId, bodyHash: message.bodyHash ?? '-', claimedAt: record.timestamp, logEnd: record.offset, offset: record.offset },
    };
  }

  /** What nobody can read as a Message was not written by ingress and holds no key. */
  private async decode(bytes: Buffer): Promise<Message | undefined> {
    try {
      return await decodeRecord(this.options.codec, bytes);
    } catch (error) {
      if (isCode(error, 'CONFAB_RECORD_INVALID', 'CONFAB_SCHEMA_UNKNOWN')) return undefined;
      throw error;
    }
  }
}
