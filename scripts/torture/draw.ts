/** Streams of numbers from 0 to 1 that a seed gives: each user has one of its own, so that what one draws moves no other. */
import { seededRandom } from '../../platform/random.js';

export type Draw = () => number;

export function drawing(seed: number): Draw {
  const random = seededRandom(seed);
  return () => random.float();
}
