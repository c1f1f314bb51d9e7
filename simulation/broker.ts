/**
 * What a cluster does between its clients and the log, over the in-memory log: transactions that are open until they are
 * decided, markers that become visible one partition after the other, producers that are fenced by name. Groups, offsets and
 * records are those of the in-memory log.
 */
import type { ManualClock } from '../platform/clock-manual.js';
import { ConfabError } from '../platform/errors.js';
import type { AppendedOffsets, Assignment, CommitGroup, CommittedOffset, NewRecord, RecordBatch, TopicPartition } from '../platform/event-log/event-log.js';
import type { MemoryEventLog } from '../platform/event-log/memory.js';
import { partitionOf } from '../platform/partitioner.js';
import type { Dice } from './dice.js';
import type { Trace } from './trace.js';

/** A transaction at its coordinator. */
export interface Transaction {
  readonly number: number;
  readonly instance: string;
  readonly group: string;
  readonly commit: CommitGroup;
  /** Where its records may begin, by `topic/partition`: nobody sees what stands behind that before it is decided. */
  readonly from: ReadonlyMap<string, number>;
  state: 'open' | 'deciding' | 'decided' | 'aborted';
}

/** Sees every change of the log at the moment it is decided: for the checker. */
export interface Observer {
  appended(records: readonly NewRecord[], offsets: AppendedOffsets): void;
  committed(transaction: Transaction, offsets: AppendedOffsets): void;
}

export interface BrokerParts {
  readonly log: MemoryEventLog;
  readonly clock: ManualClock;
  readonly dice: Dice;
  readonly trace: Trace;
  readonly observer: Observer;
  /** Mean time until a marker is written, milliseconds. */
  readonly markerMillis: () => number;
}

/** How long a transaction may stay open. */
const TRANSACTION_MILLIS = 10_000;
/** How long a request waits for something to settle. */
const PATIENCE = 15_000;
const POLL = 20;

export class Broker {
  readonly log: MemoryEventLog;
  protected readonly open = new Set<Transaction>();
  protected readonly fenced = new Set<string>();
  /** By `topic/partition`: where records begin that are decided and not visible yet. */
  private readonly hidden = new Map<string, number[]>();
  /** By `group/topic/partition`: what was committed before what is decided and not visible yet. */
  private readonly hiddenOffsets = new Map<string, { readonly before: CommittedOffset; count: number }>();
  /** When the markers of one partition were last due: they are written in order. */
  private readonly due = new Map<string, number>();
  private readonly watchers = new Set<() => void>();
  private count = 0;

  constructor(protected readonly parts: BrokerParts) { this.log = parts.log; }

  /** Called whenever more of the log becomes visible. Returns how to stop that. */
  watch(run: () => void): () => void {
    this.watchers.add(run);
    return () => { this.watchers.delete(run); };
  }

  async append(records: readonly NewRecord[]): Promise<AppendedOffsets> {
    const offsets = await this.log.transact('', { records, offsets: [] }, () => undefined);
    this.parts.observer.appended(records, offsets);
    return offsets;
  }

  /** Opens a transaction for a member. @throws CONFAB_FENCED, and what the log says of the records */
  async begin(assignment: Assignment, group: string, instance: string, commit: CommitGroup): Promise<Transaction> {
    this.checkGeneration(assignment);
    this.checkProducer(instance);
    this.log.place(commit.records);
    const transaction: Transaction = { number: this.count += 1, instance, group, commit, from: this.ends(commit.records), state: 'open' };
    this.open.add(transaction);
    this.parts.clock.after(TRANSACTION_MILLIS, () => { this.abort(transaction, 'time-out'); });
    return transaction;
  }

  /** Decides it. @throws CONFAB_FENCED it was aborted */
  async decide(transaction: Transaction): Promise<AppendedOffsets> {
    this.checkOpen(transaction);
    transaction.state = 'deciding';
    const { group, commit } = transaction;
    const before = commit.offsets.map(({ topic, partition }) => this.log.committedBy(group, topic, partition));
    const offsets = await this.log.transact(group, commit, () => undefined);
    transaction.state = 'decided';
    this.open.delete(transaction);
    this.parts.trace.add('broker', `#${transaction.number} ${group} ${transaction.instance.slice(-4)} commits ${commit.records.length} records, ${commit.offsets.map((each) => `${each.partition}@${each.offset}`).join(' ')}`);
    this.parts.observer.committed(transaction, offsets);
    this.hide(transaction, offsets, before);
    return offsets;
  }

  abort(transaction: Transaction, why: string): void {
    if (transaction.state !== 'open') return;
    transaction.state = 'aborted';
    this.open.delete(transaction);
    this.parts.trace.add('broker', `#${transaction.number} ${transaction.group} is aborted: ${why}`);
    for (const key of this.partitionsOf(transaction.commit.records)) this.gap(key, 2);
    this.changed();
  }

  /** Any of the open transactions, for a fault. */
  someOpen(dice: Dice): Transaction | undefined { return this.open.size === 0 ? undefined : dice.pick([...this.open]); }

  /** Ends what the instance left open: it cannot write any more. */
  async fence(instance: string): Promise<void> {
    this.fenced.add(instance);
    for (const transaction of [...this.open]) if (transaction.instance === instance) this.abort(transaction, 'fenced');
    await this.until(() => ![...this.open].some((each) => each.instance === instance), `the transactions of ${instance}`);
  }

  /** Committed offsets, of the last decided commit that is visible; `stable`: once nothing is pending on them. */
  async committed(group: string, partitions: readonly TopicPartition[], stable: boolean): Promise<CommittedOffset[]> {
    if (stable) await this.until(() => !partitions.some((each) => this.pendingOffset(group, each)), `the offsets of ${group}`);
    return partitions.map(({ topic, partition }) => this.hiddenOffsets.get(`${group}/${topic}/${partition}`)?.before ?? this.log.committedBy(group, topic, partition));
  }

  /** The end of what readers see. */
  visibleEnd(topic: string, partition: number): number {
    const { end } = this.log.partition(topic, partition);
    const name = `${topic}/${partition}`;
    let visible = Math.min(end, ...this.hidden.get(name) ?? []);
    for (const { from } of this.open) visible = Math.min(visible, from.get(name) ?? Infinity);
    return visible;
  }

  async settledEnd(topic: string, partition: number): Promise<number> {
    const name = `${topic}/${partition}`;
    await this.until(() => !this.hidden.has(name) && ![...this.open].some(({ commit }) => this.partitionsOf(commit.records).has(name)), name);
    return this.log.partition(topic, partition).end;
  }

  /** One page of what is visible from an offset on; undefined past `to`. */
  async page(topic: string, partition: number, from: number, to: number): Promise<RecordBatch | undefined> {
    for await (const batch of this.log.read(topic, partition, from, Math.min(to, this.visibleEnd(topic, partition)))) return batch;
    return undefined;
  }

  protected checkGeneration(assignment: Assignment): void {
    if (assignment.signal.aborted) throw new ConfabError('CONFAB_FENCED', { detail: `generation ${assignment.generation} has ended` });
  }

  protected checkProducer(instance: string): void {
    if (this.fenced.has(instance)) throw new ConfabError('CONFAB_FENCED', { detail: `${instance} was fenced` });
  }

  protected checkOpen(transaction: Transaction): void {
    if (transaction.state !== 'open') throw new ConfabError('CONFAB_FENCED', { detail: `transaction ${transaction.number} is ${transaction.state}` });
  }

  protected pendingOffset(group: string, { topic, partition }: TopicPartition): boolean {
    return this.hiddenOffsets.has(`${group}/${topic}/${partition}`)
      || [...this.open].some((each) => each.group === group && each.commit.offsets.some((offset) => offset.topic === topic && offset.partition === partition));
  }

  /** Shows the parts of a decided transaction one after the other, as their markers are written. */
  private hide({ group, commit }: Transaction, offsets: AppendedOffsets, before: readonly CommittedOffset[]): void {
    const first = new Map<string, number>();
    commit.records.forEach((record, index) => {
      const key = this.nameOf(record);
      first.set(key, Math.min(first.get(key) ?? Infinity, offsets[index] ?? Infinity));
    });
    for (const [key, from] of first) {
      this.hidden.set(key, [...this.hidden.get(key) ?? [], from]);
      this.mark(key, () => {
        const rest = (this.hidden.get(key) ?? []).filter((each) => each !== from);
        if (rest.length === 0) this.hidden.delete(key); else this.hidden.set(key, rest);
        this.gap(key, 1);
      });
    }
    commit.offsets.forEach(({ topic, partition }, index) => {
      const key = `${group}/${topic}/${partition}`;
      const standing = this.hiddenOffsets.get(key);
      if (standing) standing.count += 1; else this.hiddenOffsets.set(key, { before: before[index] as CommittedOffset, count: 1 });
      this.mark(key, () => {
        const entry = this.hiddenOffsets.get(key);
        if (entry && (entry.count -= 1) === 0) this.hiddenOffsets.delete(key);
      });
    });
  }

  /** Something that the cluster does by itself after a while. */
  later(millis: number, run: () => void): void { this.parts.clock.after(millis, run); }

  /** Mean time until the marker of a partition, or of a group's offset there, is written. */
  protected markerMillis(_key: string): number { return this.parts.markerMillis(); }

  private mark(key: string, run: () => void): void {
    const now = this.parts.clock.monotonic();
    const at = Math.max(now + this.parts.dice.wait(this.markerMillis(key)), this.due.get(key) ?? 0);
    this.due.set(key, at);
    this.parts.clock.after(at - now, () => { run(); this.changed(); });
  }

  private gap(key: string, count: number): void {
    const { topic, partition } = split(key);
    void this.log.skip(topic, partition, count);
  }

  private changed(): void { for (const run of [...this.watchers]) run(); }

  private async until(settled: () => boolean, what: string): Promise<void> {
    for (let waited = 0; !settled(); waited += POLL) {
      if (waited > PATIENCE) throw new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: `${what} did not settle` });
      await this.parts.clock.sleep(POLL);
    }
  }

  private partitionsOf(records: readonly NewRecord[]): Set<string> { return new Set(records.map((record) => this.nameOf(record))); }

  private ends(records: readonly NewRecord[]): Map<string, number> {
    return new Map(records.map((record) => {
      const name = this.nameOf(record);
      const { topic, partition } = split(name);
      return [name, this.log.partition(topic, partition).end];
    }));
  }

  private nameOf({ topic, partition, key }: NewRecord): string {
    return `${topic}/${partition ?? partitionOf(key ?? '', this.log.partitionCount(topic))}`;
  }
}

function split(name: string): TopicPartition {
  const cut = name.lastIndexOf('/');
  return { topic: name.slice(0, cut), partition: Number(name.slice(cut + 1)) };
}
