/** The event log of one process, over a store: what the in-memory and the embedded log have in common. */
import type { Clock } from '../../clock.js';
import { ConfabError } from '../../errors.js';
import { partitionOf } from '../../partitioner.js';
import type { Random } from '../../random.js';
import { recordBytes } from '../batch-limits.js';
import type {
  AppendedOffsets, Appender, CommitGroup, CommittedOffset, EventLog, GroupListener, GroupOptions, LogAdmin, NewRecord,
  OnceAppender, OnceResult, RecordBatch, TopicDescription,
} from '../event-log.js';
import { InProcessAdmin } from './admin.js';
import { checkOffsets } from './assignment.js';
import { Pump } from './delivery.js';
import { Group, type GroupLog, type InProcessMember, type Member } from './group.js';
import { GroupOffsets } from './group-offsets.js';
import { TopicState, type LogStore, type PartitionState } from './store.js';
import { checkAlive, Writer, type OpenBatch, type PlacedRecord } from './writer.js';

const READ_LIMITS = { maxRecords: 500, maxBytes: 1_048_576 };

export interface InProcessOptions {
  readonly kind: 'memory' | 'embedded';
  readonly store: LogStore;
  readonly clock: Clock;
  readonly random: Random;
  /** Runs a function soon; the only source of asynchrony beside the clock and the store. */
  readonly schedule: (run: () => void) => void;
}

export class InProcessLog implements EventLog, GroupLog {
  readonly kind: 'memory' | 'embedded';
  readonly maxRecordBytes = 1_000_000;
  readonly admin: LogAdmin;
  readonly once: OnceAppender = { appendOnce: (records) => this.appendOnce(records) };
  readonly clock: Clock;
  readonly random: Random;
  readonly schedule: (run: () => void) => void;
  readonly store: LogStore;
  readonly writer: Writer;
  readonly pump: Pump;
  readonly topicStates = new Map<string, TopicState>();
  readonly offsets = new GroupOffsets();
  private readonly groups = new Map<string, Group>();
  private readonly members = new Set<Member>();
  private keyless = 0;
  private closed = false;

  constructor(options: InProcessOptions) {
    this.kind = options.kind;
    this.store = options.store;
    this.clock = options.clock;
    this.random = options.random;
    this.schedule = options.schedule;
    this.writer = new Writer(this.store, this.schedule, (batch) => { this.publish(batch); });
    this.pump = new Pump(this.store, this.schedule);
    this.admin = new InProcessAdmin(this);
    this.reload();
  }

  /** Takes topics, bounds and committed offsets from the store. */
  protected reload(): void {
    const { topics, offsets } = this.store.load();
    this.topicStates.clear();
    for (const topic of topics) this.topicStates.set(topic.name, new TopicState(topic.name, topic.id, topic.config, topic.partitions));
    this.offsets.clear();
    this.offsets.apply(offsets);
  }

  async appender(): Promise<Appender> {
    this.checkWritable();
    let closed = false;
    return {
      append: async (records) => {
        if (closed) throw new ConfabError('CONFAB_CLOSED', { detail: 'appender' });
        return this.append(records);
      },
      close: async () => {
        closed = true;
        await this.writer.settled();
      },
    };
  }

  private append(records: readonly NewRecord[]): Promise<AppendedOffsets> {
    this.checkWritable();
    const placed = this.place(records);
    return this.writer.submit((batch) => {
      checkAlive(placed);
      return placed.map(({ partition, record }) => batch.append(partition, record));
    });
  }

  private async appendOnce(records: Parameters<OnceAppender['appendOnce']>[0]): Promise<readonly OnceResult[]> {
    this.checkWritable();
    const placed = this.place(records.map(({ record }) => record));
    return this.writer.submit((batch) => {
      checkAlive(placed);
      const now = this.clock.now();
      return placed.map(({ partition, record }, index) => {
        const { key = '', keepMillis = 0, note = '' } = records[index]?.once ?? {};
        const known = batch.knownHere.get(key) ?? this.store.knownKey(key);
        if (known && known.topicId === partition.topic.id && now - known.appendedAt < keepMillis) return { offset: known.offset, duplicate: true, note: known.note };
        const offset = batch.append(partition, record);
        batch.remember({ key, topicId: partition.topic.id, offset, note, appendedAt: now, until: now + keepMillis });
        return { offset, duplicate: false, note };
      });
    });
  }

  async join(options: GroupOptions, listener: GroupListener): Promise<InProcessMember> {
    this.checkWritable();
    for (const topic of options.topics) this.state(topic);
    let group = this.groups.get(options.group);
    if (!group) this.groups.set(options.group, group = new Group(options.group, this));
    const member = group.join(options, listener);
    this.members.add(member);
    return {
      rejoin: () => member.rejoin(),
      close: async () => { await member.close(); this.members.delete(member); },
      expel: () => { member.expel(); this.members.delete(member); },
    };
  }

  /** Records and offsets of a group become visible together, unless `check` throws at that moment. */
  async transact(group: string, commit: CommitGroup, check: () => void): Promise<AppendedOffsets> {
    check();
    const placed = this.place(commit.records);
    const offsets = checkOffsets(commit.offsets, this).map((offset) => ({ ...offset, group }));
    return this.writer.submit((batch) => {
      check();
      checkAlive(placed);
      batch.offsets.push(...offsets);
      return placed.map(({ partition, record }) => batch.append(partition, record));
    });
  }

  /** Lets offsets pass that no record gets, as transaction markers and aborted records take them on a broker. */
  async skip(topic: string, partition: number, count: number): Promise<void> {
    const state = this.partition(topic, partition);
    await this.writer.alone(async () => { state.end += count; state.next = state.end; });
    for (const reader of state.readers) reader.offer([]);
  }

  read(topic: string, partition: number, from: number, to?: number): AsyncIterable<RecordBatch> {
    this.checkOpen();
    const state = this.partition(topic, partition);
    return this.readState(state, from, Math.min(to ?? state.end, state.end));
  }

  private async *readState(state: PartitionState, from: number, to: number): AsyncGenerator<RecordBatch> {
    for (let at = Math.max(from, state.start); at < to;) {
      this.checkOpen();
      const records = this.store.read(state, at, to, READ_LIMITS);
      const last = records.at(-1);
      at = last === undefined ? to : last.offset + 1;
      yield { topic: state.topic.name, partition: state.number, records, nextOffset: at, endOffset: state.end };
      if (at < to) await new Promise<void>((resolve) => { this.schedule(resolve); });
      at = Math.max(at, state.start);
    }
  }

  async settledEnd(topic: string, partition: number): Promise<number> {
    this.checkOpen();
    return this.partition(topic, partition).end;
  }

  async topic(name: string): Promise<TopicDescription> {
    this.checkOpen();
    return this.state(name).describe();
  }

  async check(): Promise<void> { this.checkOpen(); }

  async close(): Promise<void> {
    if (this.closed) return;
    await Promise.all([...this.members].map((member) => member.close()));
    this.closed = true;
    await this.writer.settled();
    await this.store.close();
  }

  checkOpen(): void {
    if (this.closed) throw new ConfabError('CONFAB_CLOSED', { detail: `${this.kind} log` });
  }

  /** Called before whatever changes the log or joins a group. */
  checkWritable(): void { this.checkOpen(); }

  /** @throws CONFAB_TOPIC_UNKNOWN */
  state(name: string): TopicState {
    const state = this.topicStates.get(name);
    if (!state) throw new ConfabError('CONFAB_TOPIC_UNKNOWN', { detail: name });
    return state;
  }

  partition(topic: string, partition: number): PartitionState {
    const state = this.state(topic).partitions[partition];
    if (!state) throw new ConfabError('CONFAB_PARTITION_UNKNOWN', { detail: `${topic}/${partition}` });
    return state;
  }

  partitionCount(topic: string): number {
    return this.topicStates.get(topic)?.partitions.length ?? 0;
  }

  committedBy(group: string, topic: string, partition: number): CommittedOffset {
    return this.offsets.get(group, topic, partition);
  }

  group(name: string): Group | undefined { return this.groups.get(name); }

  groupNames(): string[] {
    return [...new Set([...this.offsets.groups(), ...[...this.groups.values()].filter((group) => group.size > 0).map((group) => group.name)])].sort();
  }

  /** Groups that read the topic share its partitions anew. */
  topicChanged(name: string): void {
    for (const group of this.groups.values()) if (group.reads(name)) group.rebalance();
  }

  /** Checks records against their topics and finds their partitions. */
  place(records: readonly NewRecord[]): readonly PlacedRecord[] {
    const now = this.clock.now();
    return records.map((record) => {
      const topic = this.state(record.topic);
      const number = record.partition ?? (record.key === null ? this.keyless++ % topic.partitions.length : partitionOf(record.key, topic.partitions.length));
      const partition = topic.partitions[number];
      if (!partition) throw new ConfabError('CONFAB_PARTITION_UNKNOWN', { detail: `${record.topic}/${number}` });
      if (record.timestamp < now - topic.maxAgeMillis) throw new ConfabError('CONFAB_TIMESTAMP_REFUSED', { detail: `${record.topic}: ${now - record.timestamp} ms old, at most ${topic.maxAgeMillis}` });
      const bytes = recordBytes(record);
      if (bytes > topic.maxRecordBytes) throw new ConfabError('CONFAB_RECORD_TOO_LARGE', { detail: `${record.topic}: ${bytes} bytes, at most ${topic.maxRecordBytes}` });
      if (topic.compacted && record.key === null) throw new ConfabError('CONFAB_RECORD_INVALID', { detail: `${record.topic} is compacted: a record needs a key` });
      return { partition, record };
    });
  }

  private publish(batch: OpenBatch): void {
    this.offsets.apply(batch.offsets);
    for (const { partition, records } of batch.appends) for (const reader of partition.readers) reader.offer(records);
  }
}
