/** The event log as one process has it: the cluster behind a link. */
import { ConfabError } from '../platform/errors.js';
import type {
  AppendedOffsets, Appender, EventLog, GroupListener, GroupMember, GroupOptions, LogAdmin, NewRecord, RecordBatch, TopicDescription,
} from '../platform/event-log/event-log.js';
import type { Broker } from './broker.js';
import type { Dice } from './dice.js';
import type { Gate, ProcessClock } from './gate.js';
import type { Failures, Link } from './link.js';
import { SimulatedMember } from './member.js';

export interface ProcessLogParts {
  readonly broker: Broker;
  readonly link: Link;
  readonly gate: Gate;
  readonly clock: ProcessClock;
  readonly dice: Dice;
  /** Exchanges appenders for faulty ones. */
  readonly appender: ((real: Appender) => Appender) | undefined;
}

const unavailable = (): ConfabError => new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: 'simulated' });
export const unknown = (): ConfabError => new ConfabError('CONFAB_LOG_OUTCOME_UNKNOWN', { detail: 'simulated' });
/** Of requests that change nothing: to repeat them is harmless. */
export const READING: Failures = { refused: unavailable, silent: unavailable };
export const WRITING: Failures = { refused: unavailable, silent: unknown };

export class ProcessLog implements EventLog {
  readonly kind = 'memory';
  readonly maxRecordBytes: number;
  readonly admin: LogAdmin;
  readonly members = new Set<SimulatedMember>();

  constructor(private readonly parts: ProcessLogParts) {
    const { log } = parts.broker;
    this.maxRecordBytes = log.maxRecordBytes;
    const ask = <T>(what: string, work: () => Promise<T>): Promise<T> => parts.link.call(what, work, READING);
    this.admin = {
      topics: (names) => ask('topics', () => log.admin.topics(names)),
      topicNames: () => ask('topic names', () => log.admin.topicNames()),
      createTopic: (spec) => ask('create topic', () => log.admin.createTopic(spec)),
      setTopicConfig: (name, config) => ask('configure topic', () => log.admin.setTopicConfig(name, config)),
      addPartitions: (name, total) => ask('add partitions', () => log.admin.addPartitions(name, total)),
      deleteTopic: (name) => ask('delete topic', () => log.admin.deleteTopic(name)),
      bounds: (topic) => ask('bounds', async () => (await log.admin.bounds(topic)).map((each) => ({ ...each, end: parts.broker.visibleEnd(topic, each.partition) }))),
      offsetAt: (topic, partition, timestamp) => ask('offset at', () => log.admin.offsetAt(topic, partition, timestamp)),
      groups: () => ask('groups', () => log.admin.groups()),
      committed: (group, topic) => ask('committed', () => log.admin.committed(group, topic)),
      setCommitted: (group, offsets) => ask('set committed', () => log.admin.setCommitted(group, offsets)),
    };
  }

  async appender(): Promise<Appender> {
    const real = new ProcessAppender(this.parts);
    return this.parts.appender?.(real) ?? real;
  }

  async join(options: GroupOptions, listener: GroupListener): Promise<GroupMember> {
    const member = new SimulatedMember(options, listener, this.parts, () => { this.members.delete(member); });
    this.members.add(member);
    return member;
  }

  async *read(topic: string, partition: number, from: number, to?: number): AsyncIterable<RecordBatch> {
    const { broker, link } = this.parts;
    let limit = to;
    for (let at = from; ;) {
      const [batch, end] = await link.call('read', async () => {
        const last = limit ?? broker.visibleEnd(topic, partition);
        return [await broker.page(topic, partition, at, last), last] as const;
      }, READING);
      limit = end;
      if (batch === undefined) return;
      yield batch;
      at = batch.nextOffset;
      if (at >= limit) return;
    }
  }

  settledEnd(topic: string, partition: number): Promise<number> {
    return this.parts.link.call('settled end', () => this.parts.broker.settledEnd(topic, partition), READING);
  }

  topic(name: string): Promise<TopicDescription> { return this.parts.link.call('topic', () => this.parts.broker.log.topic(name), READING); }

  check(): Promise<void> { return this.parts.link.call('check', () => this.parts.broker.log.check(), READING); }

  async close(): Promise<void> { await Promise.all([...this.members].map((member) => member.close())); }
}

/** One send in flight; what becomes of a send that has no answer is open, for each partition by itself. */
class ProcessAppender implements Appender {
  private last: Promise<unknown> = Promise.resolve();
  private closed = false;

  constructor(private readonly parts: ProcessLogParts) {}

  append(records: readonly NewRecord[]): Promise<AppendedOffsets> {
    if (this.closed) return Promise.reject(new ConfabError('CONFAB_CLOSED', { detail: 'appender' }));
    const mine = this.last.then(() => this.send(records));
    this.last = mine.catch(() => undefined);
    return mine;
  }

  async close(): Promise<void> {
    this.closed = true;
    await this.last;
  }

  private send(records: readonly NewRecord[]): Promise<AppendedOffsets> {
    const { broker, link, dice } = this.parts;
    const partitions = new Set(records.map(({ partition }) => partition));
    // Leaders of partitions fail one by one: a part of the records is written, and the sender is told nothing.
    if (partitions.size > 1 && dice.chance(link.trouble)) {
      const some = new Set([...partitions].filter(() => dice.chance(0.5)));
      return link.call('append', async () => {
        await broker.append(records.filter(({ partition }) => some.has(partition)));
        throw unknown();
      }, WRITING);
    }
    return link.call('append', () => broker.append(records), WRITING);
  }
}
