/** A set of offsets as ascending, disjoint ranges: cheap where they stand close together. */
export interface OffsetRange { from: number; to: number }

export class OffsetRanges {
  private readonly list: OffsetRange[] = [];

  get count(): number { return this.list.length; }

  get first(): number | undefined { return this.list[0]?.from; }

  /** Ranges in ascending order; not to be changed. */
  get all(): readonly Readonly<OffsetRange>[] { return this.list; }

  /** Adds an offset beyond all others; to the last range if that ends at `after`: nothing else stands between. */
  append(offset: number, after: number): void {
    const last = this.list.at(-1);
    if (last?.to === after) last.to = offset + 1;
    else this.list.push({ from: offset, to: offset + 1 });
  }

  has(offset: number): boolean {
    const range = this.list[this.at(offset)];
    return range !== undefined && range.from <= offset;
  }

  /** Takes out every offset of [from, to) that is not in `keep`: ascending, within [from, to), all of them in the set. */
  retain(from: number, to: number, keep: readonly number[]): void {
    const begin = this.at(from);
    let end = begin;
    const left: OffsetRange[] = [];
    let next = 0;
    for (let range = this.list[end]; range !== undefined && range.from < to; range = this.list[++end]) {
      if (range.from < from) left.push({ from: range.from, to: from });
      for (let offset = keep[next]; offset !== undefined && offset < range.to; offset = keep[++next]) extend(left, offset);
      if (range.to > to) extend(left, to, range.to);
    }
    this.list.splice(begin, end - begin, ...left);
  }

  /** Index of the first range that ends beyond the offset. */
  private at(offset: number): number {
    let low = 0;
    let high = this.list.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.list[middle] as OffsetRange).to <= offset) low = middle + 1; else high = middle;
    }
    return low;
  }
}

function extend(list: OffsetRange[], from: number, to = from + 1): void {
  const last = list.at(-1);
  if (last?.to === from) last.to = to; else list.push({ from, to });
}
