/**
 * A member of a group as a client library plays it: one generation after the other, the next only when the last has been
 * drained. The group itself is that of the in-memory log, at the other end of the link. A process that cannot be heard for
 * the length of a session is put out, and finds out when it can be told.
 */
import { ConfabError, toConfabError } from '../platform/errors.js';
import type {
  AppendedOffsets, Assignment, CommitGroup, CommittedOffset, GroupListener, GroupMember, GroupOptions, RecordBatch, TopicPartition,
} from '../platform/event-log/event-log.js';
import type { InProcessMember } from '../platform/event-log/in-process/group.js';
import { READING, unknown, WRITING, type ProcessLogParts } from './process-log.js';

export const SESSION_MILLIS = 6000;
const RETRY_MILLIS = 500;

export class SimulatedMember implements GroupMember {
  private place: InProcessMember | undefined;
  private life: Life | undefined;
  private turn: Promise<void> = Promise.resolve();
  private closed = false;
  private joining: Promise<void> | undefined;

  constructor(private readonly options: GroupOptions, private readonly listener: GroupListener, private readonly parts: ProcessLogParts, private readonly onClose: () => void) {
    this.join();
  }

  async rejoin(): Promise<void> {
    if (this.closed) throw new ConfabError('CONFAB_CLOSED', { detail: `member of ${this.options.group}` });
    // One that ends already begins anew by itself.
    if (this.life?.ending === true) await this.life.end();
    else await this.lost();
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await this.life?.end();
    await this.joining;
    await this.leave();
    this.onClose();
  }

  /** The coordinator has not heard of it for a session: it has given the place away. Nobody tells the process now. */
  expel(): void {
    this.place?.expel();
    this.place = undefined;
  }

  /** True when the coordinator counts on it. */
  get placed(): boolean { return this.place !== undefined; }

  /** The process learns that its place is gone, and joins again. */
  async lost(): Promise<void> {
    await this.life?.end();
    await this.leave();
    if (!this.closed) this.join();
  }

  private async leave(): Promise<void> {
    const { place } = this;
    if (place === undefined) return;
    this.place = undefined;
    // What the coordinator does not hear of, it finds out when the session is over.
    this.parts.broker.later(SESSION_MILLIS, () => { place.expel(); });
    await this.parts.link.call('leave', async () => { place.expel(); }, READING).catch(() => undefined);
  }

  private join(): void {
    this.joining ??= this.tryToJoin().finally(() => { this.joining = undefined; });
  }

  private async tryToJoin(): Promise<void> {
    while (!this.closed) {
      try {
        await this.parts.link.call('join', () => this.enter(), READING);
        return;
      } catch (error) {
        this.listener.failed(toConfabError(error), false);
        await this.parts.clock.sleep(RETRY_MILLIS);
      }
    }
  }

  /** At the coordinator. */
  private async enter(): Promise<void> {
    // One that comes when the member has been closed would get a place that no session watches.
    if (!this.parts.gate.alive || this.closed) throw new ConfabError('CONFAB_CLOSED', { detail: this.options.group });
    this.place?.expel();
    const place: { mine?: InProcessMember } = {};
    const current = (): boolean => this.place !== undefined && place.mine === this.place;
    place.mine = this.place = await this.parts.broker.log.join(this.options, {
      assigned: (assignment) => new Promise<void>((resolve, reject) => {
        if (!current()) { reject(new ConfabError('CONFAB_FENCED', { detail: 'the member has another place' })); return; }
        this.parts.link.push(() => { void this.begin(assignment).then(() => { this.up(resolve); }, (error: Error) => { this.up(() => { reject(error); }); }); });
      }),
      records: (batch) => { this.life?.arrived(batch); },
      revoking: () => new Promise<void>((resolve) => {
        const { life } = this;
        if (life === undefined || !current()) { resolve(); return; }
        this.parts.link.push(() => { void life.drain().then(() => { this.up(resolve); }); });
      }),
      failed: (error, fatal) => { this.parts.link.push(() => { this.listener.failed(error, fatal); }); },
    });
    if (this.closed) this.expel();
  }

  /** Towards the coordinator, in the middle of a conversation with it. */
  private up(run: () => void): void { this.parts.clock.after(this.parts.link.hop(), run); }

  private begin(assignment: Assignment): Promise<void> {
    const mine = this.turn.then(async () => {
      await this.life?.end();
      if (this.closed) throw new ConfabError('CONFAB_CLOSED', { detail: this.options.group });
      const life = new Life(assignment, this.options, this.listener, this.parts);
      this.life = life;
      await life.begin();
    });
    this.turn = mine.catch(() => undefined);
    return mine;
  }
}

/** One generation, as the process sees it. */
class Life implements Assignment {
  readonly generation: number;
  readonly partitions: readonly number[];
  private readonly controller = new AbortController();
  private readonly paused = new Set<string>();
  private readonly held = new Map<string, RecordBatch[]>();
  private readonly stopWatching: () => void;
  private starting: Promise<void> = Promise.resolve();
  private ready = false;
  private draining: Promise<void> | undefined;

  constructor(private readonly remote: Assignment, private readonly options: GroupOptions, private readonly listener: GroupListener, private readonly parts: ProcessLogParts) {
    this.generation = remote.generation;
    this.partitions = remote.partitions;
    this.stopWatching = parts.broker.watch(() => { parts.gate.enter(() => { this.deliver(); }); });
    const over = (): void => { parts.link.push(() => { void this.end(); }); };
    if (remote.signal.aborted) over(); else remote.signal.addEventListener('abort', over, { once: true });
  }

  get signal(): AbortSignal { return this.controller.signal; }
  get ending(): boolean { return this.draining !== undefined; }

  async begin(): Promise<void> {
    this.starting = this.listener.assigned(this);
    await this.starting;
    this.ready = true;
  }

  /** Finished work may still be committed; nothing is handed out any more. */
  drain(): Promise<void> {
    this.draining ??= this.revoke();
    return this.draining;
  }

  /** Bounded; then the signal. */
  async end(): Promise<void> {
    if (this.controller.signal.aborted) return;
    await this.drain();
    if (this.controller.signal.aborted) return;
    this.controller.abort(new ConfabError('CONFAB_FENCED', { detail: `generation ${this.generation} of ${this.options.group} has ended` }));
    await this.bounded(this.starting.catch(() => undefined));
  }

  private async revoke(): Promise<void> {
    this.stopWatching();
    this.held.clear();
    if (this.ready) await this.bounded(this.listener.revoking().catch((error: unknown) => { this.listener.failed(toConfabError(error), false); }));
  }

  private async bounded(work: Promise<void>): Promise<void> {
    const done = new AbortController();
    const late = this.parts.clock.sleep(this.options.drainMillis ?? 500, done.signal).catch(() => undefined);
    await Promise.race([work, late]);
    done.abort();
  }

  /** Records as the log shows them; handed on when they are visible, after their way here. */
  arrived(batch: RecordBatch): void {
    if (this.draining !== undefined) return;
    const name = `${batch.topic}/${batch.partition}`;
    this.parts.link.push(() => {
      if (this.draining !== undefined) return;
      this.held.set(name, [...this.held.get(name) ?? [], batch]);
      this.deliver();
    });
  }

  private deliver(): void {
    if (this.draining !== undefined) return;
    for (const [name, batches] of this.held) {
      if (this.paused.has(name)) continue;
      const end = this.parts.broker.visibleEnd(batches[0]?.topic ?? '', batches[0]?.partition ?? 0);
      while (batches.length > 0 && !this.paused.has(name) && this.draining === undefined) {
        const batch = batches[0] as RecordBatch;
        if (batch.nextOffset <= end) { batches.shift(); this.listener.records(batch); continue; }
        const records = batch.records.filter(({ offset }) => offset < end);
        if (records.length === 0) break;
        const nextOffset = (records.at(-1)?.offset ?? 0) + 1;
        batches[0] = { ...batch, records: batch.records.slice(records.length) };
        this.listener.records({ ...batch, records, nextOffset });
        break;
      }
      if (batches.length === 0) this.held.delete(name);
    }
  }

  async committed({ stable }: { stable: boolean }): Promise<CommittedOffset[]> {
    this.check();
    const { broker, link } = this.parts;
    return link.call('fetch offsets', () => broker.committed(this.options.group, this.share(), stable), READING);
  }

  async fence(instance: string): Promise<void> {
    this.check();
    await this.parts.link.call('fence', () => this.parts.broker.fence(instance), READING);
  }

  async bounds(): Promise<(TopicPartition & { start: number; end: number })[]> {
    this.check();
    const { broker, link } = this.parts;
    return link.call('bounds', async () => this.share().map(({ topic, partition }) => ({ topic, partition, start: broker.log.partition(topic, partition).start, end: broker.visibleEnd(topic, partition) })), READING);
  }

  async start(offsets: readonly (TopicPartition & { offset: number })[]): Promise<void> {
    this.check();
    await this.parts.link.call('start', () => this.remote.start(offsets), READING);
  }

  pause(partitions: readonly TopicPartition[]): void {
    this.check();
    for (const { topic, partition } of partitions) this.paused.add(`${topic}/${partition}`);
  }

  resume(partitions: readonly TopicPartition[]): void {
    this.check();
    for (const { topic, partition } of partitions) this.paused.delete(`${topic}/${partition}`);
    this.parts.clock.after(0, () => { this.deliver(); });
  }

  /** Two requests, as of a transaction: what is to be written with its offsets, and that it is to be so. */
  async commit(instance: string, group: CommitGroup): Promise<AppendedOffsets> {
    this.check();
    const { broker, link, dice } = this.parts;
    const begun = broker.begin.bind(broker, this.remote, this.options.group, instance, group);
    const transaction = await link.call('begin', begun, { refused: READING.refused, silent: dice.chance(0.5) ? READING.silent : unknown });
    try {
      return await link.call('decide', () => broker.decide(transaction), WRITING);
    } catch (error) {
      if (toConfabError(error).code === 'CONFAB_LOG_UNAVAILABLE') broker.abort(transaction, 'given up by its client');
      throw error;
    }
  }

  private share(): TopicPartition[] {
    return this.options.topics.flatMap((topic) => this.partitions.filter((partition) => partition < this.parts.broker.log.partitionCount(topic)).map((partition) => ({ topic, partition })));
  }

  private check(): void {
    if (this.controller.signal.aborted) throw new ConfabError('CONFAB_FENCED', { detail: `generation ${this.generation} of ${this.options.group} has ended` });
  }
}
