/**
 * Names that must not come twice: ids of messages, hashes of idempotency keys. While they fit, all are kept by 64 bits of
 * hash, so that in a sound log nothing is looked at again. Beyond that a Bloom filter lets pass what is certainly new, and
 * what it suspects is read a second time and judged exactly. Beyond what it can tell apart, names are judged by shares,
 * a pass each.
 */
import { hash, otherHash } from './hash.js';
import { ALL, type Slice } from './table.js';

/** Names that are kept exactly; 8 bytes a name and as much again free: 32 MiB. */
const EXACT = 2_000_000;
/** Bits of the filter: 32 MiB. */
const FILTER_BITS = 2 ** 28;
/** Names that it takes: at sixteen bits a name and four marks, one in 400 is suspected for nothing. */
const FILTER_NAMES = FILTER_BITS / 16;
const FILTER_MARKS = 4;

export interface NameLimits { readonly exact?: number; readonly filterNames?: number; readonly filterBits?: number }

/** Passes that so many names take. */
export function namePasses(expected: number, { exact = EXACT, filterNames = FILTER_NAMES }: NameLimits = {}): Slice[] {
  let shares = 1;
  while (expected > exact && expected / shares > filterNames) shares *= 2;
  return shares === 1 ? [ALL] : Array.from({ length: shares }, (_, share) => ({ mask: shares - 1, share }));
}

export class Names {
  private readonly exact: Float64Array | undefined;
  private readonly filter: Uint32Array | undefined;
  private readonly mask: number;
  private count = 0;
  /** Names that may have come twice. */
  readonly suspects = new Set<string>();

  constructor(expected: number, private readonly slice: Slice = ALL, { exact = EXACT, filterBits = FILTER_BITS }: NameLimits = {}) {
    if (expected <= exact) {
      this.mask = 2 ** Math.max(8, Math.ceil(Math.log2(Math.max(1, expected) * 1.6))) - 1;
      this.exact = new Float64Array(this.mask + 1);
    } else {
      this.mask = filterBits - 1;
      this.filter = new Uint32Array(filterBits / 32);
    }
  }

  /** Whether there is room for more: only of interest to those that go on for ever. */
  get full(): boolean { return this.exact !== undefined && this.count * 5 > this.exact.length * 4; }

  /** Remembers a name; true when it may have come before. */
  add(name: string): boolean {
    const low = hash(name);
    if ((low & this.slice.mask) !== this.slice.share) return false;
    const seen = this.exact === undefined ? this.addToFilter(low, otherHash(name)) : this.addExactly(this.exact, low, otherHash(name));
    if (seen) this.suspects.add(name);
    return seen;
  }

  /** Whether it was added before; of exact names only. */
  has(name: string): boolean {
    const names = this.exact;
    if (names === undefined) return false;
    const [low, high] = [hash(name), otherHash(name)];
    const value = valueOf(low, high);
    for (let at = this.place(low, high); names[at] !== 0; at = (at + 1) & this.mask) if (names[at] === value) return true;
    return false;
  }

  private place(low: number, high: number): number { return (low ^ Math.imul(high, 0x9e3779b1)) >>> 0 & this.mask; }

  private addExactly(names: Float64Array, low: number, high: number): boolean {
    const value = valueOf(low, high);
    let at = this.place(low, high);
    while (names[at] !== 0) {
      if (names[at] === value) return true;
      at = (at + 1) & this.mask;
    }
    names[at] = value;
    this.count += 1;
    return false;
  }

  private addToFilter(low: number, high: number): boolean {
    const filter = this.filter as Uint32Array;
    let seen = true;
    for (let i = 0; i < FILTER_MARKS; i += 1) {
      const bit = (low + Math.imul(i, high | 1)) >>> 0 & this.mask;
      const word = filter[bit >>> 5] as number;
      if ((word >>> (bit & 31) & 1) === 0) { seen = false; filter[bit >>> 5] = word | 1 << (bit & 31); }
    }
    return seen;
  }
}

/** 53 bits of a double; never 0, which is a free place. */
const valueOf = (low: number, high: number): number => (high & 0x1fffff) * 4294967296 + low + 1;
