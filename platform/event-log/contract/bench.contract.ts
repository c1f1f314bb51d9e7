/** For the contract suite: opens logs, makes topics with names of their own, gathers what a member hears, cleans up. */
import { test, type TestContext } from 'node:test';
import { systemClock } from '../../clock.js';
import { eventually } from '../../testing.js';
import type {
  Appender, Assignment, CommittedOffset, EventLog, GroupListener, GroupMember, GroupOptions, LogRecord, NewRecord, RecordBatch, TopicConfig,
} from '../event-log.js';

/** Patience for a group to settle on a real broker. */
export const PATIENCE = 30_000;

/** What an adapter's test gives the contract suite; made anew for each test. */
export interface LogHarness {
  /** Opens the log; the same one each time it is called (Kafka: one more client). Only one is open at a time. */
  open(): Promise<EventLog>;
  /** A name for a topic or group that no other test uses, e.g. with a random prefix on a shared broker. */
  name(what: string): string;
  /** Removes the records of the partition below `offset`. They are stamped two days old, all others are fresh. */
  trim?(log: EventLog, topic: string, partition: number, offset: number): Promise<void>;
  /** Makes compaction run, or waits until it has; at least the records before the last 10 of a partition are compacted. */
  compact?(log: EventLog, topic: string): Promise<void>;
  /** Configuration for a topic that `compact` can compact; `cleanup.policy` is set by the suite. */
  readonly compactConfig?: TopicConfig;
  /** After all logs were closed. */
  close?(): Promise<void>;
}

export type LogFactory = () => Promise<LogHarness>;

/** Declares one test of the suite. */
export function rule(factory: LogFactory, name: string, run: (bench: Bench, t: TestContext) => Promise<void>): void {
  test(name, async (t) => {
    const bench = new Bench(await factory());
    try { await run(bench, t); } finally { await bench.close(); }
  });
}

export const now = (): number => systemClock.now();

/** One test's share of a log. */
export class Bench {
  private readonly logs: EventLog[] = [];
  private readonly members: GroupMember[] = [];
  private readonly topics: string[] = [];
  private appenders: { log: EventLog; appender: Appender }[] = [];

  constructor(readonly harness: LogHarness) {}

  async open(): Promise<EventLog> {
    const log = await this.harness.open();
    this.logs.push(log);
    return log;
  }

  async topic(log: EventLog, what: string, partitions = 1, config: TopicConfig = {}): Promise<string> {
    const name = this.harness.name(what);
    await log.admin.createTopic({ name, partitions, config });
    this.topics.push(name);
    return name;
  }

  async append(log: EventLog, records: readonly NewRecord[]): Promise<readonly number[]> {
    let found = this.appenders.find((entry) => entry.log === log);
    if (!found) {
      found = { log, appender: await log.appender() };
      this.appenders.push(found);
    }
    return found.appender.append(records);
  }

  async join(log: EventLog, member: TestMember, options: GroupOptions): Promise<GroupMember> {
    const joined = await log.join(options, member);
    this.members.push(joined);
    return joined;
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.members.map((member) => member.close()));
    const log = this.logs.at(-1);
    if (log) for (const topic of this.topics) await log.admin.deleteTopic(topic).catch(() => undefined);
    for (const each of this.logs) await each.close();
    await this.harness.close?.();
  }
}

export interface TestMemberOptions {
  /** Default: starts at the committed offsets, or the start of the log. */
  assigned?: (assignment: Assignment) => Promise<void>;
  revoking?: (assignment: Assignment) => Promise<void>;
  onBatch?: (batch: RecordBatch, assignment: Assignment) => void;
}

/** A member that starts where its group stands and remembers what it heard. */
export class TestMember implements GroupListener {
  readonly events: string[] = [];
  readonly batches: RecordBatch[] = [];
  readonly failures: { code: string; fatal: boolean }[] = [];
  assignments: Assignment[] = [];
  /** Of the assignment that has been started and not been revoked. */
  current: Assignment | undefined;

  constructor(private readonly options: TestMemberOptions = {}) {}

  async assigned(assignment: Assignment): Promise<void> {
    this.events.push('assigned');
    this.assignments.push(assignment);
    await (this.options.assigned ?? startAtCommitted)(assignment);
    this.current = assignment;
  }

  records(batch: RecordBatch): void {
    this.batches.push(batch);
    const assignment = this.assignments.at(-1);
    if (assignment) this.options.onBatch?.(batch, assignment);
  }

  async revoking(): Promise<void> {
    this.events.push('revoking');
    const assignment = this.current;
    this.current = undefined;
    if (assignment) await this.options.revoking?.(assignment);
    this.events.push('revoked');
  }

  failed(error: { code: string }, fatal: boolean): void {
    this.failures.push({ code: error.code, fatal });
  }

  recordsOf(topic: string, partition?: number): LogRecord[] {
    return this.batches.filter((batch) => batch.topic === topic && (partition === undefined || batch.partition === partition)).flatMap((batch) => [...batch.records]);
  }

  valuesOf(topic: string, partition?: number): string[] {
    return this.recordsOf(topic, partition).map((record) => String(record.value));
  }

  /** Waits until the member runs in a generation with that many partitions and returns its assignment. */
  async running(partitions: number): Promise<Assignment> {
    await eventually(`a generation with ${partitions} partitions`, () => this.current?.partitions.length === partitions, PATIENCE);
    if (!this.current) throw new Error('no assignment');
    return this.current;
  }

  async received(topic: string, count: number): Promise<void> {
    await eventually(`${count} records of ${topic}`, () => this.recordsOf(topic).length >= count, PATIENCE);
  }
}

export async function startAtCommitted(assignment: Assignment): Promise<void> {
  const bounds = await assignment.bounds();
  const committed = await assignment.committed({ stable: true });
  const startOf = ({ topic, partition }: CommittedOffset): number => bounds.find((entry) => entry.topic === topic && entry.partition === partition)?.start ?? 0;
  await assignment.start(committed.map((entry) => ({ topic: entry.topic, partition: entry.partition, offset: entry.offset ?? startOf(entry) })));
}

/** A record with text as its value. */
export function text(topic: string, value: string, more: Partial<NewRecord> = {}): NewRecord {
  return { topic, partition: 0, key: 'default/c', value: Buffer.from(value), timestamp: now(), ...more };
}

export async function readAll(log: EventLog, topic: string, partition = 0, from = 0, to?: number): Promise<LogRecord[]> {
  const found: LogRecord[] = [];
  for await (const batch of log.read(topic, partition, from, to)) found.push(...batch.records);
  return found;
}

export const valuesIn = (records: readonly LogRecord[]): string[] => records.map((record) => String(record.value));
export const numbers = (count: number, from = 0): number[] => Array.from({ length: count }, (_, index) => index + from);
