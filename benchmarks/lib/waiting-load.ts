/** Topics, load and measuring for a stage that waits (load/waiting-stage.ts), straight on the log. */
import { randomBytes } from 'node:crypto';
import { build, type Histogram } from 'hdr-histogram-js';
import { systemClock } from '../../platform/clock.js';
import type { Appender, EventLog, NewRecord } from '../../platform/event-log/event-log.js';
import { openKafkaLog } from '../../platform/event-log/kafkajs.js';
import { silentLogger } from '../../platform/observability/logger.js';
import { createMetrics } from '../../platform/observability/metrics.js';
import { systemRandom, ulidMaker } from '../../platform/random.js';
import { createLocalCodec } from '../../schemas/codec-local.js';
import { topicSpec } from '../../topology/topic-config.js';
import { topology, type TopicName } from '../../topology/topology.js';
import { BenchmarkError } from './benchmark.js';
import { textMessage } from './preload.js';
import { nextMessage, pause, Processes } from './processes.js';
import { removeTopics } from './topics.js';

export interface Latency { readonly p50Millis: number; readonly p99Millis: number; readonly measured: number }

/** What is due: `count` messages a second, the i-th of conversation `key(i)`, each waiting `millis`. */
export interface Flow { readonly perSecond: number; readonly key: (i: number) => string; readonly millis: number }

const newId = ulidMaker(systemClock, systemRandom);

export class WaitingBench {
  private readonly processes = new Processes();
  private readonly codec = createLocalCodec().of('Message');
  /** Id of a message that is measured → when it was due. */
  private readonly due = new Map<string, number>();
  private histogram: Histogram = newHistogram();
  /** Outcomes on the log. */
  answered = 0;
  private reading = true;

  private constructor(private readonly brokers: string, readonly prefix: string, private readonly log: EventLog, private readonly appender: Appender) {}

  /** Makes topics of `partitions` partitions, runs, and removes them. */
  static async with<T>(brokers: string, partitions: number, run: (bench: WaitingBench) => Promise<T>): Promise<T> {
    const prefix = `bench-${randomBytes(4).toString('hex')}.`;
    const log = await openKafkaLog({ brokers: brokers.split(','), clientId: 'bench-load', clock: systemClock, logger: silentLogger, metrics: createMetrics() });
    const names: TopicName[] = ['messages.v1', 'intents.v1', 'dead-letters.v1'];
    for (const name of names) await log.admin.createTopic(topicSpec(name, topology, { prefix, partitions }));
    const bench = new WaitingBench(brokers, prefix, log, await log.appender());
    const readers = Array.from({ length: partitions }, (_, partition) => bench.read(partition));
    try { return await run(bench); } finally {
      bench.reading = false;
      await Promise.allSettled(readers);
      await bench.processes.stopAll();
      await log.close();
      await removeTopics(brokers, prefix);
    }
  }

  async startStage(concurrency?: number): Promise<void> {
    const stage = this.processes.start('stage', 'benchmarks/load/waiting-stage.js', [this.brokers, this.prefix, ...(concurrency === undefined ? [] : [String(concurrency)])], {});
    await nextMessage(stage, 'ready');
  }

  async append(count: number, { key, millis }: Omit<Flow, 'perSecond'>): Promise<void> {
    for (let from = 0; from < count; from += 2000) {
      await this.appender.append(Array.from({ length: Math.min(2000, count - from) }, (_, i) => this.record(key(from + i), millis, newId())));
    }
  }

  /** Sends `flow` for so long, open loop, with `beside` at the same time, and measures `flow` from when each was due. */
  async measure(flow: Flow, seconds: number, beside?: Flow): Promise<Latency> {
    this.histogram = newHistogram();
    const began = performance.now();
    const sent = [0, 0];
    for (let now = began; now < began + seconds * 1000; now = performance.now()) {
      const records: NewRecord[] = [];
      for (const [which, one] of [flow, beside].entries()) {
        if (one === undefined) continue;
        for (let i = sent[which] ?? 0; began + i * 1000 / one.perSecond <= now; i += 1) {
          const id = newId();
          if (which === 0) this.due.set(id, began + i * 1000 / one.perSecond);
          records.push(this.record(one.key(i), one.millis, id));
          sent[which] = i + 1;
        }
      }
      if (records.length > 0) await this.appender.append(records);
      await pause(2);
    }
    // What is not answered is not left out: it counts with the time that it has waited for.
    for (const end = performance.now() + 60_000; this.due.size > 0 && performance.now() < end;) await pause(20);
    for (const due of this.due.values()) this.histogram.recordValue(Math.round((performance.now() - due) * 1000));
    this.due.clear();
    return { p50Millis: this.histogram.getValueAtPercentile(50) / 1000, p99Millis: this.histogram.getValueAtPercentile(99) / 1000, measured: this.histogram.totalCount };
  }

  async until(what: string, answered: number, seconds: number): Promise<void> {
    for (const end = performance.now() + seconds * 1000; this.answered < answered; await pause(5)) {
      if (performance.now() > end) throw new BenchmarkError(`${what}: ${this.answered} of ${answered} after ${seconds} s`);
    }
  }

  private record(key: string, millis: number, id: string): NewRecord {
    return { topic: `${this.prefix}messages.v1`, key, value: this.codec.encode(textMessage(id, String(millis), 'bench')), timestamp: systemClock.now() };
  }

  private async read(partition: number): Promise<void> {
    const codec = createLocalCodec().of('IntentDetected');
    for (let at = 0; this.reading; await pause(2)) {
      for await (const { records, nextOffset } of this.log.read(`${this.prefix}intents.v1`, partition, at)) {
        at = nextOffset;
        this.answered += records.length;
        if (this.due.size === 0) continue;
        const now = performance.now();
        for (const { value } of records) {
          const id = value === null ? '' : codec.decode(value).message.messageId;
          const due = this.due.get(id);
          if (due === undefined) continue;
          this.due.delete(id);
          this.histogram.recordValue(Math.max(1, Math.round((now - due) * 1000)));
        }
      }
    }
  }
}

function newHistogram(): Histogram {
  return build({ lowestDiscernibleValue: 1, highestTrackableValue: 600_000_000, numberOfSignificantValueDigits: 3 });
}
