/**
 * Retries and discards dead letters: once each, whatever happens in between.
 *
 * The new message and the record that closes the letter are one transaction of the owner of the partition (letter-owner.ts),
 * which has read that partition to its settled end before. So two operators, a process that dies and an answer that gets
 * lost end alike: the next look finds the letter closed, or open and untouched.
 */
import type { Clock } from '../../platform/clock.js';
import { ConfabError, isCode, toConfabError } from '../../platform/errors.js';
import type { AppendedOffsets, Assignment, EventLog, NewRecord } from '../../platform/event-log/event-log.js';
import { partitionOf } from '../../platform/partitioner.js';
import { epochOf, formatPosition } from '../../platform/position.js';
import { ulidMaker, type Random } from '../../platform/random.js';
import type { Codec } from '../../schemas/codec.js';
import type { DeadLetter } from '../../schemas/types.js';
import { groupName, topicName } from '../../topology/topology.js';
import { decodeRecord } from '../../schemas/decode-record.js';
import { letterId, parseLetterId, STATUS_AFTER, statusOf, type Letter, type LetterAction } from './letter.js';
import { LetterOwner } from './letter-owner.js';
import { LetterReader } from './letter-reader.js';
import { Originals } from './original.js';

export interface LetterDeskOptions {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly random: Random;
  readonly prefix: string;
  /** How long the whole of a call may wait for its place and for the log. Default 30 s. */
  readonly patienceMillis?: number;
}

/** What became of a letter. */
export type Settled =
  | {
    readonly id: string; readonly error?: undefined; readonly status: 'retried' | 'discarded';
    /** It was so before. */
    readonly already: boolean;
    readonly messageId: string | null;
    /** Position of the new message; null when discarded, or no longer in the log. */
    readonly position: string | null;
  }
  | { readonly id: string; readonly error: ConfabError };

interface Job {
  readonly action: LetterAction;
  /** Letters that have no result yet, by partition. */
  readonly left: Map<number, Set<number>>;
  readonly done: (result: Settled) => void;
  /** When this call tried to close a letter and heard nothing: by id, the time that its record would carry. */
  readonly doubt: Map<string, number>;
  fault: ConfabError | undefined;
}

const PATIENCE = 30_000;
const PAUSE = { least: 100, spread: 400 };
/** Records that are looked through for the message of an earlier retry. */
const LOOK_THROUGH = 20_000;

export class LetterDesk {
  readonly reader: LetterReader;
  readonly originals: Originals;
  private readonly topics: { readonly messages: string; readonly letters: string };
  private readonly newInstance: () => string;
  /** Calls of one process follow on each other: its members would only take partitions from one another. */
  private turn: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: LetterDeskOptions) {
    this.reader = new LetterReader(options);
    this.originals = new Originals(options);
    this.topics = { messages: topicName(options.prefix, 'messages.v1'), letters: this.reader.topic };
    this.newInstance = ulidMaker(options.clock, options.random);
  }

  /**
   * One result for each id, in the order of the ids; `onResult` hears each as soon as it is there.
   * @throws CONFAB_TOPIC_UNKNOWN, CONFAB_LOG_UNAVAILABLE, CONFAB_LOG_REFUSED before anything was tried
   */
  settle(ids: readonly string[], action: LetterAction, onResult: (result: Settled) => void = () => undefined): Promise<Settled[]> {
    const mine = this.turn.then(() => this.run([...new Set(ids)], action, onResult));
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  private async run(ids: readonly string[], action: LetterAction, onResult: (result: Settled) => void): Promise<Settled[]> {
    const results = new Map<string, Settled>();
    const done = (result: Settled): void => { results.set(result.id, result); onResult(result); };
    const job: Job = { action, left: new Map(), done, doubt: new Map(), fault: undefined };
    const { partitions } = await this.options.log.topic(this.topics.letters);
    for (const id of ids) {
      try {
        const { partition, offset } = parseLetterId(id);
        if (partition >= partitions) throw new ConfabError('CONFAB_LETTER_UNKNOWN', { detail: `There is no partition ${partition}; there are ${partitions}.` });
        if (letterId({ partition, offset }) !== id) throw new ConfabError('CONFAB_LETTER_UNKNOWN', { detail: `"${id}" is not written as ids are.` });
        const offsets = job.left.get(partition);
        if (offsets) offsets.add(offset); else job.left.set(partition, new Set([offset]));
      } catch (error) {
        done({ id, error: toConfabError(error) });
      }
    }
    await this.work(job);
    for (const [partition, offsets] of job.left) for (const offset of offsets) done({ id: letterId({ partition, offset }), error: leftOver(job, letterId({ partition, offset })) });
    return ids.flatMap((id) => results.get(id) ?? []);
  }

  /** Joins as often as it takes: another member may have a partition, or a generation may end in between. */
  private async work(job: Job): Promise<void> {
    const { clock, log, random, prefix, patienceMillis = PATIENCE } = this.options;
    let end = clock.monotonic() + patienceMillis;
    while (job.left.size > 0 && clock.monotonic() < end) {
      const before = remaining(job);
      let owner: LetterOwner | undefined;
      try {
        owner = await LetterOwner.join({ log, clock, group: groupName(prefix, 'dead-letters'), topic: this.topics.letters, instance: this.newInstance() });
        await this.asOwner(owner, job, end);
      } catch (error) {
        job.fault = toConfabError(error);
        if (!passing(job.fault)) return;
      } finally {
        await owner?.close().catch(() => undefined);
      }
      // Whoever gets on may go on.
      if (remaining(job) < before) end = clock.monotonic() + patienceMillis;
      if (job.left.size > 0) await clock.sleep(PAUSE.least + Math.floor(random.float() * PAUSE.spread));
    }
  }

  private async asOwner(owner: LetterOwner, job: Job, end: number): Promise<void> {
    const assignment = await owner.share(end - this.options.clock.monotonic());
    for (const partition of [...job.left.keys()]) {
      if (!assignment.partitions.includes(partition)) { job.fault = new ConfabError('CONFAB_LETTERS_BUSY', { detail: `Another command owns partition ${partition} of ${this.topics.letters}.` }); continue; }
      await this.settlePartition(assignment, owner.instance, partition, job);
    }
  }

  private async settlePartition(assignment: Assignment, instance: string, partition: number, job: Job): Promise<void> {
    const wanted = [...job.left.get(partition) ?? []].sort((a, b) => a - b);
    const end = await this.options.log.settledEnd(this.topics.letters, partition);
    const letters = await this.reader.partition(partition, wanted[0] ?? 0, end);
    // The offset says nothing to anybody: it is what the generation is checked by, so it is in every commit.
    const commit = (records: NewRecord[]): Promise<AppendedOffsets> => assignment.commit(instance, { records, offsets: [{ topic: this.topics.letters, partition, offset: end, metadata: `1;${instance};` }] });
    for (const offset of wanted) {
      const id = letterId({ partition, offset });
      const result = await this.settleOne(commit, letters.get(offset), id, job);
      job.left.get(partition)?.delete(offset);
      job.done(result);
    }
    job.left.delete(partition);
  }

  /** @throws what is worth another try: the letter then keeps its place among those that are left */
  private async settleOne(commit: (records: NewRecord[]) => Promise<AppendedOffsets>, letter: Letter | undefined, id: string, job: Job): Promise<Settled> {
    try {
      if (letter === undefined) throw new ConfabError('CONFAB_LETTER_UNKNOWN', { detail: `No dead letter ${id} stands in the log.` });
      const { messageId } = letter.record;
      const status = STATUS_AFTER[job.action];
      if (letter.closing !== undefined) {
        if (letter.closing.status !== status) throw new ConfabError('CONFAB_LETTER_CLOSED', { detail: `It was ${statusOf(letter)} at ${new Date(letter.closing.at).toISOString()}.` });
        return { id, status, already: job.doubt.get(id) !== letter.closing.at, messageId, position: await this.retriedAs(letter) };
      }
      const now = this.options.clock.now();
      const records = job.action === 'retry' ? [await this.retried(letter, now), this.closing(letter, status, now)] : [this.closing(letter, status, now)];
      job.doubt.set(id, now);
      const [offset] = await commit(records);
      return { id, status, already: false, messageId, position: job.action === 'discard' || offset === undefined ? null : await this.positionAt(offset) };
    } catch (thrown) {
      const error = toConfabError(thrown);
      if (error.code !== 'CONFAB_LOG_OUTCOME_UNKNOWN') job.doubt.delete(id);
      if (passing(error)) throw error;
      return { id, error };
    }
  }

  private async retried(letter: Letter, timestamp: number): Promise<NewRecord> {
    const { key, message } = await this.originals.message(await this.reader.whole(letter));
    return { topic: this.topics.messages, key, value: this.options.codec.of('Message').encode(message), timestamp };
  }

  private closing({ place, key, record }: Letter, status: string, at: number): NewRecord {
    const closing: DeadLetter = { ...record, status, closes: letterId(place), originalKey: null, originalValue: null, at };
    return { topic: this.topics.letters, partition: place.partition, key, value: this.options.codec.of('DeadLetter').encode(closing), timestamp: at };
  }

  private async positionAt(offset: number): Promise<string> {
    return formatPosition(epochOf((await this.options.log.topic(this.topics.messages)).id), offset, 0);
  }

  /** Position of the message that a retry appended; null when it was discarded or the log no longer has it. */
  async retriedAs(letter: Letter): Promise<string | null> {
    const { log, codec } = this.options;
    const key = letter.record.originalKey?.toString() ?? letter.key;
    if (letter.closing?.status !== 'retried' || key === null) return null;
    const id = letterId(letter.place);
    const partition = partitionOf(key, (await log.topic(this.topics.messages)).partitions);
    let looked = 0;
    for await (const batch of log.read(this.topics.messages, partition, await log.admin.offsetAt(this.topics.messages, partition, letter.closing.at))) {
      for (const record of batch.records) {
        if (record.key !== key || record.value === null) continue;
        const message = await decodeRecord(codec.of('Message'), record.value).catch(() => undefined);
        if (message?.retryOf === id) return this.positionAt(record.offset);
      }
      looked += batch.records.length;
      if (looked >= LOOK_THROUGH) return null;
    }
    return null;
  }
}

const remaining = (job: Job): number => [...job.left.values()].reduce((sum, offsets) => sum + offsets.size, 0);

/** Worth another try within the patience of the call. */
function passing(error: ConfabError): boolean {
  return error.retryable || isCode(error, 'CONFAB_FENCED', 'CONFAB_TIMESTAMP_REFUSED');
}

/** Why a letter has no result: whether something was written is known, or it is said that it is not. */
function leftOver(job: Job, id: string): ConfabError {
  const { fault } = job;
  if (job.doubt.has(id) && fault?.code === 'CONFAB_LOG_OUTCOME_UNKNOWN') return new ConfabError('CONFAB_LOG_OUTCOME_UNKNOWN', { detail: 'Repeat the command: what was done is not done again.', cause: fault });
  if (fault === undefined || isCode(fault, 'CONFAB_FENCED')) return new ConfabError('CONFAB_LETTERS_BUSY', fault === undefined ? {} : { cause: fault });
  return fault;
}
