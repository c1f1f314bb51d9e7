/**
 * One partition of an audit: a merge of its topics along the positions of messages. messages.v1 is read ahead only as far as
 * a record of another topic needs, so that what is held in memory is what was under way at that time, not what is kept.
 */
import type { Clock } from '../../platform/clock.js';
import type { EventLog, LogRecord } from '../../platform/event-log/event-log.js';
import type { Codec } from '../../schemas/codec.js';
import { topicName, type RecordOf, type TopicName } from '../../topology/topology.js';
import { AnalyticsJudge } from './analytics.js';
import { COUNTS, Findings, type AuditCounts, type Finding, type FindingKind } from './finding.js';
import { floorsOf, SKEW, type Floors } from './floors.js';
import { Judge } from './judge.js';
import { Ledger } from './ledger.js';
import { LetterJudge } from './letters.js';
import { isOdd, isOpen, MARK, Marks } from './marks.js';
import type { NameLimits } from './names.js';
import { OrderJudge } from './order.js';
import { orderByShares } from './order-shares.js';
import { Repeats } from './repeats.js';
import { Source, type SourceOptions, type Value } from './source.js';
import type { Audited, Spans } from './spans.js';

/** Bounds of what is held in memory; smaller ones only in tests. */
export interface AuditLimits {
  /** Conversations of which order is judged in one pass. */
  readonly conversations?: number;
  readonly names?: NameLimits;
  /** Bytes of marks. */
  readonly marks?: number;
  /** Pages of marks that stay plain. */
  readonly pages?: number;
  /** Offsets of a page. */
  readonly page?: number;
  readonly counts?: number;
}

/** Pages that stay plain in an audit that goes on: they are looked through each time. */
const LIVE_PAGES = 4;
const MARK_BYTES = 64 * 1024 * 1024;

export interface PartitionOptions {
  readonly log: EventLog;
  readonly codec: Codec;
  readonly clock: Clock;
  readonly prefix: string;
  readonly partition: number;
  readonly partitions: number;
  readonly epoch: string;
  /** Only messages accepted since, milliseconds. */
  readonly since?: number;
  readonly patience: number;
  readonly most: number;
  readonly limits?: AuditLimits;
  readonly signal?: AbortSignal;
  /** Set when it goes on for ever: hears each finding as it becomes certain, and when a message that was told got its outcome. */
  readonly live?: { onFinding(finding: Finding): void; onLate(message: LateAnswer): void };
}

export interface LateAnswer { readonly kind: FindingKind; readonly partition: number; readonly position: string; readonly key: string | null; readonly afterMillis: number }

export interface PartitionResult { readonly counts: AuditCounts; readonly found: readonly Findings[] }

/** A topic that follows messages.v1. */
interface Follower {
  readonly source: Source<TopicName>;
  /** Takes what it can of the batch; true when all of it. */
  run(): boolean;
}

export class PartitionAudit {
  private readonly findings: Findings;
  private readonly ledger: Ledger;
  private readonly orderFindings: Findings;
  private readonly orderLedger: Ledger;
  private readonly order: OrderJudge;
  private readonly letters: LetterJudge;
  private readonly analytics: AnalyticsJudge;
  private readonly repeats: Repeats;
  private readonly judge: Judge;
  private readonly messages: Source<'messages.v1'>;
  private readonly followers: Follower[];
  private spans: Spans;
  private floors: Floors | undefined;

  private constructor(private readonly options: PartitionOptions, spans: Spans, private readonly from: Readonly<Record<Audited, number>>) {
    const { limits = {}, live, most } = options;
    const base = from['messages.v1'];
    const marks = new Marks(base, limits.pages ?? (live === undefined ? undefined : LIVE_PAGES), limits.page);
    this.spans = spans;
    this.findings = new Findings(most, live === undefined ? undefined : (finding) => { live.onFinding(finding); });
    this.orderFindings = live === undefined ? new Findings(most) : this.findings;
    this.ledger = new Ledger({ ...options, findings: this.findings, marks });
    this.orderLedger = new Ledger({ ...options, findings: this.orderFindings, marks });
    this.order = new OrderJudge(this.orderLedger, { ...limits, endless: live !== undefined });
    this.letters = new LetterJudge(this.ledger, from['dead-letters.v1'], (message, { early }, record) => { this.judge.letter(message, early, record); });
    this.analytics = new AnalyticsJudge(this.ledger, limits.counts);
    this.repeats = new Repeats(this.ledger, live === undefined ? spans.of['messages.v1'].end - base : Infinity, limits.names);
    this.judge = new Judge({
      ledger: this.ledger, order: this.order, letters: this.letters, analytics: this.analytics, repeats: this.repeats, patience: options.patience, endless: live !== undefined,
      onLate: (message, kind, record) => { this.late(message, kind, record); },
    });
    this.messages = new Source(this.sourceOptions, 'messages.v1', base);
    this.followers = this.makeFollowers();
  }

  /** `spans`: as far as it is read at first. @throws CONFAB_LOG_UNAVAILABLE */
  static async begin(options: PartitionOptions, spans: Spans): Promise<PartitionAudit> {
    const { log, prefix, partition, since } = options;
    const at = async (topic: Audited, time: number | undefined): Promise<number> => Math.max(spans.of[topic].start, time === undefined ? 0 : await log.admin.offsetAt(topicName(prefix, topic), partition, time));
    const after = since === undefined ? undefined : since - SKEW;
    const from = {
      'messages.v1': await at('messages.v1', since), 'intents.v1': await at('intents.v1', after), 'replies.v1': await at('replies.v1', after), 'dead-letters.v1': await at('dead-letters.v1', after),
      'dialogue-states.v1': await at('dialogue-states.v1', after), 'deliveries.v1': await at('deliveries.v1', after), 'timers.v1': spans.of['timers.v1'].start, 'analytics.v1': spans.of['analytics.v1'].start,
    };
    return new PartitionAudit(options, spans, from);
  }

  /** Reads up to the ends. `now`: as of which ages count. */
  async advance(spans: Spans, now: number): Promise<void> {
    this.spans = spans;
    this.ledger.end = Math.max(this.from['messages.v1'], spans.of['messages.v1'].end);
    this.judge.spans = spans;
    this.judge.now = now;
    this.order.goOn();
    this.messages.extend(spans.of['messages.v1'].end);
    for (const { source } of this.followers) source.extend(spans.of[source.topic as Audited].end);
    await this.merge();
    this.judge.grow();
  }

  /** Something is open for too long, or odd: it can be judged once the ends are settled. */
  get isDue(): boolean {
    const { marks } = this.ledger;
    return this.repeats.suspects || marks.openPages().some((page) => {
      for (const [, mark] of marks.eachOf(page)) if (isOdd(mark) || (isOpen(mark) && (mark & MARK.young) === 0)) return true;
      return false;
    });
  }

  /** Says what is certain so far; ends must have been settled when they were read. Of what goes on. */
  async judgeNow(): Promise<void> {
    await this.repeats.confirm(this.sourceOptions, this.from['messages.v1'], this.spans.of['messages.v1'].end);
    await this.sweep();
  }

  /** Says what is missing. After it the audit is over. */
  async finish(): Promise<void> {
    const { since, live } = this.options;
    this.floors = await floorsOf({ ...this.sourceOptions, now: this.judge.now }, this.from['messages.v1']);
    const end = this.spans.of['messages.v1'].end;
    if (live === undefined) await this.repeats.confirm(this.sourceOptions, this.from['messages.v1'], end);
    await this.sweep();
    this.judge.overdue();
    const kept = Math.max(since === undefined ? -Infinity : since, await this.keptSince());
    this.letters.finish(kept + SKEW);
    await this.answer();
    if (this.order.overfull) await orderByShares({ ...this.sourceOptions, ledger: this.orderLedger, findings: this.orderFindings, most: this.options.most, limits: this.options.limits ?? {}, spans: this.spans, from: this.from, floors: this.floors });
    else { this.order.finish(this.floors); await this.answer(); }
    await this.analytics.judge(this.sourceOptions, this.spans.of['analytics.v1'], Math.max(this.floors.counted, since === undefined ? -Infinity : since + SKEW));
    await this.answer();
    await this.close();
  }

  /** What was counted so far, findings included. */
  get counts(): AuditCounts {
    const counts = { ...this.ledger.counts };
    for (const name of COUNTS) counts[name] += this.orderLedger.counts[name];
    for (const { source } of [{ source: this.messages }, ...this.followers]) { counts.records += source.count; counts.bytes += source.bytes; }
    return counts;
  }

  /** Messages that were told to have no outcome, and have none yet; of what goes on. */
  get told(): number { return this.judge.toldOpen; }

  /** What is left of it once it is over: no marks and no tables. */
  get result(): PartitionResult {
    return { counts: this.counts, found: this.orderFindings === this.findings ? [this.findings] : [this.findings, this.orderFindings] };
  }

  async close(): Promise<void> {
    await this.messages.close();
    for (const { source } of this.followers) await source.close();
  }

  private get sourceOptions(): SourceOptions {
    const { log, codec, prefix, partition, signal } = this.options;
    return { log, codec, prefix, partition, ...(signal === undefined ? {} : { signal }) };
  }

  private async merge(): Promise<void> {
    const { messages, judge, ledger, letters, order } = this;
    for (let more = true; ;) {
      for (const follower of this.followers) {
        while (await follower.source.load()) {
          const all = follower.run();
          await this.answer();
          if (!all) break;
        }
      }
      // Once more when there are no messages left: what waited for the last of them goes on.
      if (!more) return;
      more = await messages.load();
      for (; messages.at < messages.records.length; messages.at += 1) judge.message(messages.records[messages.at] as LogRecord, messages.values[messages.at]);
      await this.answer();
      ledger.marks.pack(messages.passed);
      order.pack(messages.passed);
      letters.pack();
      await this.forget();
    }
  }

  /** More marks than may be held: what is oldest is judged now. */
  private async forget(): Promise<void> {
    const { marks } = this.ledger;
    while (marks.bytes > (this.options.limits?.marks ?? MARK_BYTES) && marks.oldest !== undefined) {
      const { oldest } = marks;
      this.floors ??= await floorsOf({ ...this.sourceOptions, now: this.judge.now }, this.from['messages.v1']);
      this.judge.sweep(marks.eachOf(oldest), this.floors);
      marks.forget(oldest);
      await this.answer();
    }
  }

  private async sweep(): Promise<void> {
    const { marks, counts } = this.ledger;
    this.floors ??= await floorsOf({ ...this.sourceOptions, now: this.judge.now }, this.from['messages.v1']);
    counts.pending = 0;
    counts.expired = 0;
    for (const page of marks.openPages()) {
      this.judge.sweep(marks.eachOf(page), this.floors);
      marks.packPage(page);
      await this.answer();
    }
  }

  private async answer(): Promise<void> {
    if (this.ledger.asks) await this.ledger.answer();
    if (this.orderLedger.asks) await this.orderLedger.answer();
  }

  /** Time of the first message that is kept; −Infinity when none was ever removed. */
  private async keptSince(): Promise<number> {
    const { log, prefix, partition } = this.options;
    const { start, end } = this.spans.of['messages.v1'];
    if (start === 0) return -Infinity;
    for await (const { records } of log.read(topicName(prefix, 'messages.v1'), partition, start, end)) if (records[0] !== undefined) return records[0].timestamp;
    return Infinity;
  }

  private makeFollowers(): Follower[] {
    const { judge, ledger, letters, order } = this;
    const at = <T extends TopicName>(topic: T, position: (value: RecordOf<T>) => string) => (record: LogRecord, value: NonNullable<Value<T>>): number | undefined => ledger.messageAt(position(value), topic, record);
    return [
      this.follow('intents.v1', at('intents.v1', (value) => value.position), (record, value, message) => { if (message !== undefined) judge.intent(message, record, value); }),
      this.follow('replies.v1', at('replies.v1', (value) => value.position), (record, value, message) => { judge.reply(message, record, value); }),
      this.follow('dead-letters.v1', (record, value) => letters.messageOf(value, record), (record, value, message) => {
        if (value.closes === null && value.stage === 'analytics') this.analytics.letter(record);
        letters.letter(value, record, message);
      }),
      this.follow('dialogue-states.v1', at('dialogue-states.v1', (value) => value.reflects), (record, value, message) => { if (message !== undefined) judge.state(message, record, value); }, (record) => { order.noState(record); }),
      this.follow('deliveries.v1', at('deliveries.v1', (value) => value.position), (record, value, message) => { if (message !== undefined) judge.delivery(message, record, value); }),
      this.follow('timers.v1', at('timers.v1', (value) => value.setBy), (record, value, message) => { judge.timer(message, record, value); }, (record) => { judge.timer(undefined, record, null); }),
    ];
  }

  /** `place`: the message that a record is about, which must have been read before; `take`: judges the record. */
  private follow<T extends TopicName>(
    topic: T & Audited, place: (record: LogRecord, value: NonNullable<Value<T>>) => number | undefined,
    take: (record: LogRecord, value: NonNullable<Value<T>>, message: number | undefined) => void, removed: (record: LogRecord) => void = () => undefined,
  ): Follower {
    const source = new Source(this.sourceOptions, topic, this.from[topic]);
    let placed: { message: number | undefined } | undefined;
    const run = (): boolean => {
      for (; source.at < source.records.length; source.at += 1) {
        const record = source.records[source.at] as LogRecord;
        const value = source.values[source.at];
        if (value === null) removed(record);
        else if (value === undefined) this.judge.unreadable(topic, record);
        else {
          placed ??= { message: place(record, value) };
          const { message } = placed;
          if (message !== undefined && message < this.ledger.end && message >= this.messages.passed) return false;
          take(record, value, message);
          placed = undefined;
        }
      }
      return true;
    };
    return { source: source, run };
  }

  private late(message: number, kind: FindingKind, record: LogRecord): void {
    this.findings.withdraw(kind);
    this.options.live?.onLate({ kind, partition: this.options.partition, position: this.ledger.positionOf(message), key: record.key, afterMillis: this.options.clock.now() - record.timestamp });
  }
}
