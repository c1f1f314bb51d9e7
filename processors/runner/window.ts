/**
 * What a stage has read of one partition and not yet committed as one prefix.
 *
 * Records enter in offset order, are finished in any order, and leave once they are committed. A record may also be put
 * off: then only its offset stays here, and the record is read again when its turn comes (fairness: postponed.ts). The low
 * water is the first offset that is not finished: the offset to commit; what is finished beyond it goes into the runs.
 */
import { DoneOffsets, MAX_METADATA_LENGTH, encodeMetadata, sizeOfRuns } from './offset-metadata.js';
import { OffsetRanges } from './offset-ranges.js';

/** A record's place in a window. */
export interface Slot {
  readonly offset: number;
  done: boolean;
}

/**
 * Load of a full window: an upper bound of the bytes that its runs can come to, whatever is finished next. Records in memory
 * that stand together become at most one byte each, a stretch of them one more, a range that is put off three, and what a
 * former owner had done and nobody has passed counts as it is. 2,000, one batch beyond it and the second bytes of long runs
 * give at most about 3,700 of 4,000 characters.
 */
export const MAX_WINDOW_LOAD = 2000;
/** Offsets between low water and the last one read, at most: what a successor reads again to find what is open. */
export const MAX_WINDOW_SPAN = 32_768;
/** The same while records are put off: they are read again in any case. */
export const MAX_POSTPONED_SPAN = 1_048_576;

const RANGE_BYTES = 3;
const NOWHERE = -1;

export class Window<S extends Slot = Slot> {
  /** Ascending; the finished ones among them are not committed yet. */
  private slots: S[] = [];
  private readonly postponed = new OffsetRanges();
  /** Where the last record ended that was put off, while it is the last that was read; it may be in memory by now. */
  private tail = NOWHERE;
  private covered: number;
  /** Open runs that begin with a record in memory, and bytes of what the former owner had done further on: as last counted. */
  private pieces = 0;
  private readonly doneBefore: DoneOffsets;

  /** @param start the committed offset; `runs` what the former owner had done beyond it */
  constructor(start: number, runs: readonly number[] = []) {
    this.covered = start;
    this.doneBefore = new DoneOffsets(start, runs);
  }

  /** True for an offset that a former owner finished, or that was covered already: it must not be processed again. */
  isDone(offset: number): boolean {
    return offset < this.covered || this.doneBefore.has(offset);
  }

  /** Adds a record to be processed; offsets ascend. */
  add(slot: S): void {
    if (slot.offset > this.covered) this.pieces += 1;
    this.slots.push(slot);
    this.tail = NOWHERE;
    this.covered = slot.offset + 1;
  }

  /** Puts a record off; offsets ascend. What stands between it and the one before that was put off is nobody's. */
  postpone(offset: number): void {
    this.postponed.append(offset, this.tail);
    this.tail = offset + 1;
    this.covered = offset + 1;
  }

  /** A record that is done already was passed. */
  pass(): void { this.tail = NOWHERE; }

  isPostponed(offset: number): boolean { return this.postponed.has(offset); }

  get firstPostponed(): number | undefined { return this.postponed.first; }

  /** [from, to) was read again: `taken` (ascending) are in memory now, `kept` are still put off, the rest are gaps. */
  readAgain(from: number, to: number, taken: readonly S[], kept: readonly number[]): void {
    this.postponed.retain(from, to, kept);
    if (taken.length > 0) this.slots = merged(this.slots, taken);
  }

  /** Everything before `offset` has been read (gaps and skipped records included). */
  cover(offset: number): void {
    if (offset > this.covered) this.covered = offset;
  }

  /** Records in memory. */
  get size(): number { return this.slots.length; }

  get records(): readonly S[] { return this.slots; }

  /** See MAX_WINDOW_LOAD. */
  get load(): number { return this.slots.length + RANGE_BYTES * this.postponed.count + this.pieces; }

  /** With nothing in memory nothing would ever make room. */
  get isFull(): boolean {
    return (this.load >= MAX_WINDOW_LOAD && this.slots.length > 0) || this.span >= (this.postponed.first === undefined ? MAX_WINDOW_SPAN : MAX_POSTPONED_SPAN);
  }

  /** There is room for some batches again. */
  get hasRoom(): boolean {
    return (this.load < MAX_WINDOW_LOAD * (this.postponed.first === undefined ? 0.5 : 0.8) || this.slots.length === 0) && this.span < (this.postponed.first === undefined ? MAX_WINDOW_SPAN : MAX_POSTPONED_SPAN) * 0.9;
  }

  private get span(): number { return this.covered - this.lowWater; }

  /** Where reading goes on. */
  get nextOffset(): number { return this.covered; }

  /** First offset that is not finished. */
  get lowWater(): number {
    return Math.min(this.firstOpen?.offset ?? this.covered, this.postponed.first ?? this.covered);
  }

  /** The first record in memory that is not finished. */
  get firstOpen(): S | undefined {
    let at = 0;
    while (this.slots[at]?.done === true) at += 1;
    return this.slots[at];
  }

  /** Lengths of alternating open and done runs from the low water on; empty when nothing beyond it is done. */
  runs(): number[] {
    const runs = new Runs(this.lowWater);
    const later = this.postponed.all;
    let next = 0;
    let stretches = 0;
    for (const slot of this.slots) {
      for (let range = later[next]; range !== undefined && range.from < slot.offset; range = later[++next]) runs.open(range.from, range.to);
      if (!slot.done && runs.open(slot.offset, slot.offset + 1)) stretches += 1;
    }
    for (let range = later[next]; range !== undefined; range = later[++next]) runs.open(range.from, range.to);
    runs.doneTo(this.covered);
    const before = runs.count;
    // What the former owner had done and nobody has read since stays done, also when this owner hands on at once.
    for (const { from, to } of this.doneBefore.after(this.covered)) { runs.openTo(from); runs.doneTo(to); }
    const lengths = runs.lengths();
    this.pieces = stretches + sizeOfRuns(lengths.slice(before));
    return lengths;
  }

  /** What to commit now: the low water, what is done beyond it, and both as metadata under the name of `instance`. */
  commitPoint(instance: string): { readonly offset: number; readonly runs: readonly number[]; readonly metadata: string } {
    let runs = this.runs();
    let metadata = encodeMetadata({ instance, runs });
    while (metadata.length > MAX_METADATA_LENGTH) {
      // Only where a gap follows every record of a full window; a restart repeats what is left out, which stages with state refuse.
      runs = runs.slice(0, Math.floor(runs.length * 0.9));
      metadata = encodeMetadata({ instance, runs });
    }
    return { offset: this.lowWater, runs, metadata };
  }

  /**
   * What is finished was committed and leaves, wherever it stands: a slot holds its record, and a conversation that waits
   * for long must not keep in memory what was done behind it. Until then a finished slot may become open again.
   */
  settle(): void {
    const { slots } = this;
    let kept = 0;
    for (const slot of slots) if (!slot.done) slots[kept++] = slot;
    slots.length = kept;
  }
}

/** Alternating runs, open first, from an offset on. */
class Runs {
  private readonly runs: number[] = [];
  private isOpen = true;
  private length = 0;

  constructor(private at: number) {}

  get count(): number { return this.runs.length; }

  /** [from, to) is open; what lies between is done. True when a run begins with it. */
  open(from: number, to: number): boolean {
    const begins = from > this.at || (this.length === 0 && this.runs.length === 0);
    this.doneTo(from);
    this.openTo(to);
    return begins;
  }

  openTo(to: number): void { this.extend(true, to); }

  doneTo(to: number): void { this.extend(false, to); }

  /** Without a last run that is open. */
  lengths(): number[] {
    if (!this.isOpen) this.runs.push(this.length);
    return this.runs;
  }

  private extend(isOpen: boolean, to: number): void {
    if (to <= this.at) return;
    if (isOpen !== this.isOpen) { this.runs.push(this.length); this.isOpen = isOpen; this.length = 0; }
    this.length += to - this.at;
    this.at = to;
  }
}

function merged<S extends Slot>(left: readonly S[], right: readonly S[]): S[] {
  const all: S[] = [];
  let at = 0;
  for (const slot of left) {
    for (let other = right[at]; other !== undefined && other.offset < slot.offset; other = right[++at]) all.push(other);
    all.push(slot);
  }
  return all.concat(right.slice(at));
}
