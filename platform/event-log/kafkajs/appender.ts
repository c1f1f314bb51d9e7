/**
 * Idempotent appends. One send in flight: while it runs, the next calls gather. A call has a deadline: one that could not
 * be sent until then was not written, one that was sent and has no answer may have been.
 */
import type { Clock, Timer } from '../../clock.js';
import { ConfabError, toConfabError } from '../../errors.js';
import type { Logger } from '../../observability/logger.js';
import { partitionOf } from '../../partitioner.js';
import type { AppendedOffsets, Appender, NewRecord } from '../event-log.js';
import { NoAnswer, type Network } from '../kafkajs-protocol.js';
import { codeName, KafkaCode, LOST_PRODUCER, refusal } from './codes.js';
import type { Directory, Topic } from './directory.js';
import type { KafkaMetrics } from './metrics.js';
import type { Batch} from './producer.js';
import { Batcher, halves, Producer, without, type Policy } from './producer.js';
import { boundOf, recordBytes } from './record-encoder.js';
import { initProducerId } from './requests-transaction.js';

export interface AppenderOptions {
  readonly network: Network;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: KafkaMetrics;
  readonly maxRecordBytes: number;
  readonly maxBatchBytes: number;
  readonly maxRequestBytes: number;
  /** A call that has no result after this long fails. */
  readonly timeoutMillis: number;
  /** Records of one partition after which a new identity is taken; for tests. */
  readonly lastSequence?: number;
}

interface Call {
  readonly records: readonly NewRecord[];
  readonly offsets: number[];
  readonly deadline: number;
  readonly bytes: number;
  /** Records without a result. */
  left: number;
  settled: boolean;
  resolve(offsets: AppendedOffsets): void;
  reject(error: ConfabError): void;
}

interface Ref { readonly call: Call; readonly index: number }

const RECORDS_A_SEND = 4_000;
const BYTES_A_SEND = 8_388_608;
/** What may wait while the log is away; more is refused at once. */
const BYTES_WAITING = 67_108_864;
const PAUSE_MILLIS = 50;

export class KafkaAppender implements Appender {
  private queue: Call[] = [];
  private active: Call[] = [];
  private batches: Batch<Ref>[] = [];
  private waitingBytes = 0;
  private producer: Producer | undefined;
  private running: Promise<void> | undefined;
  private timer: Timer | undefined;
  private closed = false;
  private closing: Promise<void> | undefined;
  /** Bytes of a batch that a topic was seen to refuse: smaller ones from then on. */
  private readonly limits = new Map<string, number>();

  constructor(private readonly options: AppenderOptions, private readonly onClose: () => void) {}

  append(records: readonly NewRecord[]): Promise<AppendedOffsets> {
    if (this.closed) return Promise.reject(new ConfabError('CONFAB_CLOSED', { detail: 'the appender is closed' }));
    if (records.length === 0) return Promise.resolve([]);
    let bytes = 0;
    for (const record of records) {
      const bound = boundOf(record);
      if (bound > this.options.maxRecordBytes && recordBytes(record) > this.options.maxRecordBytes) return Promise.reject(tooLarge(record, this.options.maxRecordBytes));
      bytes += bound;
    }
    if (this.waitingBytes + bytes > BYTES_WAITING && this.waitingBytes > 0) return Promise.reject(new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: 'too much waits for the log' }));
    return new Promise((resolve, reject) => {
      const deadline = this.options.clock.monotonic() + this.options.timeoutMillis;
      this.queue.push({ records, offsets: new Array<number>(records.length), deadline, bytes, left: records.length, settled: false, resolve, reject });
      this.waitingBytes += bytes;
      this.watch();
      this.start();
    });
  }

  /** Calls of the same turn go together. */
  private start(): void {
    this.running ??= Promise.resolve().then(() => this.run()).finally(() => {
      this.running = undefined;
      if (this.queue.length > 0) this.start();
    });
  }

  close(): Promise<void> {
    this.closed = true;
    this.closing ??= (async () => {
      while (this.running) await this.running;
      this.timer?.cancel();
      await this.options.network.close();
      this.onClose();
    })();
    return this.closing;
  }

  private async run(): Promise<void> {
    while (this.queue.length > 0) {
      let producer: Producer;
      let calls: Call[];
      try {
        producer = await this.ready();
        calls = this.take();
        await this.lookUp(calls);
      } catch (error) {
        if (!(error instanceof NoAnswer) && !(error instanceof ConfabError && error.retryable)) this.failAll(toConfabError(error, 'CONFAB_LOG_UNAVAILABLE'));
        else await this.options.clock.sleep(PAUSE_MILLIS);
        continue;
      }
      await this.send(producer, calls);
    }
  }

  private async ready(): Promise<Producer> {
    if (this.producer && !this.producer.worn) return this.producer;
    const { network, directory, clock } = this.options;
    const { code, producerId, epoch } = await network.send('any', initProducerId(null, 0));
    if (code !== KafkaCode.NONE) throw refusal(code, 'a producer id');
    return this.producer = new Producer({ transactionalId: null, producerId, epoch }, { network, directory, clock }, this.options.lastSequence);
  }

  /** The calls of the next send; they stay in the queue until their topics are known. */
  private take(): Call[] {
    let records = 0;
    let bytes = 0;
    const end = this.queue.findIndex((call, index) => {
      records += call.records.length;
      bytes += call.bytes;
      return index > 0 && (records > RECORDS_A_SEND || bytes > BYTES_A_SEND);
    });
    return this.queue.slice(0, end < 0 ? this.queue.length : end);
  }

  /** @throws NoAnswer nothing is known yet; calls to topics that do not exist have failed then */
  private async lookUp(calls: readonly Call[]): Promise<void> {
    const topics = new Set<string>();
    for (const call of calls) for (const { topic } of call.records) topics.add(topic);
    for (const topic of topics) {
      if (this.options.directory.cached(topic)) continue;
      try {
        await this.options.directory.topic(topic);
      } catch (error) {
        if (!(error instanceof ConfabError) || error.retryable) throw error;
        for (const call of calls) if (call.records.some((record) => record.topic === topic)) this.fail(call, error);
      }
    }
  }

  private async send(producer: Producer, taken: readonly Call[]): Promise<void> {
    const { maxBatchBytes, maxRequestBytes } = this.options;
    const batcher = new Batcher<Ref>((topic) => this.limits.get(topic) ?? maxBatchBytes);
    const calls = taken.filter((call) => !call.settled);
    this.queue.splice(0, this.queue.findIndex((call) => call === taken.at(-1)) + 1);
    this.active = calls;
    for (const call of calls) this.place(call, batcher);
    this.batches = batcher.batches;
    const started = this.options.clock.monotonic();
    try {
      await producer.send(batcher.batches, maxRequestBytes, this.policy);
    } catch (error) {
      producer.worn = true;
      const cause = toConfabError(error, 'CONFAB_LOG_OUTCOME_UNKNOWN');
      for (const call of calls) this.fail(call, cause);
    }
    this.options.metrics.sent(calls.reduce((sum, call) => sum + call.records.length - call.left, 0), (this.options.clock.monotonic() - started) / 1_000);
    if (producer.worn) {
      this.options.logger.debug({ producerId: producer.identity.producerId }, 'a new producer identity is taken');
      if (this.batches.some((batch) => batch.sent)) this.options.network.renew();
    }
    this.active = [];
    this.batches = [];
  }

  private place(call: Call, batcher: Batcher<Ref>): void {
    const { directory } = this.options;
    // Most calls are about one topic: it is looked up once.
    let topic: Topic | undefined;
    let name: string | undefined;
    const partitions = new Array<number>(call.records.length);
    for (let index = 0; index < call.records.length; index += 1) {
      const record = call.records[index] as NewRecord;
      if (record.topic !== name) { name = record.topic; topic = directory.cached(name); }
      const partition = record.partition ?? (record.key === null ? 0 : partitionOf(record.key, topic === undefined ? 1 : directory.spread(topic)));
      if (topic !== undefined && partition >= topic.leaders.length) {
        this.fail(call, new ConfabError('CONFAB_PARTITION_UNKNOWN', { detail: `${record.topic}/${partition}` }));
        return;
      }
      partitions[index] = partition;
    }
    call.records.forEach((record, index) => { batcher.add(record, partitions[index] as number, { call, index }); });
  }

  private readonly policy: Policy<Ref> = {
    written: (batch, baseOffset) => {
      batch.refs.forEach(({ call, index }, at) => {
        call.offsets[index] = baseOffset + at;
        call.left -= 1;
        if (call.left === 0) this.finish(call);
      });
    },
    refused: (batch, code, records) => this.keep(batch, this.refused(batch, code, records)),
    again: (batch, reason) => {
      if (this.options.clock.monotonic() >= Math.min(...batch.refs.map(({ call }) => call.deadline))) this.expire();
      // What was never sent must not be sent any more once its call was told that nothing was written.
      if (!batch.sent) return this.keep(batch, without(batch, ({ call }) => call.settled));
      if (batch.refs.some(({ call }) => !call.settled)) return [batch];
      this.options.logger.warn({ topic: batch.topic, partition: batch.partition, reason }, 'an append has no answer');
      return [];
    },
    stale: (batch) => batch.refs.some(({ call }) => call.settled),
    dropped: (batch) => {
      for (const { call } of batch.refs) this.fail(call, new ConfabError(this.partly(call) ? 'CONFAB_LOG_OUTCOME_UNKNOWN' : 'CONFAB_LOG_UNAVAILABLE', { detail: 'what was sent before it has no answer' }));
    },
  };

  private partly(call: Call): boolean {
    return call.left < call.records.length || this.batches.some((batch) => batch.sent && batch.refs.some((ref) => ref.call === call));
  }

  private keep(old: Batch<Ref>, rest: Batch<Ref>[]): Batch<Ref>[] {
    this.batches = this.batches.filter((batch) => batch !== old).concat(rest);
    return rest;
  }

  /** Fails the calls that are the reason and returns the others' records. */
  private refused(batch: Batch<Ref>, code: number, records: readonly number[]): Batch<Ref>[] {
    const detail = `${batch.topic}/${batch.partition}`;
    if (batch.sent) {
      // A repetition was refused (by now too old, say); the first try had no answer and may have been written.
      for (const { call } of batch.refs) this.fail(call, new ConfabError('CONFAB_LOG_OUTCOME_UNKNOWN', { detail: `${detail}: ${codeName(code)}` }));
      return [];
    }
    const size = batch.encoded?.length ?? batch.bytes;
    const large = code === KafkaCode.MESSAGE_TOO_LARGE || code === KafkaCode.RECORD_LIST_TOO_LARGE;
    if (large && batch.records.length > 1) this.limits.set(batch.topic, Math.min(this.limits.get(batch.topic) ?? Infinity, Math.max(1_024, size >> 1)));
    const about = records.length === 0 && (large || code === KafkaCode.INVALID_TIMESTAMP || code === KafkaCode.INVALID_RECORD);
    const parts = about ? halves(batch) : undefined;
    if (parts) return parts;
    // The producer, not the caller, is what the broker does not know any more: a new one is taken for the next call.
    const error = LOST_PRODUCER.has(code) ? new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: `${detail}: ${codeName(code)}` }) : refusal(code, detail);
    for (const at of records.length === 0 ? batch.records.keys() : records) {
      const ref = batch.refs[at];
      if (ref) this.fail(ref.call, error);
    }
    return records.length === 0 ? [] : without(batch, ({ call }) => call.settled);
  }

  private finish(call: Call): void {
    if (call.settled) return;
    call.settled = true;
    this.waitingBytes -= call.bytes;
    call.resolve(call.offsets);
  }

  private fail(call: Call, error: ConfabError): void {
    if (call.settled) return;
    call.settled = true;
    this.waitingBytes -= call.bytes;
    this.options.metrics.appendFailed(error.code);
    call.reject(error);
  }

  private failAll(error: ConfabError): void {
    for (const call of this.queue) this.fail(call, error);
    this.queue = [];
  }

  /** Calls are in the order of their deadlines. */
  private watch(): void {
    if (this.timer) return;
    const first = this.active.find((call) => !call.settled) ?? this.queue[0];
    if (!first) return;
    this.timer = this.options.clock.after(Math.max(1, first.deadline - this.options.clock.monotonic()), () => {
      this.timer = undefined;
      this.expire();
      this.watch();
    });
  }

  private expire(): void {
    const now = this.options.clock.monotonic();
    for (const call of this.active) {
      if (call.settled || call.deadline > now) continue;
      this.fail(call, new ConfabError(this.partly(call) ? 'CONFAB_LOG_OUTCOME_UNKNOWN' : 'CONFAB_LOG_UNAVAILABLE', { detail: 'Kafka gave no answer in time' }));
    }
    while (this.queue[0] && (this.queue[0].settled || this.queue[0].deadline <= now)) {
      this.fail(this.queue.shift() as Call, new ConfabError('CONFAB_LOG_UNAVAILABLE', { detail: 'Kafka cannot be reached' }));
    }
  }
}

function tooLarge(record: NewRecord, most: number): ConfabError {
  return new ConfabError('CONFAB_RECORD_TOO_LARGE', { detail: `a record for ${record.topic} has ${recordBytes(record)} bytes, the log takes ${most}` });
}
