/**
 * Some numbers for each conversation, by 64 bits of hash of its key, in arrays of numbers. It grows up to a bound; where more
 * come it is `overfull`, and they are to be looked at by shares, one after the other.
 */
import { hash, otherHash } from './hash.js';

/** The keys whose hash, under the mask, is `share`. */
export interface Slice { readonly mask: number; readonly share: number }

export const ALL: Slice = { mask: 0, share: 0 };

/** The two halves of a share. */
export function halves({ mask, share }: Slice): [Slice, Slice] {
  const next = mask * 2 + 1;
  return [{ mask: next, share }, { mask: next, share: share | (mask + 1) }];
}

/** Whether the hash of a key belongs to a share. */
export const belongs = (key: string, { mask, share }: Slice): boolean => (hash(key) & mask) === share;

export class Table {
  private size: number;
  private high: Uint32Array;
  private low: Uint32Array;
  private columns: Float64Array[];
  private used = 0;
  /** More keys came than it takes. */
  overfull = false;

  constructor(private readonly width: number, private readonly most: number) {
    this.size = 1024;
    [this.high, this.low, this.columns] = this.arrays(this.size);
  }

  get count(): number { return this.used; }

  /** The row of a key, made when it is new (all −1); −1 when there is no room for another. Good until the next call. */
  row(key: string): number {
    const low = hash(key);
    const high = (otherHash(key) | 1) >>> 0;
    const found = this.find(high, low);
    if (this.high[found] !== 0) return found;
    if (this.used >= this.most) {
      this.overfull = true;
      return -1;
    }
    if (this.used * 5 >= this.size * 3) {
      this.rebuild(this.size * 2);
      return this.row(key);
    }
    this.high[found] = high;
    this.low[found] = low;
    this.used += 1;
    return found;
  }

  get(row: number, column: number): number { return (this.columns[column] as Float64Array)[row] as number; }
  set(row: number, column: number, value: number): void { (this.columns[column] as Float64Array)[row] = value; }

  *rows(): Generator<number> {
    for (let row = 0; row < this.size; row += 1) if (this.high[row] !== 0) yield row;
  }

  /** Drops the rows for which `kept` says no. */
  keep(kept: (row: number) => boolean): void {
    this.rebuild(this.size, kept);
    this.overfull = false;
  }

  private find(high: number, low: number): number {
    let row = (low ^ Math.imul(high, 0x9e3779b1)) >>> 0 & (this.size - 1);
    while (this.high[row] !== 0 && (this.high[row] !== high || this.low[row] !== low)) row = (row + 1) & (this.size - 1);
    return row;
  }

  private arrays(size: number): [Uint32Array, Uint32Array, Float64Array[]] {
    return [new Uint32Array(size), new Uint32Array(size), Array.from({ length: this.width }, () => new Float64Array(size).fill(-1))];
  }

  private rebuild(size: number, kept: (row: number) => boolean = () => true): void {
    const from = { high: this.high, low: this.low, columns: this.columns };
    const rows = [...this.rows()].filter(kept);
    this.size = size;
    [this.high, this.low, this.columns] = this.arrays(size);
    this.used = rows.length;
    for (const row of rows) {
      const to = this.find(from.high[row] as number, from.low[row] as number);
      this.high[to] = from.high[row] as number;
      this.low[to] = from.low[row] as number;
      this.columns.forEach((column, at) => { column[to] = (from.columns[at] as Float64Array)[row] as number; });
    }
  }
}
