/** What the sections of the benchmark stand on: topics of their own, egress nodes, a writer of replies, a load generator. */
import { randomBytes } from 'node:crypto';
import { systemClock } from '../../platform/clock.js';
import { openKafkaLog } from '../../platform/event-log/kafkajs.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { groupName, topicName } from '../../topology/topology.js';
import { BenchmarkError, progress } from '../lib/benchmark.js';
import { nodeOptionsOf } from '../lib/node-options.js';
import { nextMessage, Processes, type Running } from '../lib/processes.js';
import { needServers, type Server } from '../lib/servers.js';
import { makeTopics, removeKeys, removeTopics, withAdmin } from '../lib/topics.js';
import type { FromLoad, StreamLoadReport, StreamLoadSettings, ToLoad } from './load-settings.js';
import { ReplyWriter } from './reply-writer.js';

export const SECRET = 'a key of the benchmark, longer than 32 bytes';

/** Every section leaves nothing behind. */
export class Setup {
  readonly prefix = `bench-${randomBytes(4).toString('hex')}.`;
  readonly processes = new Processes();
  private readonly writers: ReplyWriter[] = [];

  private constructor(readonly servers: { readonly kafka: Server; readonly redis: Server } | undefined) {}

  /** `shared`: on Kafka and Redis, with topics of its own. */
  static async with<T>(shared: boolean, run: (setup: Setup) => Promise<T>): Promise<T> {
    const setup = new Setup(shared ? await needServers('kafka', 'redis') : undefined);
    try {
      if (setup.servers !== undefined) await makeTopics(setup.servers.kafka.address, setup.prefix);
      return await run(setup);
    } finally { await setup.close(); }
  }

  get settings(): NodeJS.ProcessEnv {
    const { kafka, redis } = this.servers ?? {};
    return { CONFAB_KAFKA_BROKERS: kafka?.address, CONFAB_REDIS_URL: redis?.address, CONFAB_PREFIX: this.prefix, CONFAB_AUTH_SECRET: SECRET };
  }

  /** A process of the role egress, which asks for tokens, with the options of docker-compose.yml. */
  startNode(name: string, more: NodeJS.ProcessEnv = {}): Promise<Running> {
    return this.processes.startConfab(name, ['--role', 'egress'], { ...nodeOptionsOf('egress'), ...this.settings, ...more });
  }

  async openWriter(): Promise<ReplyWriter> {
    const { kafka } = this.servers ?? {};
    if (kafka === undefined) throw new Error('there is no Kafka in this section');
    const log = await openKafkaLog({ brokers: kafka.address.split(','), clientId: 'bench-writer', clock: systemClock, logger: silentLogger });
    const writer = await ReplyWriter.open(log, this.prefix);
    this.writers.push(writer);
    return writer;
  }

  /** What is in the log by now is no work for the nodes of this run: as if egress had sent it to sockets long ago. */
  async passWritten(): Promise<void> {
    const { kafka } = this.servers ?? {};
    if (kafka === undefined) throw new Error('there is no Kafka in this section');
    await withAdmin(kafka.address, async (admin) => {
      for (const name of ['replies.v1', 'dead-letters.v1'] as const) {
        const topic = topicName(this.prefix, name);
        const ends = await admin.fetchTopicOffsets(topic);
        await admin.setOffsets({ groupId: groupName(this.prefix, 'egress'), topic, partitions: ends.map(({ partition, high }) => ({ partition, offset: high })) });
      }
    });
  }

  /** Resolves when every socket follows its conversation. */
  async startLoad(settings: Partial<StreamLoadSettings> & Pick<StreamLoadSettings, 'urls' | 'sockets'>): Promise<Load> {
    const load = this.newLoad(settings);
    const began = performance.now();
    await nextMessage(load.running, 'ready');
    progress(`${load.settings.sockets} sockets after ${Math.round(performance.now() - began)} ms`);
    return load;
  }

  /** Its sockets come when it is told to connect. */
  async holdLoad(settings: Partial<StreamLoadSettings> & Pick<StreamLoadSettings, 'urls' | 'sockets'>): Promise<Load> {
    const load = this.newLoad({ ...settings, held: true });
    await nextMessage(load.running, 'held');
    return load;
  }

  private newLoad(settings: Partial<StreamLoadSettings> & Pick<StreamLoadSettings, 'urls' | 'sockets'>): Load {
    const all: StreamLoadSettings = { name: 'c-', shared: false, secret: SECRET, slow: 0, arrivals: false, held: false, ...settings };
    return new Load(this.processes.start('load', 'benchmarks/egress/load-process.js', [JSON.stringify(all)], {}), all);
  }

  private async close(): Promise<void> {
    for (const writer of this.writers) await writer.close().catch(() => { /* the figures are there */ });
    await this.processes.stopAll();
    if (this.servers === undefined) return;
    await removeTopics(this.servers.kafka.address, this.prefix);
    await removeKeys(this.servers.redis.address, this.prefix);
  }
}

type Of<K extends FromLoad['type']> = Extract<FromLoad, { type: K }>;

/** The load generator as a section sees it. */
export class Load {
  constructor(readonly running: Running, readonly settings: StreamLoadSettings) {}

  tell(message: ToLoad): void { this.running.child.send(message); }

  /** Of a load that is held; resolves when every socket follows its conversation. */
  async connect(): Promise<void> {
    const ready = nextMessage(this.running, 'ready');
    this.tell({ type: 'connect' });
    await ready;
  }

  /** Call it before what brings the replies; resolves at the `total`-th. */
  expect(total: number, what: string, seconds = 60): Promise<Of<'reached'>> {
    const reached = nextMessage<Of<'reached'>>(this.running, 'reached');
    this.tell({ type: 'expect', total });
    return within(reached, seconds, async () => `${what}: not all of ${total} replies came; ${JSON.stringify(await this.report())}`);
  }

  async report(): Promise<StreamLoadReport> {
    const report = nextMessage<Of<'report'>>(this.running, 'report');
    this.tell({ type: 'report' });
    return (await report).report;
  }

  /** Ends the process; its sockets are gone then. */
  async end(): Promise<void> {
    const exited = new Promise<void>((resolve) => { this.running.child.once('exit', () => { resolve(); }); });
    this.tell({ type: 'end' });
    await exited;
  }

  onArrivals(take: (arrivals: readonly number[]) => void): void {
    this.running.child.on('message', (message: FromLoad) => { if (message.type === 'arrivals') take(message.arrivals); });
  }
}

async function within<T>(promise: Promise<T>, seconds: number, fault: () => Promise<string>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => { void fault().then((line) => { reject(new BenchmarkError(line)); }, reject); }, seconds * 1000);
  });
  try { return await Promise.race([promise, late]); } finally { clearTimeout(timer); }
}

/** @throws when a reply was lost, repeated or out of order */
export function checkReport(what: string, report: StreamLoadReport, written: number): void {
  if (report.skipped > 0 || report.repeated > 0 || report.unrecovered > 0 || report.newest !== written) {
    throw new BenchmarkError(`${what}: ${written} written, ${report.newest} reached their sockets, ${report.skipped} left out, ${report.repeated} repeated, ${report.unrecovered} subscriptions not recovered; closes ${JSON.stringify(report.closes)}`);
  }
}
