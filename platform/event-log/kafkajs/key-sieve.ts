/**
 * Whether the bytes of a key can be one of some keys: most of the others are told by a few of their bytes, without a string
 * being made of them.
 */
const BITS = 1 << 18;
/** The end of a key: its beginning (the tenant) is often the same. */
const HASHED = 16;

export class KeySieve {
  private readonly bits = new Uint8Array(BITS >> 3);

  constructor(private readonly keys: ReadonlySet<string>) {
    for (const key of keys) {
      const bytes = Buffer.from(key);
      const hash = hashOf(bytes, 0, bytes.length);
      this.bits[hash >> 3] = (this.bits[hash >> 3] ?? 0) | 1 << (hash & 7);
    }
  }

  has(key: string): boolean { return this.keys.has(key); }

  /** False: none of the keys. */
  mayHave(bytes: Buffer, start: number, length: number): boolean {
    const hash = hashOf(bytes, start, length);
    return ((this.bits[hash >> 3] ?? 0) & 1 << (hash & 7)) !== 0;
  }
}

/** FNV-1a of the last bytes, folded. */
function hashOf(bytes: Buffer, start: number, length: number): number {
  let hash = 0x811c9dc5 ^ length;
  for (let i = start + Math.max(0, length - HASHED); i < start + length; i += 1) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  return (hash ^ hash >>> 18) & (BITS - 1);
}
