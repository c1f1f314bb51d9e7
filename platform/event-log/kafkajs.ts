/**
 * Adapter of the event log port for Apache Kafka 2.8 and newer, on kafkajs as transport (docs/adr/0020, 0021, 0022).
 * Opening connects nothing: each part connects when it is first used, and again by itself after the brokers were away.
 */
import net from 'node:net';
import tls from 'node:tls';
import { Kafka, logLevel, type KafkaConfig } from 'kafkajs';
import type { Clock } from '../clock.js';
import { ConfabError } from '../errors.js';
import type { Logger } from '../observability/logger.js';
import type { Metrics } from '../observability/metrics.js';
import type { Appender, EventLog, GroupListener, GroupMember, GroupOptions, KeyedReader, LogAdmin, ReadRange, RecordBatch, TopicDescription } from './event-log.js';
import { Network } from './kafkajs-protocol.js';
import { KafkaAcls } from './kafkajs/acls.js';
import { KafkaAdmin, LazyAdmin } from './kafkajs/admin.js';
import { KafkaAppender } from './kafkajs/appender.js';
import { Coordinators, Directory, insist } from './kafkajs/directory.js';
import { kafkajsLog } from './kafkajs/logging.js';
import { KeySieve } from './kafkajs/key-sieve.js';
import { KafkaMember } from './kafkajs/member.js';
import { kafkaMetrics, noMetrics, type KafkaMetrics } from './kafkajs/metrics.js';
import { readPartition, settledEnd } from './kafkajs/reader.js';
import { Transactions } from './kafkajs/transactions.js';

export interface KafkaLogOptions {
  /** `host:port` of some brokers; the others are found through them. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** One log a registry. */
  readonly metrics?: Metrics;
  readonly ssl?: KafkaConfig['ssl'];
  readonly sasl?: KafkaConfig['sasl'];
  /** Key, value and headers of one record. Topics must take it: `max.message.bytes` is 1,048,588 by default. */
  readonly maxRecordBytes?: number;
  /** Records of one partition in one request; what a topic refuses is split further. */
  readonly maxBatchBytes?: number;
  readonly maxRequestBytes?: number;
  /** An append without a result after this long fails. */
  readonly appendTimeoutMillis?: number;
  /** Of new topics; the broker's default when left out. */
  readonly replicationFactor?: number;
  /** Where to connect instead of where a broker says it is: for tunnels and tests. */
  readonly resolve?: (host: string, port: number) => { host: string; port: number };
  readonly timings?: Partial<KafkaTimings>;
}

export interface KafkaTimings {
  /** The broker's least by default is 6 s. */
  readonly sessionTimeoutMillis: number;
  readonly heartbeatMillis: number;
  readonly rebalanceTimeoutMillis: number;
  readonly transactionTimeoutMillis: number;
  readonly requestTimeoutMillis: number;
  readonly maxWaitMillis: number;
}

const DEFAULTS = { maxRecordBytes: 1_000_000, maxBatchBytes: 1_000_000, maxRequestBytes: 16_777_216, appendTimeoutMillis: 1_500, replicationFactor: -1 };
const TIMINGS: KafkaTimings = {
  sessionTimeoutMillis: 6_000, heartbeatMillis: 500, rebalanceTimeoutMillis: 10_000, transactionTimeoutMillis: 10_000, requestTimeoutMillis: 5_000, maxWaitMillis: 50,
};
const CONNECTION_TIMEOUT_MILLIS = 1_000;
const KEEP_ALIVE_MILLIS = 60_000;
/** Of one answer. */
const FETCH_BYTES = 4_194_304;
/** For those who look for a few keys beside other work. */
const KEYED_FETCH_BYTES = 1_048_576;

export async function openKafkaLog(options: KafkaLogOptions): Promise<EventLog> {
  return new KafkaEventLog(options);
}

class KafkaEventLog implements EventLog {
  readonly kind = 'kafka';
  readonly maxRecordBytes: number;
  readonly acls: KafkaAcls;
  private readonly kafka: Kafka;
  private readonly kafkaAdmin: LazyAdmin;
  private readonly network: Network;
  private readonly directory: Directory;
  private readonly topics: KafkaAdmin;
  private readonly timings: KafkaTimings;
  private readonly metrics: KafkaMetrics;
  private readonly open = new Set<{ close(): Promise<void> }>();
  private closed = false;

  constructor(private readonly options: KafkaLogOptions) {
    const { clock } = options;
    this.maxRecordBytes = options.maxRecordBytes ?? DEFAULTS.maxRecordBytes;
    this.timings = { ...TIMINGS, ...options.timings };
    this.metrics = options.metrics ? kafkaMetrics(options.metrics) : noMetrics;
    this.kafka = new Kafka(kafkaConfig(options, this.timings));
    this.network = this.connections();
    this.directory = new Directory(this.network, clock, (error) => { options.logger.error({ err: error }, 'partitions were added to a topic: keys stay where they are, and nobody reads the new ones'); });
    this.kafkaAdmin = new LazyAdmin(this.kafka);
    this.acls = new KafkaAcls(this.kafkaAdmin);
    this.topics = new KafkaAdmin({
      admin: this.kafkaAdmin, network: this.network, directory: this.directory, coordinators: new Coordinators(this.network), clock,
      replicationFactor: options.replicationFactor ?? DEFAULTS.replicationFactor,
    });
  }

  get admin(): LogAdmin { this.refuseClosed(); return this.topics; }

  async appender(): Promise<Appender> {
    this.refuseClosed();
    const { clock, logger } = this.options;
    const appender: KafkaAppender = new KafkaAppender({
      network: this.connections(), directory: this.directory, clock, logger, metrics: this.metrics, ...this.sizes(),
      timeoutMillis: this.options.appendTimeoutMillis ?? DEFAULTS.appendTimeoutMillis,
    }, () => { this.open.delete(appender); });
    this.open.add(appender);
    return appender;
  }

  async join(options: GroupOptions, listener: GroupListener): Promise<GroupMember> {
    this.refuseClosed();
    const { clock, logger } = this.options;
    const { directory, timings } = this;
    for (const topic of options.topics) await insist(clock, () => directory.topic(topic));
    const work = this.connections();
    const coordinators = new Coordinators(work);
    const transactions = new Transactions({
      network: work, directory, coordinators, clock, group: options.group, metrics: this.metrics, transactionTimeoutMillis: timings.transactionTimeoutMillis, ...this.sizes(),
    });
    const member: KafkaMember = new KafkaMember(options, listener, {
      membership: this.connections(), work, directory, coordinators, transactions, clock, logger, metrics: this.metrics, times: timings, fetchBytes: FETCH_BYTES, maxWaitMillis: timings.maxWaitMillis,
    }, () => { this.open.delete(member); });
    this.open.add(member);
    return member;
  }

  async *read(topic: string, partition: number, from: number, to?: number): AsyncGenerator<RecordBatch> {
    this.refuseClosed();
    yield* readPartition({ network: this.network, directory: this.directory, clock: this.options.clock, fetchBytes: FETCH_BYTES }, { topic, partition, from, to });
  }

  get keyed(): KeyedReader {
    return { readKeys: (range, keys) => this.readKeys(range, keys) };
  }

  private async *readKeys(range: ReadRange, keys: ReadonlySet<string>): AsyncGenerator<RecordBatch> {
    this.refuseClosed();
    yield* readPartition({ network: this.network, directory: this.directory, clock: this.options.clock, fetchBytes: KEYED_FETCH_BYTES }, range, new KeySieve(keys));
  }

  async settledEnd(topic: string, partition: number): Promise<number> {
    this.refuseClosed();
    // An open transaction whose process has died is aborted by the broker after its time-out.
    return settledEnd({ network: this.network, directory: this.directory, clock: this.options.clock, fetchBytes: FETCH_BYTES }, topic, partition, this.timings.transactionTimeoutMillis + 5_000);
  }

  async topic(name: string): Promise<TopicDescription> {
    this.refuseClosed();
    return this.topics.topic(name);
  }

  async check(): Promise<void> {
    this.refuseClosed();
    try {
      await this.directory.some(['__consumer_offsets']);
    } catch (error) {
      throw error instanceof ConfabError ? error : new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: 'no broker answers', cause: error });
    }
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    await Promise.all([...this.open].map((each) => each.close()));
    await Promise.all([this.network.close(), this.kafkaAdmin.close()]);
  }

  private connections(): Network { return new Network(this.kafka, this.timings.requestTimeoutMillis); }

  private sizes(): { maxRecordBytes: number; maxBatchBytes: number; maxRequestBytes: number } {
    return {
      maxRecordBytes: this.maxRecordBytes,
      maxBatchBytes: this.options.maxBatchBytes ?? Math.max(DEFAULTS.maxBatchBytes, this.maxRecordBytes),
      maxRequestBytes: this.options.maxRequestBytes ?? DEFAULTS.maxRequestBytes,
    };
  }

  private refuseClosed(): void {
    if (this.closed) throw new ConfabError('CONFAB_CLOSED', { detail: 'the event log is closed' });
  }
}

function kafkaConfig(options: KafkaLogOptions, timings: KafkaTimings): KafkaConfig {
  const config: KafkaConfig = {
    brokers: [...options.brokers], clientId: options.clientId,
    connectionTimeout: CONNECTION_TIMEOUT_MILLIS, requestTimeout: timings.requestTimeoutMillis,
    retry: { initialRetryTime: 5, multiplier: 1.5, maxRetryTime: 200, retries: 8 },
    logLevel: logLevel.INFO, logCreator: kafkajsLog(options.logger, options.clock),
    // Small requests follow each other on one connection: they must not wait for each other's acknowledgement.
    socketFactory: ({ host, port, ssl, onConnect }) => {
      const target = options.resolve?.(host, port) ?? { host, port };
      // kafkajs's types say that `ssl` is there; without TLS it is not.
      const secure = ssl as tls.ConnectionOptions | undefined | null;
      const socket = secure ? tls.connect({ ...target, ...(net.isIP(host) ? {} : { servername: host }), ...secure }, onConnect) : net.connect(target, onConnect);
      return socket.setNoDelay(true).setKeepAlive(true, KEEP_ALIVE_MILLIS);
    },
  };
  if (options.ssl !== undefined) config.ssl = options.ssl;
  if (options.sasl !== undefined) config.sasl = options.sasl;
  return config;
}
