/** The choices of a run. Each part of the simulation has dice of its own, so that a choice more in one changes no other's. */
import { seededRandom, type Random } from '../platform/random.js';

export class Dice {
  readonly random: Random;

  constructor(seed: number, purpose: string) {
    this.random = seededRandom(mix(seed, purpose));
  }

  /** True with this probability. */
  chance(probability: number): boolean { return this.random.float() < probability; }

  /** Uniform in [from, to). */
  between(from: number, to: number): number { return from + this.random.float() * (to - from); }

  /** An integer, both ends included. */
  whole(from: number, to: number): number { return from + Math.floor(this.random.float() * (to - from + 1)); }

  pick<T>(choices: readonly T[]): T {
    if (choices.length === 0) throw new Error('nothing to choose from');
    return choices[Math.floor(this.random.float() * choices.length)] as T;
  }

  /** A time to wait whose mean is `mean`: mostly short, sometimes long. */
  wait(mean: number): number { return -mean * Math.log(1 - this.random.float()); }

  /** One of the names, each as often as its weight says. */
  weighted<K extends string>(weights: Readonly<Partial<Record<K, number>>>): K {
    const entries = Object.entries(weights) as [K, number][];
    let left = this.random.float() * entries.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [name, weight] of entries) {
      left -= weight;
      if (left < 0) return name;
    }
    return (entries.at(-1) as [K, number])[0];
  }
}

/** FNV-1a over the purpose, begun with the seed. */
function mix(seed: number, purpose: string): number {
  let value = (2166136261 ^ seed) >>> 0;
  for (let at = 0; at < purpose.length; at += 1) value = Math.imul(value ^ purpose.charCodeAt(at), 16777619) >>> 0;
  return Math.imul(value ^ (value >>> 15), 2246822519) >>> 0;
}
