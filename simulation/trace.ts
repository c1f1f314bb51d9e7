/** What happened in a run, line by line. Two runs of one seed have the same trace: their hashes are compared. */
import { createHash } from 'node:crypto';
import type { Clock } from '../platform/clock.js';

export class Trace {
  private readonly hash = createHash('sha256');
  private readonly kept: string[] = [];
  private readonly start: number;
  count = 0;

  /** @param keep whether the lines are kept, to be shown */
  constructor(private readonly clock: Clock, private readonly keep: boolean) {
    this.start = clock.now();
  }

  add(who: string, what: string): void {
    const line = this.line(who, what);
    this.hash.update(line).update('\n');
    this.count += 1;
    if (this.keep) this.kept.push(line);
  }

  get keeps(): boolean { return this.keep; }

  /** For people: no part of what is compared. */
  note(who: string, what: string): void {
    if (this.keep) this.kept.push(this.line(who, what));
  }

  /** Milliseconds since the run began. */
  get elapsed(): number { return this.clock.now() - this.start; }

  get lines(): readonly string[] { return this.kept; }

  private line(who: string, what: string): string {
    return `${((this.clock.now() - this.start) / 1000).toFixed(3).padStart(9)} ${who.padEnd(10)} ${what}`;
  }

  digest(): string { return this.hash.copy().digest('hex'); }
}
