/** How long accepted messages wait for their outcome, as clients see it. */
import type { Sent } from './ledger.js';

export interface WaitSummary {
  /** Whole milliseconds; 0 where there was nothing. */
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
  /** Whose wait was the longest, and when it was accepted: seconds since the start of the program. */
  readonly of: { readonly conversation: string; readonly position: string; readonly acceptedAt: number } | undefined;
  /** The longest time in which no outcome came to any client, though one was due. */
  readonly silence: number;
}

export class Waits {
  private readonly millis: number[] = [];
  private readonly seen = new Set<string>();
  private longest: { sent: Sent; millis: number } | undefined;
  private lastAt = -Infinity;
  private silence = 0;

  /** An outcome of a message came to a client at a time (milliseconds of the same clock as `acceptedAt`); only the first counts. */
  add(sent: Sent, at: number): void {
    if (this.seen.has(sent.messageId)) return;
    this.seen.add(sent.messageId);
    const millis = Math.max(0, at - sent.acceptedAt);
    this.millis.push(millis);
    if (millis > (this.longest?.millis ?? -1)) this.longest = { sent, millis };
    // Before it was accepted nothing was due for it.
    this.silence = Math.max(this.silence, at - Math.max(this.lastAt, sent.acceptedAt));
    this.lastAt = Math.max(this.lastAt, at);
  }

  summary(): WaitSummary {
    const sorted = [...this.millis].sort((a, b) => a - b);
    const at = (share: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
    const of = this.longest && { conversation: this.longest.sent.conversation, position: this.longest.sent.position, acceptedAt: Math.round(this.longest.sent.acceptedAt / 1000) };
    return { p50: at(0.5), p99: at(0.99), longest: Math.round(sorted.at(-1) ?? 0), of, silence: Math.round(this.silence) };
  }
}
