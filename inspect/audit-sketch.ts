/**
 * Two sketches of fixed size that find suspects in a long stream: what they let pass is certainly fine, what they name is
 * looked at again, exactly. So an audit needs no memory for each message or conversation.
 */

const LEAST_BITS = 10;

function sizeFor(expected: number, each: number, mostBits: number): number {
  return 2 ** Math.min(mostBits, Math.max(LEAST_BITS, Math.ceil(Math.log2(Math.max(1, expected) * each))));
}

/** FNV-1a with a seed. */
function hash(text: string, seed: number): number {
  let value = seed;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  value ^= value >>> 15;
  return Math.imul(value, 0x2c1b3c6d) >>> 0;
}

const SEED = 0x811c9dc5;
const OTHER_SEED = 0x5bd1e995;

/** Names each text that comes a second time, and now and then one that does not (a Bloom filter; at most 8 MiB). */
export class RepeatSketch {
  private readonly bits: Uint8Array;
  private readonly mask: number;

  constructor(expected: number) {
    const size = sizeFor(expected, 16, 26);
    this.bits = new Uint8Array(size / 8);
    this.mask = size - 1;
  }

  /** Whether the text may have been seen before. */
  seen(text: string): boolean {
    const one = this.mark(hash(text, SEED) & this.mask);
    const other = this.mark(hash(text, OTHER_SEED) & this.mask);
    return one && other;
  }

  private mark(at: number): boolean {
    const byte = at >>> 3;
    const bit = 1 << (at & 7);
    const was = this.bits[byte] ?? 0;
    this.bits[byte] = was | bit;
    return (was & bit) !== 0;
  }
}

/** Names each key whose numbers do not grow, and now and then one whose do (at most 16 MiB). */
export class OrderSketch {
  private readonly largest: Float64Array;
  private readonly mask: number;

  constructor(expected: number) {
    const size = sizeFor(expected, 2, 21);
    this.largest = new Float64Array(size).fill(-1);
    this.mask = size - 1;
  }

  /** Whether the key may have had a larger number before. */
  fell(key: string, number: number): boolean {
    const slot = hash(key, SEED) & this.mask;
    const largest = this.largest[slot] ?? -1;
    if (number > largest) this.largest[slot] = number;
    return number < largest;
  }
}
