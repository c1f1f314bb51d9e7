/** Administration of a log of one process. Changes run while nothing is being written. */
import { ConfabError } from '../../errors.js';
import type { CommittedOffset, LogAdmin, OffsetToCommit, TopicConfig, TopicDescription, TopicPartition, TopicSpec } from '../event-log.js';
import { checkOffsets } from './assignment.js';
import type { InProcessLog } from './log.js';
import { TopicState } from './store.js';

const MAX_PARTITIONS = 10_000;
const NAME_FORM = /^[A-Za-z0-9._-]{1,249}$/;

export class InProcessAdmin implements LogAdmin {
  constructor(private readonly log: InProcessLog) {}

  async topics(names?: readonly string[]): Promise<TopicDescription[]> {
    this.log.checkOpen();
    const states = names === undefined ? [...this.log.topicStates.values()] : names.flatMap((name) => this.log.topicStates.get(name) ?? []);
    return states.map((state) => state.describe()).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async topicNames(): Promise<string[]> {
    this.log.checkOpen();
    return [...this.log.topicStates.keys()].sort();
  }

  async createTopic(spec: TopicSpec): Promise<void> {
    this.log.checkWritable();
    checkPartitions(spec.name, spec.partitions);
    if (!NAME_FORM.test(spec.name)) throw new ConfabError('CONFAB_LOG_REFUSED', { detail: `"${spec.name}" is no name of a topic` });
    await this.log.writer.alone(async () => {
      if (this.log.topicStates.has(spec.name)) throw new ConfabError('CONFAB_TOPIC_EXISTS', { detail: spec.name });
      const id = this.log.random.bytes(16).toString('hex');
      const topic = new TopicState(spec.name, id, { ...spec.config }, Array.from({ length: spec.partitions }, () => ({ start: 0, end: 0 })));
      await this.log.store.saveTopic(topic);
      this.log.topicStates.set(spec.name, topic);
    });
    this.log.topicChanged(spec.name);
  }

  async setTopicConfig(name: string, config: TopicConfig): Promise<void> {
    this.log.checkWritable();
    await this.log.writer.alone(async () => {
      const topic = this.log.state(name);
      const before = topic.config;
      topic.config = { ...before, ...config };
      try { await this.log.store.saveTopic(topic); } catch (error) { topic.config = before; throw error; }
    });
  }

  async addPartitions(name: string, total: number): Promise<void> {
    this.log.checkWritable();
    checkPartitions(name, total);
    await this.log.writer.alone(async () => {
      const topic = this.log.state(name);
      const before = topic.partitions.length;
      if (total <= before) throw new ConfabError('CONFAB_LOG_REFUSED', { detail: `${name} has ${before} partitions; ${total} is not more` });
      while (topic.partitions.length < total) topic.addPartition(0, 0);
      try { await this.log.store.saveTopic(topic); } catch (error) { topic.partitions.length = before; throw error; }
    });
    this.log.topicChanged(name);
  }

  async deleteTopic(name: string): Promise<void> {
    this.log.checkWritable();
    await this.log.writer.alone(async () => {
      const topic = this.log.state(name);
      await this.log.store.deleteTopic(topic);
      topic.deleted = true;
      this.log.topicStates.delete(name);
      this.log.offsets.forgetTopic(name);
    });
    this.log.topicChanged(name);
  }

  async bounds(topic: string): Promise<(TopicPartition & { start: number; end: number })[]> {
    this.log.checkOpen();
    return this.log.state(topic).partitions.map(({ number, start, end }) => ({ topic, partition: number, start, end }));
  }

  async offsetAt(topic: string, partition: number, timestamp: number): Promise<number> {
    this.log.checkOpen();
    const state = this.log.partition(topic, partition);
    return this.log.store.offsetAt(state, timestamp) ?? state.end;
  }

  async groups(): Promise<string[]> {
    this.log.checkOpen();
    return this.log.groupNames();
  }

  async committed(group: string, topic: string): Promise<CommittedOffset[]> {
    this.log.checkOpen();
    return this.log.state(topic).partitions.map(({ number }) => this.log.committedBy(group, topic, number));
  }

  async setCommitted(group: string, offsets: readonly OffsetToCommit[]): Promise<void> {
    this.log.checkWritable();
    checkOffsets(offsets, this.log);
    await this.log.writer.submit((batch) => {
      if ((this.log.group(group)?.size ?? 0) > 0) throw new ConfabError('CONFAB_LOG_REFUSED', { detail: `group ${group} has members; stop them first` });
      batch.offsets.push(...offsets.map((offset) => ({ ...offset, group })));
    });
  }
}

function checkPartitions(name: string, partitions: number): void {
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > MAX_PARTITIONS) {
    throw new ConfabError('CONFAB_LOG_REFUSED', { detail: `${name}: ${partitions} partitions; 1 to ${MAX_PARTITIONS} are possible` });
  }
}
