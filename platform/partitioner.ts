/**
 * Which partition a key belongs to: murmur2 as in Apache Kafka's Java client
 * (`org.apache.kafka.common.utils.Utils.murmur2`), positive, modulo the number of partitions.
 */

export function murmur2(data: Buffer): number {
  const m = 0x5bd1e995;
  const length = data.length;
  let h = 0x9747b28c ^ length;
  const end = length & ~3;
  for (let i = 0; i < end; i += 4) {
    let k = data.readInt32LE(i);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    k = Math.imul(k, m);
    h = Math.imul(h, m) ^ k;
  }
  const rest = length - end;
  if (rest === 3) h ^= (data[end + 2] ?? 0) << 16;
  if (rest >= 2) h ^= (data[end + 1] ?? 0) << 8;
  if (rest >= 1) h = Math.imul(h ^ (data[end] ?? 0), m);
  h ^= h >>> 13;
  h = Math.imul(h, m);
  return h ^ (h >>> 15);
}

/** A key with `\0` is partitioned by the part before it, so that it lands beside its conversation. */
export function partitionOf(key: string, partitions: number): number {
  const cut = key.indexOf('\0');
  return (murmur2(Buffer.from(cut < 0 ? key : key.slice(0, cut))) & 0x7fffffff) % partitions;
}
