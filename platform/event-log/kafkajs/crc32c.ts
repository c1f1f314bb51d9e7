/** CRC-32C (Castagnoli), eight bytes a step: the check sum of record batches. */

const TABLES = makeTables();

function makeTables(): Int32Array[] {
  const first = new Int32Array(256);
  for (let byte = 0; byte < 256; byte += 1) {
    let value = byte;
    for (let bit = 0; bit < 8; bit += 1) value = (value & 1) === 1 ? (value >>> 1) ^ 0x82f63b78 : value >>> 1;
    first[byte] = value;
  }
  const tables = [first];
  for (let at = 1; at < 8; at += 1) {
    const before = tables[at - 1] as Int32Array;
    tables.push(Int32Array.from(before, (value) => (value >>> 8) ^ (first[value & 0xff] as number)));
  }
  return tables;
}

const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as [Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array, Int32Array];

/** Unsigned. */
export function crc32c(bytes: Uint8Array, from: number, to: number): number {
  let crc = -1;
  let at = from;
  for (; at + 8 <= to; at += 8) {
    const low = crc ^ ((bytes[at] as number) | ((bytes[at + 1] as number) << 8) | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24));
    crc = (T7[low & 0xff] as number) ^ (T6[(low >>> 8) & 0xff] as number) ^ (T5[(low >>> 16) & 0xff] as number) ^ (T4[low >>> 24] as number)
      ^ (T3[bytes[at + 4] as number] as number) ^ (T2[bytes[at + 5] as number] as number) ^ (T1[bytes[at + 6] as number] as number) ^ (T0[bytes[at + 7] as number] as number);
  }
  for (; at < to; at += 1) crc = (crc >>> 8) ^ (T0[(crc ^ (bytes[at] as number)) & 0xff] as number);
  return (crc ^ -1) >>> 0;
}
