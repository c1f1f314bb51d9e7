/**
 * Reads again what was put off in a partition (postponed.ts), as the earlier records of its flows leave memory. What one
 * answer of the log holds is kept until it is used up, so that a flow costs about one more reading of the log.
 */
import type { Clock } from '../../platform/clock.js';
import type { EventLog, LogRecord } from '../../platform/event-log/event-log.js';
import type { Logger } from '../../platform/observability/logger.js';
import type { PartitionShare } from './partition-share.js';
import { CONVERSATION_QUOTA, type Flow } from './postponed.js';
import type { Work } from './work.js';

export interface CatchUpOptions {
  readonly share: PartitionShare;
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** False while no more bytes may come into memory. */
  readonly hasRoom: () => boolean;
  readonly work: (record: LogRecord) => Work;
  /** They are in the window now: on with them. */
  readonly taken: (works: readonly Work[]) => void;
}

interface Held { readonly records: readonly LogRecord[]; readonly from: number; readonly to: number }

/** Records looked at in one go: nothing else runs meanwhile. */
const CHUNK = 1000;
const PAUSE = 1000;

export class CatchUp {
  private held: Held | undefined;
  /** Since when the log has not answered, monotonic. */
  private asked: number | undefined;
  private running = false;

  constructor(private readonly options: CatchUpOptions) {}

  get waitsSince(): number | undefined { return this.asked; }

  /** Some records have left memory: there may be room for others. */
  wake(): void {
    if (this.running || this.options.share.postponed.size === 0) return;
    this.running = true;
    void this.run().finally(() => { this.running = false; });
  }

  private async run(): Promise<void> {
    const { share, clock, logger } = this.options;
    for (let flow = this.next(); flow !== undefined && !share.gone; flow = this.next()) {
      try {
        const held = await this.reach(flow.from);
        if (held === undefined || share.gone) return;
        this.held = held;
        this.use(held, flow.from);
      } catch (error) {
        logger.warn({ err: error, topic: share.topic, partition: share.partition }, 'what was put off cannot be read: trying again');
        await clock.sleep(PAUSE);
      }
    }
  }

  /**
   * The flow to go on with: the one that is furthest behind of those that have room. A flow ends when it is caught up and has
   * little in memory: one that has just begun, or pauses for breath, would fill the window again before it is looked at.
   */
  private next(): Flow | undefined {
    const { share: { postponed, window }, hasRoom } = this.options;
    const counts = this.counts(window.records);
    let first: Flow | undefined;
    for (const flow of [...postponed]) {
      // By halves: not a look for every record that leaves.
      if ((counts.get(flow) ?? 0) > postponed.quota(flow) / 2) continue;
      if (flow.from >= flow.until) postponed.end(flow);
      else if (first === undefined || flow.from < first.from) first = flow;
    }
    if (postponed.size === 0) this.held = undefined;
    return hasRoom() ? first : undefined;
  }

  private counts(records: readonly Work[]): Map<Flow, number> {
    const counts = new Map<Flow, number>();
    for (const { key } of records) {
      const flow = this.options.share.postponed.of(key);
      if (flow !== undefined) counts.set(flow, (counts.get(flow) ?? 0) + 1);
    }
    return counts;
  }

  /** What the log has from an offset on. Undefined when there is nothing. */
  private async reach(from: number): Promise<Held | undefined> {
    const { share, log, clock } = this.options;
    if (this.held !== undefined && from >= this.held.from && from < this.held.to) return this.held;
    this.held = undefined;
    this.asked = clock.monotonic();
    try {
      for await (const { records, nextOffset } of log.read(share.topic, share.partition, from, share.window.nextOffset)) return { records, from, to: nextOffset };
      return undefined;
    } finally { this.asked = undefined; }
  }

  /** Takes what has its turn of a part of `held` into memory, and leaves the rest put off. */
  private use(held: Held, from: number): void {
    const { share: { postponed, window }, work, taken } = this.options;
    const begin = lowerBound(held.records, from);
    const part = held.records.slice(begin, begin + CHUNK);
    const to = begin + CHUNK < held.records.length ? (held.records[begin + CHUNK] as LogRecord).offset : held.to;
    const turn = new Turn(this.options.share, from, this.counts(window.records));
    const works: Work[] = [];
    const kept: number[] = [];
    for (const record of part) {
      if (!window.isPostponed(record.offset)) continue;
      if (turn.admits(record)) works.push(work(record)); else kept.push(record.offset);
    }
    window.readAgain(from, to, works, kept);
    for (const flow of postponed) if (turn.passed(flow)) flow.from = Math.max(flow.from, to);
    if (works.length > 0) taken(works);
  }
}

/** One pass over a stretch of the log: which of its records may come into memory. */
class Turn {
  /** Flows that have no room, or whose earlier records lie before the stretch. */
  private readonly blocked = new Set<Flow>();
  private readonly byKey = new Map<string, number>();

  constructor(private readonly share: PartitionShare, private readonly start: number, private readonly counts: Map<Flow, number>) {
    for (const { key } of share.window.records) this.byKey.set(key, (this.byKey.get(key) ?? 0) + 1);
    for (const flow of share.postponed) if (flow.from < start) this.blocked.add(flow);
  }

  admits({ offset, key: rawKey }: LogRecord): boolean {
    const key = rawKey ?? '';
    const { postponed, window } = this.share;
    let flow = postponed.of(key);
    if (flow === undefined) return true;
    if (this.blocked.has(flow)) return false;
    const count = this.byKey.get(key) ?? 0;
    if (flow.name !== key && count >= CONVERSATION_QUOTA) {
      // One conversation of the tenant has its share: it goes on by itself, and the tenant's others before it.
      flow = postponed.begin(key, offset);
      flow.until = window.nextOffset;
      this.counts.set(flow, count);
    }
    if ((this.counts.get(flow) ?? 0) >= postponed.quota(flow)) { flow.from = offset; this.blocked.add(flow); return false; }
    this.counts.set(flow, (this.counts.get(flow) ?? 0) + 1);
    this.byKey.set(key, count + 1);
    return true;
  }

  /** All that the stretch had of the flow is in memory. */
  passed(flow: Flow): boolean { return flow.from >= this.start && !this.blocked.has(flow); }
}

function lowerBound(records: readonly LogRecord[], offset: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((records[middle] as LogRecord).offset < offset) low = middle + 1; else high = middle;
  }
  return low;
}
