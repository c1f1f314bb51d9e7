/**
 * What a process has in hand of its partitions: which it owns, what was read and is not committed, and when reading stops.
 *
 * Back-pressure: a partition whose window is full is paused, and all are while the inputs in memory exceed their bytes; the
 * membership lives on meanwhile. Before a window is full, whoever fills it is put off (postponed.ts).
 */
import type { Clock } from '../../platform/clock.js';
import { DEFAULT_TENANT } from '../../platform/conversation-key.js';
import type { Assignment, EventLog, RecordBatch } from '../../platform/event-log/event-log.js';
import { isCode } from '../../platform/errors.js';
import type { Logger } from '../../platform/observability/logger.js';
import { CatchUp } from './catch-up.js';
import type { FormedGroup } from './commit-group.js';
import type { Inputs } from './inputs.js';
import type { PartitionShare } from './partition-share.js';
import { CONVERSATION_QUOTA, heavyFlows } from './postponed.js';
import type { RunnerMetrics } from './runner-metrics.js';
import { TenantNames } from './tenants.js';
import { MAX_WINDOW_LOAD } from './window.js';
import type { Work } from './work.js';

export interface InFlightOptions {
  readonly log: EventLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: RunnerMetrics;
  readonly inputs: Inputs;
  /** Bytes of inputs in flight in this process. Default 64 MiB. */
  readonly maxBytes?: number;
  /** Whether records may be put off: not where a partition is worked on in offset order. */
  readonly fair: boolean;
  /** They are in the windows of their shares. */
  readonly onInputs: (works: readonly Work[]) => void;
}

const MAX_BYTES = 64 * 1024 * 1024;
/** While backlogs are put off the others may go beyond the bound by this. */
const OTHERS = 1.25;

const BY_RECORDS = { weigh: () => 1, least: CONVERSATION_QUOTA };

interface Owned { readonly share: PartitionShare; readonly catchUp: CatchUp }

export class InFlight {
  private readonly owned = new Map<string, Owned>();
  private readonly tenants = new TenantNames();
  private severalTenants = false;
  private assignment: Assignment | undefined;
  private bytes = 0;
  private readonly maxBytes: number;

  constructor(private readonly options: InFlightOptions) {
    this.maxBytes = options.maxBytes ?? MAX_BYTES;
  }

  get shares(): readonly PartitionShare[] { return [...this.owned.values()].map(({ share }) => share); }

  share(topic: string, partition: number): PartitionShare | undefined { return this.owned.get(`${topic}/${partition}`)?.share; }

  /** Lag in offsets. */
  get lag(): number {
    let lag = 0;
    for (const { share } of this.owned.values()) lag += Math.max(0, share.endOffset - share.committed.offset);
    return lag;
  }

  /** Inputs in memory hold partitions back. */
  get isHeavy(): boolean { return this.bytes > this.maxBytes / 2; }

  /** Since when the log has not answered what was put off, monotonic: the longest. */
  get readsAgainSince(): number | undefined {
    let since: number | undefined;
    for (const { catchUp } of this.owned.values()) if (catchUp.waitsSince !== undefined) since = Math.min(since ?? Infinity, catchUp.waitsSince);
    return since;
  }

  own(share: PartitionShare): void {
    const { log, clock, logger, inputs } = this.options;
    const catchUp = new CatchUp({
      share, log, clock, logger,
      hasRoom: () => !this.isHeavy,
      work: (record) => inputs.work(share, record),
      taken: (works) => { for (const work of works) this.weigh(share, sizeOf(work)); this.options.onInputs(works); },
    });
    this.owned.set(`${share.topic}/${share.partition}`, { share, catchUp });
  }

  release(share: PartitionShare, reason: string): void {
    share.leave(reason);
    this.bytes -= share.bytes;
    this.owned.delete(`${share.topic}/${share.partition}`);
  }

  releaseAll(reason: string): void { for (const share of this.shares) this.release(share, reason); }

  /** Fetching is about to start: the first batches may come before whoever starts it hears so. */
  follow(assignment: Assignment): void { this.assignment = assignment; }

  /** Fetching has started: what was at its bound stays paused. */
  steer(assignment: Assignment): void {
    for (const { share } of this.owned.values()) if (share.paused) assignment.pause([share]);
    // What has left may have been all that filled the bound: nothing else would wake the partitions that waited.
    this.unthrottle();
  }

  /** Takes a batch of the log; returns at once. */
  read(batch: RecordBatch): void {
    const share = this.share(batch.topic, batch.partition);
    if (share === undefined) return;
    share.endOffset = batch.endOffset;
    share.batches += 1;
    const before = { load: share.window.load, bytes: this.bytes };
    const works = share.postponed.size === 0 ? this.takeAll(share, batch) : this.takeOthers(share, batch);
    let bytes = 0;
    for (const work of works) bytes += sizeOf(work);
    this.weigh(share, bytes);
    share.window.cover(batch.nextOffset);
    if (works.length > 0) this.options.onInputs(works);
    if (this.options.fair) this.postponeHeavy(share, before, batch);
    this.throttle(share);
  }

  /** A commit was decided: what it holds leaves. */
  committed(group: FormedGroup): void {
    for (const { share, offset, runs } of group.offsets) { share.committed = { offset, runs }; share.window.settle(); }
    for (const { work } of group.finished) if (!work.share.gone) this.weigh(work.share, -sizeOf(work));
    this.unthrottle();
    for (const { share, catchUp } of this.owned.values()) if (share.postponed.size > 0) catchUp.wake();
  }

  private takeAll(share: PartitionShare, { records }: RecordBatch): Work[] {
    const { window } = share;
    const works: Work[] = [];
    for (const record of records) {
      if (window.isDone(record.offset)) { window.pass(); continue; }
      const work = this.options.inputs.work(share, record);
      window.add(work);
      works.push(work);
    }
    this.options.metrics.read(records.length, records.length - works.length, 0);
    return works;
  }

  /** Of flows only the offsets are taken. */
  private takeOthers(share: PartitionShare, { records }: RecordBatch): Work[] {
    const { window, postponed } = share;
    const works: Work[] = [];
    let later = 0;
    for (const record of records) {
      if (window.isDone(record.offset)) { window.pass(); continue; }
      const flow = postponed.of(record.key ?? '');
      if (flow !== undefined) {
        if (flow.from === flow.until) flow.from = record.offset;
        flow.until = record.offset + 1;
        window.postpone(record.offset);
        later += 1;
        continue;
      }
      const work = this.options.inputs.work(share, record);
      window.add(work);
      works.push(work);
    }
    this.options.metrics.read(records.length, records.length - works.length - later, later);
    return works;
  }

  private weigh(share: PartitionShare, bytes: number): void {
    share.bytes += bytes;
    this.bytes += bytes;
  }

  /** When a window is half full, and again when it is full: looks who fills it. */
  private postponeHeavy(share: PartitionShare, before: { readonly load: number; readonly bytes: number }, { records }: RecordBatch): void {
    this.noticeTenants(records[0]?.key, records.at(-1)?.key);
    const { window, postponed } = share;
    const byRecords = window.load >= MAX_WINDOW_LOAD / 2 && (before.load < MAX_WINDOW_LOAD / 2 || window.isFull);
    const byBytes = this.bytes >= this.maxBytes / 2 && (before.bytes < this.maxBytes / 2 || this.bytes >= this.maxBytes);
    if (!byRecords && !byBytes) return;
    for (const name of heavyFlows(window.records, byRecords ? BY_RECORDS : { weigh: sizeOf, least: this.maxBytes / 16 }, this.severalTenants)) {
      if (postponed.of(`${name}/`) !== undefined || postponed.of(name) !== undefined) continue;
      postponed.begin(name, window.nextOffset);
      this.options.logger.debug({ topic: share.topic, partition: share.partition, flow: name }, 'a backlog is put off: others go before it');
    }
  }

  private noticeTenants(...keys: (string | null | undefined)[]): void {
    if (this.severalTenants) return;
    for (const key of keys) if (key !== null && key !== undefined && this.tenants.of(key) !== DEFAULT_TENANT) this.severalTenants = true;
  }

  private throttle(share: PartitionShare): void {
    if (share.paused || this.assignment === undefined) return;
    if (!share.window.isFull && this.bytes < this.maxBytes * (share.postponed.size > 0 ? OTHERS : 1)) return;
    share.paused = true;
    this.tell((assignment) => { assignment.pause([share]); });
  }

  private unthrottle(): void {
    if (this.isHeavy) return;
    const free = this.shares.filter((share) => share.paused && share.window.hasRoom);
    if (free.length === 0) return;
    for (const share of free) share.paused = false;
    this.tell((assignment) => { assignment.resume(free); });
  }

  /** Pauses or resumes. When the generation has just ended there is nothing to steer: the next take-over sets it anew. */
  private tell(change: (assignment: Assignment) => void): void {
    try {
      if (this.assignment !== undefined) change(this.assignment);
    } catch (error) {
      if (!isCode(error, 'CONFAB_FENCED')) throw error;
    }
  }
}

function sizeOf(work: Work): number { return work.rawValue?.length ?? 0; }
