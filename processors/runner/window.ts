/**
 * What a stage has read of one partition and not yet committed as one prefix.
 *
 * Records enter in offset order, are finished in any order, and leave when everything before them is finished. The low
 * water is the first offset that is not finished: the offset to commit; what is finished beyond it goes into the runs.
 */
import { DoneOffsets, MAX_METADATA_LENGTH, encodeMetadata } from './offset-metadata.js';

/** A record's place in a window. */
export interface Slot {
  readonly offset: number;
  done: boolean;
}

/**
 * Records between low water and the last one read, at most. It bounds the metadata too: a run of L offsets takes at most
 * L bytes (a byte up to 127, then two …), so 2,000 records give at most about 2,700 characters.
 */
export const MAX_WINDOW_RECORDS = 2000;

export class Window<S extends Slot = Slot> {
  private readonly slots: S[] = [];
  private head = 0;
  private covered: number;
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
    this.slots.push(slot);
    this.covered = slot.offset + 1;
  }

  /** Everything before `offset` has been read (gaps and skipped records included). */
  cover(offset: number): void {
    if (offset > this.covered) this.covered = offset;
  }

  /** Records from the last settled low water on. */
  get size(): number { return this.slots.length - this.head; }

  get isFull(): boolean { return this.size >= MAX_WINDOW_RECORDS; }

  /** Where reading goes on. */
  get nextOffset(): number { return this.covered; }

  /** First offset that is not finished. */
  get lowWater(): number {
    return this.slots[this.firstOpen]?.offset ?? this.covered;
  }

  /** Lengths of alternating open and done runs from the low water on; empty when nothing beyond it is done. */
  runs(): number[] {
    const runs: number[] = [];
    let at = this.lowWater;
    let open = true;
    let length = 0;
    const extend = (isOpen: boolean, by: number): void => {
      if (by === 0) return;
      if (isOpen === open) { length += by; return; }
      runs.push(length);
      open = isOpen;
      length = by;
    };
    for (let i = this.firstOpen; i < this.slots.length; i += 1) {
      const slot = this.slots[i] as S;
      extend(false, slot.offset - at);
      extend(!slot.done, 1);
      at = slot.offset + 1;
    }
    extend(false, this.covered - at);
    // What the former owner had done and nobody has read since stays done, also when this owner hands on at once.
    let passed = this.covered;
    for (const { from, to } of this.doneBefore.after(this.covered)) {
      extend(true, from - passed);
      extend(false, to - from);
      passed = to;
    }
    if (!open) runs.push(length);
    return runs;
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

  /** The low water was committed: what lies before it leaves. Until then a finished slot may become open again. */
  settle(): void {
    this.head = this.firstOpen;
    // What has left must not stay reachable: a slot holds its record. Moving the rest only when it is the smaller part costs O(1) a slot.
    if (this.head > 0 && this.head * 2 >= this.slots.length) { this.slots.splice(0, this.head); this.head = 0; }
  }

  private get firstOpen(): number {
    let at = this.head;
    while (this.slots[at]?.done === true) at += 1;
    return at;
  }
}
