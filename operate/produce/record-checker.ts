/** Checks and encodes records that somebody made by hand, before any of them goes anywhere. */
import type { Clock } from '../../platform/clock.js';
import { ConfabError, isCode, type FieldError } from '../../platform/errors.js';
import { instantOf } from '../../platform/http/validator.js';
import { ulidMaker, type Random } from '../../platform/random.js';
import type { Codec, RecordCodec } from '../../schemas/codec.js';
import { JsonRecordReader } from '../../schemas/from-json.js';
import { newestSchemas, schemaFolder } from '../../schemas/schema-set.js';
import type { TopicDefinition } from '../../topology/define.js';
import { topology, type TopicName } from '../../topology/topology.js';
import { dangerOf, keyFault, ownersOf, SETTLED_FIELDS } from './topic-rules.js';

/** A record as JSON. */
export interface ProduceEntry {
  readonly key: string;
  /** The record, or null for a tombstone. */
  readonly value: unknown;
  /** RFC 3339 or milliseconds. Default: the present. */
  readonly timestamp?: string | number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A record that passed every check. */
export interface CheckedRecord {
  readonly key: string;
  readonly value: Buffer | null;
  readonly timestamp: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Checked { readonly records: readonly CheckedRecord[]; readonly warnings: readonly string[] }

export interface RecordCheckerOptions {
  readonly codec: Codec;
  readonly clock: Clock;
  readonly random: Random;
  /** CONFAB_DEFAULT_BOT: the bot of a message that names none. */
  readonly defaultBot: string;
  /** Default: what the topics of this program take. */
  readonly maxRecordBytes?: number;
}

const MOST_FAULTS = 20;
/** Clocks of two machines may differ by this much, milliseconds. */
const AHEAD = 5_000;
/** What the log adds to a record. */
const OVERHEAD = 1_024;
const MEBIBYTE = 1024 * 1024;

export class RecordChecker {
  private readonly newId: () => string;
  private readonly readers = new Map<TopicName, JsonRecordReader>();

  constructor(private readonly options: RecordCheckerOptions) {
    this.newId = ulidMaker(options.clock, options.random);
  }

  /**
   * @throws CONFAB_TOPIC_OWNED a stage writes it, and it was not forced; CONFAB_BODY_INVALID with a fault for each place,
   *   `/records/<index>/…`
   */
  check(topic: TopicName, entries: readonly ProduceEntry[], force: boolean): Checked {
    const owners = ownersOf(topic);
    if (owners.length > 0 && !force) throw new ConfabError('CONFAB_TOPIC_OWNED', { detail: `${topic} is written by ${owners.join(', ')} alone: with a record of another writer ${dangerOf(topic)}. It is written all the same with --force (over HTTP: "force": true).` });
    const faults: FieldError[] = [];
    const records = entries.flatMap((entry, index) => {
      const found: FieldError[] = [];
      const record = this.record(topic, entry, force, found);
      if (faults.length < MOST_FAULTS) faults.push(...found.map(({ pointer, detail }) => ({ pointer: `/records/${index}${pointer}`, detail })));
      return record ?? [];
    });
    if (faults.length > 0) throw new ConfabError('CONFAB_BODY_INVALID', { detail: 'Nothing was written.', errors: faults.slice(0, MOST_FAULTS) });
    const forced = force && (owners.length > 0 || topic === 'messages.v1');
    return { records, warnings: forced ? [`forced into ${topic}: ${dangerOf(topic)}`] : [] };
  }

  private readerOf(topic: TopicName): JsonRecordReader {
    const known = this.readers.get(topic);
    if (known !== undefined) return known;
    const reader = new JsonRecordReader(newestSchemas(schemaFolder()).get(topology.topics[topic].record)?.text ?? '');
    this.readers.set(topic, reader);
    return reader;
  }

  private record(topic: TopicName, entry: ProduceEntry, force: boolean, faults: FieldError[]): CheckedRecord | undefined {
    const definition: TopicDefinition = topology.topics[topic];
    const wrongKey = keyFault(definition, entry.key);
    if (wrongKey !== undefined) faults.push({ pointer: '/key', detail: wrongKey });
    const timestamp = this.timestamp(entry.timestamp, definition, faults);
    const value = entry.value === null ? this.tombstone(definition, faults) : this.encoded(topic, entry.value, force, faults);
    if (value === undefined || faults.length > 0) return undefined;
    const size = Buffer.byteLength(entry.key) + (value?.length ?? 0) + OVERHEAD;
    const most = this.options.maxRecordBytes ?? MEBIBYTE;
    if (size > most) { faults.push({ pointer: '/value', detail: `is too long: the log takes ${most} bytes a record` }); return undefined; }
    return { key: entry.key, value, timestamp, ...(entry.headers === undefined ? {} : { headers: entry.headers }) };
  }

  private timestamp(given: string | number | undefined, { maxAppendAge }: TopicDefinition, faults: FieldError[]): number {
    const now = this.options.clock.now();
    const millis = given === undefined ? now : typeof given === 'string' ? instantOf(given) : given;
    if (millis === undefined || !Number.isInteger(millis) || millis < 0) { faults.push({ pointer: '/timestamp', detail: 'must be a time as in RFC 3339, or milliseconds since 1970' }); return now; }
    if (millis > now + AHEAD) { faults.push({ pointer: '/timestamp', detail: 'lies in the future' }); return now; }
    // The topic takes nothing old: what is written now was accepted now.
    return maxAppendAge === undefined ? millis : now;
  }

  private tombstone({ cleanup }: TopicDefinition, faults: FieldError[]): null | undefined {
    if (cleanup !== 'delete') return null;
    faults.push({ pointer: '/value', detail: 'must be a record: null removes a key, which only compacted topics know' });
    return undefined;
  }

  private encoded(topic: TopicName, json: unknown, force: boolean, faults: FieldError[]): Buffer | undefined {
    const whole = topic === 'messages.v1' ? this.message(json, force, faults) : json;
    const { value, faults: found } = this.readerOf(topic).read(whole);
    faults.push(...found.map(({ pointer, detail }) => ({ pointer: `/value${pointer}`, detail })));
    if (faults.length > 0) return undefined;
    try {
      return (this.options.codec.of(topology.topics[topic].record) as RecordCodec<unknown>).encode(value);
    } catch (error) {
      if (!isCode(error, 'CONFAB_VALUE_INVALID')) throw error;
      faults.push({ pointer: '/value', detail: error.detail });
      return undefined;
    }
  }

  /** A message gets its id here, as one that is accepted over HTTP does. */
  private message(json: unknown, force: boolean, faults: FieldError[]): unknown {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) return json;
    const given = json as Record<string, unknown>;
    if (!force) for (const field of SETTLED_FIELDS) if (given[field] !== undefined && given[field] !== null) faults.push({ pointer: `/value/${field}`, detail: 'is settled when the message is written; leave it out, or force it' });
    return { kind: 'text', channel: 'api', botId: this.options.defaultBot, author: { type: 'person' }, ...given, messageId: given.messageId ?? this.newId() };
  }
}
