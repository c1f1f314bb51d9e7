/** Topics, offsets and groups of a Kafka cluster. */
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import type { Clock } from '../../clock.js';
import { ConfabError } from '../../errors.js';
import type { CommittedOffset, LogAdmin, OffsetToCommit, TopicConfig, TopicDescription, TopicPartition, TopicSpec } from '../event-log.js';
import { NoAnswer, type Network } from '../kafkajs-protocol.js';
import { fetchCommitted } from './assignment.js';
import { KafkaCode, LOST_PLACE, refusal } from './codes.js';
import { boundsOf, byTopic, insist, offsetsAt, type Coordinators, type Directory, type Topic } from './directory.js';
import { fromKafkajs } from './kafkajs-errors.js';
import { offsetCommit } from './requests-group.js';
import { LATEST, setTopicConfigs } from './requests-metadata.js';
import { Overdue, within } from './within.js';

const { ConfigResourceTypes, ConfigSource } = kafkajs;

/** The longest that one use of kafkajs's admin client may take, its own attempts and time-outs included. */
const PATIENCE_MILLIS = 15_000;

/** kafkajs's admin client, connected when it is first needed, and replaced when it says nothing any more. */
export class LazyAdmin {
  private connecting: Promise<Admin> | undefined;

  constructor(private readonly kafka: Pick<Kafka, 'admin'>, private readonly patienceMillis = PATIENCE_MILLIS) {}

  /** Errors of the catalogue come out. */
  async use<T>(detail: string, run: (admin: Admin) => Promise<T>): Promise<T> {
    const connecting = this.connecting ??= this.connect();
    try {
      return await within(this.patienceMillis, connecting.then(run));
    } catch (error) {
      if (error instanceof Overdue && this.connecting === connecting) {
        this.connecting = undefined;
        void connecting.then((admin) => admin.disconnect()).catch(() => undefined);
      }
      throw fromKafkajs(error, detail);
    }
  }

  private async connect(): Promise<Admin> {
    const admin = this.kafka.admin();
    try {
      await admin.connect();
      return admin;
    } catch (error) {
      this.connecting = undefined;
      throw error;
    }
  }

  async close(): Promise<void> {
    if (this.connecting === undefined) return;
    await within(this.patienceMillis, this.connecting.then((admin) => admin.disconnect())).catch(() => undefined);
  }
}

export interface AdminOptions {
  readonly admin: LazyAdmin;
  readonly network: Network;
  readonly directory: Directory;
  readonly coordinators: Coordinators;
  readonly clock: Clock;
  /** -1: the broker's default. */
  readonly replicationFactor: number;
}

const TIMEOUT_MILLIS = 5_000;
const PAUSE_MILLIS = 20;
const DESCRIBED_AT_ONCE = 100;

export class KafkaAdmin implements LogAdmin {
  constructor(private readonly options: AdminOptions) {}

  async topics(names?: readonly string[]): Promise<TopicDescription[]> {
    const { directory, clock } = this.options;
    const found = await insist(clock, () => names === undefined ? directory.all() : directory.some(names));
    return this.describe(found.filter((topic) => !topic.internal));
  }

  async topicNames(): Promise<string[]> {
    const { directory, clock } = this.options;
    return (await insist(clock, () => directory.all())).filter((topic) => !topic.internal).map((topic) => topic.name).sort();
  }

  /** What only one topic is asked for, anew. */
  async topic(name: string): Promise<TopicDescription> {
    const { directory, clock } = this.options;
    directory.forget(name);
    const [found] = await this.describe([await insist(clock, () => directory.topic(name))]);
    if (!found) throw new ConfabError('CONFAB_TOPIC_UNKNOWN', { detail: name });
    return found;
  }

  async createTopic({ name, partitions, config, replicas }: TopicSpec): Promise<void> {
    const configEntries = Object.entries(config).map(([key, value]) => ({ name: key, value }));
    const made = await this.options.admin.use(`creating ${name}`, (admin) => admin.createTopics({
      timeout: TIMEOUT_MILLIS, waitForLeaders: false,
      topics: [{ topic: name, numPartitions: partitions, replicationFactor: replicas ?? this.options.replicationFactor, configEntries }],
    }));
    if (!made) throw new ConfabError('CONFAB_TOPIC_EXISTS', { detail: name });
    await this.until(name, (topic) => topic?.leaders.length === partitions && !topic.leaders.includes(-1));
  }

  async setTopicConfig(name: string, config: TopicConfig): Promise<void> {
    const entries = Object.entries(config).map(([key, value]) => ({ name: key, value }));
    const { code, message } = await this.send(setTopicConfigs(name, entries));
    if (code !== KafkaCode.NONE) throw refusal(code, message ?? name);
  }

  async addPartitions(name: string, total: number): Promise<void> {
    await this.options.directory.topic(name);
    await this.options.admin.use(`adding partitions to ${name}`, (admin) => admin.createPartitions({ timeout: TIMEOUT_MILLIS, topicPartitions: [{ topic: name, count: total }] }));
    await this.until(name, (topic) => topic?.leaders.length === total && !topic.leaders.includes(-1));
  }

  async deleteTopic(name: string): Promise<void> {
    await this.topic(name);
    await this.options.admin.use(`deleting ${name}`, (admin) => admin.deleteTopics({ topics: [name], timeout: TIMEOUT_MILLIS }));
    await this.until(name, (topic) => topic === undefined);
  }

  async bounds(topic: string): Promise<(TopicPartition & { start: number; end: number })[]> {
    const { clock, network, directory } = this.options;
    return insist(clock, async () => {
      const { leaders } = await directory.topic(topic);
      return boundsOf(network, directory, leaders.map((_, partition) => ({ topic, partition })));
    });
  }

  async offsetAt(topic: string, partition: number, timestamp: number): Promise<number> {
    const { clock, network, directory } = this.options;
    const ask = (at: number): Promise<number> => insist(clock, async () => (await offsetsAt(network, directory, [{ topic, partition, timestamp: at }]))[0]?.offset ?? -1);
    const found = await ask(Math.max(0, timestamp));
    return found >= 0 ? found : ask(LATEST);
  }

  async groups(): Promise<string[]> {
    const { groups } = await this.options.admin.use('listing groups', (admin) => admin.listGroups());
    return groups.map(({ groupId }) => groupId).sort();
  }

  async committed(group: string, topic: string): Promise<CommittedOffset[]> {
    const { leaders } = await insist(this.options.clock, () => this.options.directory.topic(topic));
    return fetchCommitted(this.options, group, leaders.map((_, partition) => ({ topic, partition })), false);
  }

  async setCommitted(group: string, offsets: readonly OffsetToCommit[]): Promise<void> {
    const { network, coordinators, clock } = this.options;
    const topics = byTopic(offsets, ({ partition, offset, metadata }) => ({ partition, offset, metadata }));
    await insist(clock, async () => {
      const codes = await network.send(await coordinators.node('group', group), offsetCommit({ group, generation: -1, member: '' }, topics)).catch((error: unknown) => {
        coordinators.forget('group', group);
        throw error;
      });
      const bad = codes.find(({ code }) => code !== KafkaCode.NONE);
      if (!bad) return;
      coordinators.stale('group', group, bad.code);
      if (LOST_PLACE.has(bad.code)) throw new ConfabError('CONFAB_LOG_REFUSED', { detail: `the group ${group} has members; stop them first` });
      throw refusal(bad.code, group);
    });
  }

  private async describe(topics: readonly Topic[]): Promise<TopicDescription[]> {
    const configs = new Map<string, TopicConfig>();
    for (let at = 0; at < topics.length; at += DESCRIBED_AT_ONCE) {
      const resources = topics.slice(at, at + DESCRIBED_AT_ONCE).map(({ name }) => ({ type: ConfigResourceTypes.TOPIC, name }));
      const answer = await this.options.admin.use('describing topics', (admin) => admin.describeConfigs({ includeSynonyms: false, resources }));
      for (const { resourceName, configEntries } of answer.resources) {
        const own = configEntries.filter(({ configSource }) => configSource === ConfigSource.TOPIC_CONFIG);
        configs.set(resourceName, Object.fromEntries(own.map(({ configName, configValue }) => [configName, configValue])));
      }
    }
    return topics.map(({ name, id, leaders, replicas }) => ({ name, id, partitions: leaders.length, replicas, config: configs.get(name) ?? {} }));
  }

  private async until(name: string, reached: (topic: Topic | undefined) => boolean): Promise<void> {
    const { directory, clock } = this.options;
    const end = clock.monotonic() + TIMEOUT_MILLIS;
    for (;;) {
      directory.forget(name);
      const [topic] = await insist(clock, () => directory.some([name]));
      if (reached(topic)) return;
      if (clock.monotonic() > end) throw new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: `the brokers do not agree on ${name} yet` });
      await clock.sleep(PAUSE_MILLIS);
    }
  }

  private async send<T>(request: Parameters<Network['send']>[1] & { decode(input: never): T }): Promise<T> {
    try {
      return await this.options.network.send('any', request);
    } catch (error) {
      throw error instanceof NoAnswer ? new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: error.message, cause: error }) : error;
    }
  }
}
