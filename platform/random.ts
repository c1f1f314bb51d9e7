/** The only door to randomness. */
import { randomBytes } from 'node:crypto';
import { monotonicFactory } from 'ulid';
import type { Clock } from './clock.js';

export interface Random {
  /** Uniform in [0, 1). */
  float(): number;
  /** Cryptographically strong in production. */
  bytes(count: number): Buffer;
}

export const systemRandom: Random = {
  float: () => Math.random(),
  bytes: (count) => randomBytes(count),
};

/** Deterministic generator (mulberry32, public domain, by Tommy Ettinger) for tests, simulations and benchmarks. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const float = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    float,
    bytes: (count) => Buffer.from(Array.from({ length: count }, () => Math.floor(float() * 256))),
  };
}

/** Returns a maker of ULIDs (26 characters; those of one maker sort in the order they were made). */
export function ulidMaker(clock: Clock, random: Random): () => string {
  const pool: { bytes: Uint8Array; at: number } = { bytes: new Uint8Array(0), at: 0 };
  const next = monotonicFactory(() => {
    if (pool.at >= pool.bytes.length) { pool.bytes = random.bytes(256); pool.at = 0; }
    return (pool.bytes[pool.at++] ?? 0) / 256;
  });
  return () => next(clock.now());
}
