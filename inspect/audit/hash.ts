/** Hashes of texts, for tables in which the texts themselves would take too much room. */

const SEED = 0x811c9dc5;
const OTHER_SEED = 0x5bd1e995;

/** FNV-1a with a final mix. */
export function hash(text: string, seed = SEED): number {
  let value = seed;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return spread(value);
}

/** A second one, independent enough: both together are 64 bits. */
export function otherHash(text: string): number { return hash(text, OTHER_SEED); }

/** Of a text and a time. */
export function hashAt(text: string, millis: number): number {
  return spread(hash(text) ^ Math.imul(millis >>> 0, 0x9e3779b1) ^ Math.imul(Math.floor(millis / 4294967296), 0x85ebca6b));
}

function spread(value: number): number {
  value ^= value >>> 16;
  value = Math.imul(value, 0x7feb352d);
  value ^= value >>> 15;
  value = Math.imul(value, 0x846ca68b);
  return (value ^ (value >>> 16)) >>> 0;
}
