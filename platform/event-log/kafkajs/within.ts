/** Ends waits that kafkajs may leave without an end. */
import { systemClock } from '../../clock.js';

export class Overdue extends Error {}

/** @throws Overdue `work` has not settled in time; what it comes to later is nobody's concern */
export function within<T>(millis: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = systemClock.after(millis, () => { reject(new Overdue(`nothing was heard for ${millis} ms`)); });
    work.then((value) => { timer.cancel(); resolve(value); }, (error: Error) => { timer.cancel(); reject(error); });
  });
}
