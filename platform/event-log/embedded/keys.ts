/** Keys of the lmdb databases of the embedded log, made so that they sort as they must. */
import { createHash } from 'node:crypto';

const MAX_KEY_BYTES = 400;

/** Partition file number and the last offset of a block: the block that holds an offset is the first at or after it. */
export function blockKey(file: number, lastOffset: number): Buffer {
  const key = Buffer.allocUnsafe(10);
  key.writeUInt32BE(file, 0);
  key.writeUIntBE(lastOffset, 4, 6);
  return key;
}

export const lastOffsetOf = (key: Buffer): number => key.readUIntBE(4, 6);
export const LAST_OFFSET = 2 ** 48 - 1;

/** The time first, so that what may be forgotten stands in front. */
export function expiryKey(until: number, known: Buffer): Buffer {
  const key = Buffer.allocUnsafe(6 + known.length);
  key.writeUIntBE(Math.max(0, Math.min(LAST_OFFSET, Math.ceil(until))), 0, 6);
  known.copy(key, 6);
  return key;
}

export function textKey(text: string): Buffer {
  const key = Buffer.from(text);
  return key.length <= MAX_KEY_BYTES && key.length > 0 ? key : Buffer.concat([Buffer.from('\0sha256\0'), createHash('sha256').update(key).digest()]);
}
