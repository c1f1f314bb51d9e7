/** How long accepted messages wait for their outcome, as clients see it. */
export class Waits {
  private readonly millis: number[] = [];
  private readonly seen = new Set<string>();

  /** The first outcome of a message to reach any client. */
  add(messageId: string, millis: number): void {
    if (this.seen.has(messageId)) return;
    this.seen.add(messageId);
    this.millis.push(Math.max(0, millis));
  }

  /** Whole milliseconds; 0 where there was nothing. */
  summary(): { readonly p50: number; readonly p99: number; readonly longest: number } {
    const sorted = [...this.millis].sort((a, b) => a - b);
    const at = (share: number): number => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0);
    return { p50: at(0.5), p99: at(0.99), longest: Math.round(sorted.at(-1) ?? 0) };
  }
}
