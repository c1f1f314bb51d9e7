/**
 * Order within a conversation and the calls that a process has under way.
 *
 * A lane exists only for a conversation that cannot go on at once: it waits for an effect, for its next try, for its state,
 * or for its turn to call. What comes in behind waits in it. Calls are bounded; at the bound, conversations stand in line,
 * and the next place goes to the next tenant's first in line; a conversation that has had its call goes to the end.
 */
import { FairQueue, TenantNames } from './tenants.js';
import type { Work } from './work.js';

export interface LanesOptions {
  /** Calls under way at once, in this process. */
  readonly calls: number;
  /** One attempt. True when the input is finished; false when its lane waits now. */
  readonly attempt: (work: Work) => boolean;
}

interface Lane { readonly key: string; readonly partition: number; readonly queue: Work[] }

export class Lanes {
  private readonly lanes = new Map<string, Lane>();
  private readonly line = new FairQueue<Lane>();
  private readonly tenants = new TenantNames();
  private calls = 0;

  constructor(private readonly options: LanesOptions) {}

  /** True while its conversation waits, whether for itself or for one before it. */
  has(key: string): boolean { return this.lanes.has(key); }

  /** An input has its turn, unless its conversation waits. */
  dispatch(work: Work): void {
    const lane = this.lanes.get(work.key);
    if (lane !== undefined) { lane.queue.push(work); return; }
    if (this.calls < this.options.calls) { this.options.attempt(work); return; }
    this.hold(work).queue.push(work);
    this.standInLine(this.lanes.get(work.key) as Lane);
  }

  /** Its conversation waits from now on; `release` ends that. */
  hold(work: Work): Lane {
    let lane = this.lanes.get(work.key);
    if (lane === undefined) { lane = { key: work.key, partition: work.partition, queue: [] }; this.lanes.set(work.key, lane); }
    return lane;
  }

  /** The conversation goes on: what waited behind runs until one of them waits in its turn. */
  release(key: string): void {
    const lane = this.lanes.get(key);
    if (lane === undefined) return;
    if (lane.queue.length === 0) this.lanes.delete(key);
    else if (this.line.size > 0) this.standInLine(lane);
    else this.advance(lane);
    this.serve();
  }

  /** A call has begun. */
  called(): void { this.calls += 1; }

  /** A call has ended, whatever came of it. */
  answered(): void {
    this.calls -= 1;
    this.serve();
  }

  /** Forgets the conversations of a partition, or all. Calls that are under way still count until they end. */
  forget(partition?: number): void {
    if (partition === undefined) { this.lanes.clear(); this.line.clear(); return; }
    for (const [key, lane] of this.lanes) if (lane.partition === partition) this.lanes.delete(key);
    this.line.filter((lane) => lane.partition !== partition);
  }

  private standInLine(lane: Lane): void { this.line.push(this.tenants.of(lane.key), lane); }

  private advance(lane: Lane): void {
    for (;;) {
      const next = lane.queue.shift();
      if (next === undefined) { this.lanes.delete(lane.key); return; }
      if (this.calls >= this.options.calls) { lane.queue.unshift(next); this.standInLine(lane); return; }
      if (!this.options.attempt(next)) return;
    }
  }

  /** Gives free places to those who stand in line. */
  private serve(): void {
    while (this.calls < this.options.calls && this.line.size > 0) {
      const [lane] = this.line.take(1);
      if (lane !== undefined) this.advance(lane);
    }
  }
}
