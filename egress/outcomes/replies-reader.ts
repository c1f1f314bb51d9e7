/**
 * The member of group `confab.egress`: reads replies.v1 and dead-letters.v1, puts outcomes into the outbox and announces them.
 *
 * At least once: offsets are committed after the announcement, and repeats are refused by the outbox and by sockets.
 * Records that arrive while a batch is under way gather to the next one, so round trips are per batch and partition.
 * Order between the topics: a dead letter waits until a later outcome of its conversation comes by, or for a second, because
 * the reply to the message before it may still be in the making.
 */
import type { Clock, Timer } from '../../platform/clock.js';
import { ConfabError, isCode } from '../../platform/errors.js';
import type { Assignment, EventLog, GroupListener, GroupMember, LogRecord, RecordBatch } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { Tracer } from '../../platform/observability/tracing.js';
import { formatPosition } from '../../platform/position.js';
import type { Announcement, Fanout } from '../fanout/fanout.js';
import { HeldLetters } from './held-letters.js';
import type { LogTopics } from '../log-topics.js';
import type { OutcomeDecoder } from './outcome-decoder.js';
import type { Outcome } from './outcome.js';
import type { Behind, Outbox, Placed } from '../outbox/outbox.js';
import { SharedReads } from '../shared-reads.js';

export interface RepliesReaderOptions {
  readonly log: EventLog;
  readonly topics: LogTopics;
  /** Full group name. */
  readonly group: string;
  /** Names this process in commits (ULID of its start). */
  readonly instance: string;
  readonly decoder: OutcomeDecoder;
  readonly outbox: Outbox;
  readonly fanout: Fanout;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Default 500. */
  readonly commitMillis?: number;
  /** How long a dead letter waits for what belongs before it. Default 1000. */
  readonly holdMillis?: number;
  /** Default: nothing is traced. */
  readonly tracer?: Tracer;
  /** Called with the number of outcomes of each batch. */
  readonly onBatch?: (outcomes: number) => void;
}

interface Partition {
  readonly number: number;
  batches: RecordBatch[];
  records: number;
  bytes: number;
  paused: boolean;
  flushing: Promise<void> | undefined;
  readonly held: HeldLetters;
  /** Next offset to read, per topic, of what has been announced. */
  readonly done: Map<string, number>;
  readonly committed: Map<string, number>;
}

/** What may wait of one partition while its batch before is being announced. */
const MAX_RECORDS = 10_000;
const MAX_BYTES = 4 * 1024 * 1024;
/** A commit without an answer may still be carried out, after newer ones: for as long, all offsets are committed again now and then. */
const DOUBT_MILLIS = 60_000;
const AGAIN_MILLIS = 5_000;
const RETRY_MILLIS = [50, 100, 250, 500, 1_000] as const;

export class RepliesReader {
  private readonly options: RepliesReaderOptions;
  private readonly hold: number;
  private member: GroupMember | undefined;
  private assignment: Assignment | undefined;
  private partitions = new Map<number, Partition>();
  private timer: Timer | undefined;
  private holdTimer: Timer | undefined;
  /** After a loss every partition asks for the same at once. */
  private readonly messageBounds = new SharedReads<Awaited<ReturnType<EventLog['admin']['bounds']>>>(1);
  private committing: Promise<void> | undefined;
  private doubtUntil = -Infinity;
  private againAt = Infinity;
  private closed = false;

  constructor(options: RepliesReaderOptions) {
    this.options = options;
    this.hold = options.holdMillis ?? 1_000;
  }

  /** True while the member has its place in the group. */
  get running(): boolean { return this.assignment !== undefined; }
  /** Partitions that are its own in this generation. */
  get owned(): Iterable<number> { return this.partitions.keys(); }

  async start(): Promise<void> {
    const { log, group, topics } = this.options;
    const listener: GroupListener = {
      assigned: (assignment) => this.assigned(assignment),
      records: (batch) => { this.take(batch); },
      revoking: () => this.revoking(),
      failed: (error, fatal) => { this.failed(error, fatal); },
    };
    this.member = await log.join({ group, topics: [topics.replies, topics.deadLetters] }, listener);
    this.arm();
  }

  async close(): Promise<void> {
    this.closed = true;
    this.timer?.cancel();
    this.holdTimer?.cancel();
    await this.member?.close();
  }

  private async assigned(assignment: Assignment): Promise<void> {
    this.partitions = new Map(assignment.partitions.map((number) => [number, {
      number, batches: [], records: 0, bytes: 0, paused: false, flushing: undefined, held: new HeldLetters(), done: new Map(), committed: new Map(),
    }]));
    const [committed, bounds] = await Promise.all([assignment.committed({ stable: false }), assignment.bounds()]);
    const offsets = bounds.map(({ topic, partition, start }) => {
      const found = committed.find((other) => other.topic === topic && other.partition === partition)?.offset ?? start;
      // What retention has removed can be announced to nobody: sockets hear of it as `recovered: false`.
      if (found < start) this.options.logger.warn({ topic, partition, committed: found, start }, 'egress goes on at the start of the log');
      return { topic, partition, offset: Math.max(found, start) };
    });
    // One that took too long has been followed by another, which is the one to commit with.
    if (assignment.signal.aborted) throw new ConfabError('CONFAB_FENCED', { detail: `generation ${assignment.generation} has ended` });
    this.assignment = assignment;
    // Where it begins is committed too: what was read may have been older than what the generation before it committed last.
    for (const { topic, partition, offset } of offsets) this.partitions.get(partition)?.done.set(topic, offset);
    await assignment.start(offsets);
    // Sooner than its first outcome comes: who follows a new conversation from now on is told that nothing was forgotten since.
    for (const number of assignment.partitions) this.options.outbox.append(number, [], this.behind(number)).catch(() => { /* the first outcome does it */ });
  }

  /** Where messages.v1 ends: whatever was announced is the outcome of a message before. */
  private behind(partition: number): Behind {
    const { log, topics } = this.options;
    return async () => {
      const bounds = await this.messageBounds.run('bounds', () => log.admin.bounds(topics.messages));
      return formatPosition(topics.epoch, bounds.find((found) => found.partition === partition)?.end ?? 0, 0);
    };
  }

  private async revoking(): Promise<void> {
    const { partitions } = this;
    await Promise.all([...partitions.values()].flatMap(({ flushing }) => flushing ?? []));
    // The next generation may have begun meanwhile: what it owns is not this one's to give up.
    if (this.partitions !== partitions) return;
    await this.commit();
    if (this.partitions !== partitions) return;
    this.assignment = undefined;
    this.partitions = new Map();
  }

  private failed(error: ConfabError, fatal: boolean): void {
    this.assignment = undefined;
    this.options.logger[fatal ? 'error' : 'warn']({ err: error }, fatal ? 'egress can no longer read replies' : 'egress lost its place in the group; it joins again');
  }

  private take(batch: RecordBatch): void {
    const partition = this.partitions.get(batch.partition);
    if (!partition) return;
    partition.batches.push(batch);
    partition.records += batch.records.length;
    for (const { value } of batch.records) partition.bytes += value?.length ?? 0;
    if ((partition.records > MAX_RECORDS || partition.bytes > MAX_BYTES) && !partition.paused) {
      partition.paused = true;
      this.assignment?.pause(this.both(partition.number));
    }
    this.flushSoon(partition);
  }

  private both(partition: number): { topic: string; partition: number }[] {
    const { replies, deadLetters } = this.options.topics;
    return [{ topic: replies, partition }, { topic: deadLetters, partition }];
  }

  private flushSoon(partition: Partition): void {
    // After the batches of both topics that came in this turn of the event loop.
    partition.flushing ??= new Promise<void>((resolve) => { setImmediate(resolve); })
      .then(() => this.flush(partition))
      .catch((error: unknown) => { this.options.logger.error({ err: error, partition: partition.number }, 'egress stopped reading a partition'); })
      .finally(() => {
        partition.flushing = undefined;
        if (!this.current(partition)) return;
        if (partition.batches.length > 0 || partition.held.due(this.options.clock.monotonic())) this.flushSoon(partition);
        else if (partition.held.size > 0) this.armHold();
      });
  }

  private current(partition: Partition): boolean { return this.partitions.get(partition.number) === partition; }

  private async flush(partition: Partition): Promise<void> {
    const { batches } = partition;
    const begun = this.options.clock.now();
    partition.batches = [];
    partition.records = 0;
    partition.bytes = 0;
    if (partition.paused) { partition.paused = false; this.assignment?.resume(this.both(partition.number)); }
    const outcomes = await this.retried(partition, () => this.gather(partition, batches));
    if (outcomes === undefined) return;
    if (outcomes.length > 0) {
      const placed = await this.retried(partition, () => this.options.outbox.append(partition.number, outcomes, this.behind(partition.number)));
      // Tried again by itself: what the outbox has taken and trimmed since would look like outcomes that come late.
      if (placed === undefined || await this.retried(partition, () => this.announce(partition.number, outcomes, placed)) === undefined) return;
      partition.held.published(this.options.clock.monotonic());
      this.options.onBatch?.(outcomes.length);
    }
    if (this.options.tracer?.enabled === true) recordSpans(this.options.tracer, batches, begun, this.options.clock.now());
    for (const { topic, nextOffset } of batches) partition.done.set(topic, nextOffset);
  }

  /** Outcomes of the batches in order; dead letters go to those that wait, and come when their time is there. */
  private async gather(partition: Partition, batches: readonly RecordBatch[]): Promise<Outcome[]> {
    const { topics, decoder, clock } = this.options;
    // Not the wall clock: one that is set back would hold them for as long.
    const now = clock.monotonic();
    const letters: { outcome: Outcome; offset: number }[] = [];
    const replies: Outcome[] = [];
    for (const { topic, records } of batches) {
      if (topic === topics.replies) await decoder.decode(topic, records, replies);
      else for (const record of records) letters.push(...await this.letter(record));
    }
    for (const { outcome, offset } of letters) partition.held.add(outcome, offset, now + this.hold);
    return partition.held.empty ? replies : partition.held.merge(replies, now);
  }

  private async letter(record: LogRecord): Promise<{ outcome: Outcome; offset: number }[]> {
    const found: Outcome[] = [];
    await this.options.decoder.decode(this.options.topics.deadLetters, [record], found);
    return found.map((outcome) => ({ outcome, offset: record.offset }));
  }

  private async announce(partition: number, outcomes: readonly Outcome[], placed: readonly Placed[]): Promise<true> {
    const announcements = outcomes.map(({ key, position, prev, frame, timestamp }, i): Announcement => {
      const place = placed[i];
      return { key, position, prev: place === undefined ? prev : place.prev, late: place?.late ?? false, timestamp, frame };
    });
    await this.options.fanout.announce(partition, announcements);
    return true;
  }

  /** Tries again while the partition is ours; undefined once it no longer is. */
  private async retried<T>(partition: Partition, work: () => Promise<T>): Promise<T | undefined> {
    for (let attempt = 0; this.current(partition) && !this.closed; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (attempt === 0) this.options.logger.warn({ err: error, partition: partition.number }, 'egress cannot announce; it tries again');
        await this.options.clock.sleep(RETRY_MILLIS[Math.min(attempt, RETRY_MILLIS.length - 1)] ?? 1_000);
      }
    }
    return undefined;
  }

  /** Looks again when the letters that wait now are due. */
  private armHold(): void {
    if (this.closed) return;
    this.holdTimer ??= this.options.clock.after(this.hold, () => {
      this.holdTimer = undefined;
      for (const partition of this.partitions.values()) if (partition.held.size > 0) this.flushSoon(partition);
    });
  }

  private arm(): void {
    if (this.closed) return;
    this.timer = this.options.clock.after(this.options.commitMillis ?? 500, () => {
      void this.commit().finally(() => { this.arm(); });
    });
  }

  private async commit(): Promise<void> {
    await this.committing;
    const { assignment, partitions } = this;
    if (!assignment) return;
    this.doubt(partitions);
    const offsets = [...partitions.values()].flatMap((partition) => this.commitable(partition));
    if (offsets.length === 0) return;
    this.committing = assignment.commit(this.options.instance, { records: [], offsets }).then(() => {
      for (const { topic, partition, offset } of offsets) partitions.get(partition)?.committed.set(topic, offset);
    }).catch((error: unknown) => {
      // Nothing is lost by it: what was announced is announced again, and refused as a repeat.
      const now = this.options.clock.monotonic();
      this.doubtUntil = now + DOUBT_MILLIS;
      this.againAt = now + AGAIN_MILLIS;
      if (!isCode(error, 'CONFAB_FENCED')) this.options.logger.warn({ err: error }, 'egress could not commit; it tries again');
    });
    await this.committing;
  }

  private doubt(partitions: ReadonlyMap<number, Partition>): void {
    const now = this.options.clock.monotonic();
    if (now < this.againAt) return;
    this.againAt = now < this.doubtUntil ? now + AGAIN_MILLIS : Infinity;
    for (const { committed } of partitions.values()) committed.clear();
  }

  private commitable(partition: Partition): { topic: string; partition: number; offset: number; metadata: string }[] {
    const found = [];
    for (const [topic, offset] of partition.done) {
      const first = topic === this.options.topics.deadLetters ? Math.min(offset, partition.held.lowest(this.options.clock.monotonic())) : offset;
      if (first !== partition.committed.get(topic)) found.push({ topic, partition: partition.number, offset: first, metadata: '' });
    }
    return found;
  }
}

/** The span of announcing each sampled outcome of the batches. */
function recordSpans(tracer: Tracer, batches: readonly RecordBatch[], start: number, end: number): void {
  for (const { topic, partition, records } of batches) {
    for (const { headers, offset } of records) {
      const parent = headers === undefined ? undefined : tracer.extract(headers);
      if (parent === undefined) continue;
      tracer.record({
        name: 'confab.egress announce', kind: 'consumer', context: tracer.child(parent), start, end,
        attributes: { 'messaging.system': 'kafka', 'messaging.destination.name': topic, 'messaging.destination.partition.id': partition, 'messaging.kafka.offset': offset },
      });
    }
  }
}
