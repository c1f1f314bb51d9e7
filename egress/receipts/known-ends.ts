/**
 * Whether messages.v1 has a place: what a client says it had before it came is believed no further than the log reaches.
 * The ends that were seen are kept, and asked for anew at most once a second for all partitions together, whatever clients say.
 */
import type { Clock } from '../../platform/clock.js';
import type { EventLog } from '../../platform/event-log/event-log.js';
import type { LogTopics } from '../log-topics.js';

const FRESH = 1_000;

export class KnownEnds {
  private readonly ends = new Map<number, number>();
  private asked: { readonly at: number; readonly done: Promise<void> } | undefined;

  constructor(private readonly options: { readonly log: EventLog; readonly topics: LogTopics; readonly clock: Clock }) {}

  /** At once where it is known. @throws CONFAB_LOG_UNAVAILABLE */
  has(partition: number, offset: number): boolean | Promise<boolean> {
    return offset < (this.ends.get(partition) ?? 0) || this.look(partition, offset);
  }

  private async look(partition: number, offset: number): Promise<boolean> {
    const now = this.options.clock.now();
    if (this.asked === undefined || now - this.asked.at >= FRESH) {
      this.asked = { at: now, done: this.ask() };
      this.asked.done.catch(() => { this.asked = undefined; });
    }
    await this.asked.done;
    return offset < (this.ends.get(partition) ?? 0);
  }

  private async ask(): Promise<void> {
    const { log, topics } = this.options;
    for (const { partition, end } of await log.admin.bounds(topics.messages)) this.ends.set(partition, end);
  }
}
