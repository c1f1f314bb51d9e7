/**
 * Fetches started partitions, one request in flight a broker, and hands batches on. A paused partition is left out of the
 * requests; what had already come for it is kept and handed on when it is resumed.
 */
import type { Clock } from '../../clock.js';
import { ConfabError, toConfabError } from '../../errors.js';
import { batchEnd } from '../batch-limits.js';
import type { LogRecord, RecordBatch, TopicPartition } from '../event-log.js';
import { NoAnswer, type Network } from '../kafkajs-protocol.js';
import { KafkaCode, refusal, STALE_LEADER } from './codes.js';
import { byTopic, type Directory } from './directory.js';
import { decodeBatches } from './record-decoder.js';
import { fetch, type Fetched } from './requests-fetch.js';

export interface FetcherOptions {
  readonly network: Network;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly maxWaitMillis: number;
  /** How long the brokers may gather what is not much, instead of answering at once. */
  readonly gatherMillis?: number;
  /** Of one answer. */
  readonly maxBytes: number;
  readonly maxBatchBytes: number;
  readonly maxBatchRecords: number;
  records(batch: RecordBatch): void;
  /** It cannot go on; it has stopped. */
  failed(error: ConfabError): void;
}

interface Place {
  readonly topic: string;
  readonly partition: number;
  /** Where the next fetch begins. */
  offset: number;
  paused: boolean;
  /** Fetched, not handed on. */
  held: RecordBatch[];
}

const PAUSE_MILLIS = 50;
/** That brokers hand over at once although more may be gathered. */
const ENOUGH_BYTES = 262_144;

export class Fetcher {
  private readonly places = new Map<string, Place>();
  private readonly loops = new Map<number, Promise<void>>();
  private readonly stopping = new AbortController();
  private wake: () => void = () => undefined;
  private woken: Promise<void> = new Promise((resolve) => { this.wake = resolve; });
  private turn = 0;
  private spreading: Promise<void> | undefined;

  constructor(private readonly options: FetcherOptions) {}

  start(offsets: readonly (TopicPartition & { offset: number })[]): void {
    for (const { topic, partition, offset } of offsets) this.places.set(`${topic}/${partition}`, { topic, partition, offset, paused: false, held: [] });
    void this.spread();
  }

  pause(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const place = this.places.get(`${topic}/${partition}`);
      if (place) place.paused = true;
    }
  }

  resume(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      const place = this.places.get(`${topic}/${partition}`);
      if (place?.paused !== true) continue;
      place.paused = false;
      if (place.held.length > 0) queueMicrotask(() => { this.guard(() => { this.hand(place); }); });
    }
    this.ring();
  }

  /** Nothing is handed on from now; resolves when the last request has ended. */
  async stop(): Promise<void> {
    if (!this.stopping.signal.aborted) this.stopping.abort(new ConfabError('CONFAB_CLOSED', { detail: 'the fetcher is stopped' }));
    this.places.clear();
    this.ring();
    await Promise.all(this.loops.values());
  }

  private get stopped(): boolean { return this.stopping.signal.aborted; }

  private ring(): void {
    this.wake();
    this.woken = new Promise((resolve) => { this.wake = resolve; });
  }

  private spread(): Promise<void> {
    this.spreading ??= this.spreadOut().then((whole) => {
      this.spreading = undefined;
      // A partition without a leader: no loop asks for it, so nobody else would look again.
      if (!whole && !this.stopped) void this.pauseShortly().then(() => { void this.spread(); });
    });
    return this.spreading;
  }

  /** One loop for each broker that leads a partition. False when a partition has no leader now. */
  private async spreadOut(): Promise<boolean> {
    while (!this.stopped) {
      try {
        for (const topic of new Set([...this.places.values()].map((place) => place.topic))) await this.options.directory.topic(topic);
        break;
      } catch (error) {
        if (!(error instanceof NoAnswer) && !(error instanceof ConfabError && error.retryable)) { this.fail(toConfabError(error)); return true; }
        await this.pauseShortly();
      }
    }
    if (this.stopped) return true;
    for (const place of this.places.values()) {
      const node = this.leader(place);
      if (node >= 0 && !this.loops.has(node)) this.loops.set(node, this.run(node).finally(() => { this.loops.delete(node); }));
    }
    this.ring();
    return ![...this.places.values()].some((place) => this.leader(place) < 0);
  }

  private leader({ topic, partition }: Place): number {
    return this.options.directory.cached(topic)?.leaders[partition] ?? -1;
  }

  private async run(node: number): Promise<void> {
    while (!this.stopped) {
      const { woken } = this;
      const mine = this.wanted(node);
      if (mine.length === 0) { await woken; continue; }
      try {
        const { maxWaitMillis, gatherMillis = 0, maxBytes, maxBatchBytes } = this.options;
        const wait = gatherMillis > 0 ? { maxWaitMillis: gatherMillis, minBytes: ENOUGH_BYTES } : { maxWaitMillis, minBytes: 1 };
        const limits = { ...wait, maxBytes, maxPartitionBytes: maxBatchBytes };
        const asked = new Map(mine.map((place) => [`${place.topic}/${place.partition}`, { place, offset: place.offset }]));
        const answer = await this.options.network.send(node, fetch(limits, byTopic(mine, ({ partition, offset }) => ({ partition, offset }))));
        if (this.stopped) return;
        if (answer.code !== KafkaCode.NONE) throw refusal(answer.code, 'fetch');
        await this.take(answer.partitions, asked);
      } catch (error) {
        if (this.stopped) return;
        if (!(error instanceof NoAnswer)) { this.fail(toConfabError(error)); return; }
        for (const { topic } of mine) this.options.directory.forget(topic);
        await this.pauseShortly();
        await this.spread();
      }
    }
  }

  /** The order changes each time, so that no partition always comes last within the bytes of an answer. */
  private wanted(node: number): Place[] {
    const found: Place[] = [];
    let unknown = false;
    for (const place of this.places.values()) {
      if (place.paused || place.held.length > 0) continue;
      const leader = this.leader(place);
      if (leader === node) found.push(place);
      else if (leader < 0 || !this.loops.has(leader)) unknown = true;
    }
    if (unknown) void this.spread();
    if (found.length < 2) return found;
    this.turn = (this.turn + 1) % found.length;
    return [...found.slice(this.turn), ...found.slice(0, this.turn)];
  }

  private async take(answers: readonly Fetched[], asked: ReadonlyMap<string, { place: Place; offset: number }>): Promise<void> {
    const nothing = answers.every(({ bytes }) => bytes.length === 0);
    let stale = false;
    for (const answer of answers) {
      const key = `${answer.topic}/${answer.partition}`;
      const question = asked.get(key);
      if (!question || this.places.get(key) !== question.place || question.place.offset !== question.offset) continue;
      if (answer.code === KafkaCode.OFFSET_OUT_OF_RANGE) throw new ConfabError('CONFAB_OFFSET_OUT_OF_RANGE', { detail: `${key} at ${question.offset}` });
      if (STALE_LEADER.has(answer.code)) { this.options.directory.forget(answer.topic); stale = true; continue; }
      if (answer.code !== KafkaCode.NONE) throw refusal(answer.code, key);
      this.decode(question.place, answer, nothing);
      this.hand(question.place);
      if (this.stopped) return;
    }
    if (stale) { await this.pauseShortly(); await this.spread(); }
  }

  private decode(place: Place, answer: Fetched, nothing: boolean): void {
    const { records, nextOffset: passed } = decodeBatches(answer.bytes, place.offset, answer.aborted);
    // An answer without any bytes although committed offsets follow: they were all removed.
    const nextOffset = nothing && answer.stableEnd > place.offset ? answer.stableEnd : passed;
    if (nextOffset === place.offset) return;
    place.offset = nextOffset;
    const batch = (list: readonly LogRecord[], next: number): RecordBatch => ({ topic: place.topic, partition: place.partition, records: list, nextOffset: next, endOffset: answer.highWatermark });
    let from = 0;
    while (from < records.length) {
      const to = batchEnd(records, from, { maxRecords: this.options.maxBatchRecords, maxBytes: this.options.maxBatchBytes });
      const last = to === records.length;
      place.held.push(batch(from === 0 && last ? records : records.slice(from, to), last ? nextOffset : (records[to - 1] as LogRecord).offset + 1));
      from = to;
    }
    if (records.length === 0) place.held.push(batch(records, nextOffset));
  }

  private hand(place: Place): void {
    const key = `${place.topic}/${place.partition}`;
    while (!place.paused && !this.stopped && this.places.get(key) === place) {
      const next = place.held.shift();
      if (!next) return;
      this.options.records(next);
    }
  }

  private guard(run: () => void): void {
    try {
      run();
      this.ring();
    } catch (error) {
      this.fail(toConfabError(error));
    }
  }

  private fail(error: ConfabError): void {
    if (this.stopped) return;
    void this.stop();
    this.options.failed(error);
  }

  private async pauseShortly(): Promise<void> {
    await this.options.clock.sleep(PAUSE_MILLIS, this.stopping.signal).catch(() => undefined);
  }
}
