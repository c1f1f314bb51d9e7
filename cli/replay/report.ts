/** What a replay found, as numbers, JSON and text. */
import { build } from 'hdr-histogram-js';
import { harmless } from '../terminal.js';
import type { Ledger, Verdict } from './ledger.js';

export interface RunFacts {
  readonly millis: number;
  /** Messages that the server refused for good. */
  readonly refusals: number;
  /** The first refusals, in words. */
  readonly refused: readonly string[];
  readonly retries: number;
  readonly reconnects: number;
  readonly interrupted: boolean;
}

export interface ReplayResult extends Verdict, RunFacts {
  /** Null when nothing was answered. */
  readonly p50Millis: number | null;
  readonly p95Millis: number | null;
  readonly p99Millis: number | null;
}

export function summarize(verdict: Verdict, ledgers: readonly Ledger[], facts: RunFacts): ReplayResult {
  const histogram = build({ lowestDiscernibleValue: 1, highestTrackableValue: 3_600_000_000, numberOfSignificantValueDigits: 3 });
  for (const ledger of ledgers) for (const millis of ledger.latencies()) histogram.recordValue(Math.max(1, Math.round(millis * 1000)));
  const at = (percentile: number): number | null => (histogram.totalCount === 0 ? null : histogram.getValueAtPercentile(percentile) / 1000);
  return { ...verdict, ...facts, p50Millis: at(50), p95Millis: at(95), p99Millis: at(99) };
}

/** False when a promise to clients was broken or not everything could be sent. */
export function isClean({ lost, duplicated, outOfOrder, refusals, interrupted }: ReplayResult): boolean {
  return lost + duplicated + outOfOrder + refusals === 0 && !interrupted;
}

/** The one JSON object of `--json`; its keys are a contract. */
export function resultJson({ accepted, answered, lost, duplicated, outOfOrder, p50Millis, p95Millis, p99Millis }: ReplayResult): string {
  return JSON.stringify({ accepted, answered, lost, duplicated, outOfOrder, p50Millis, p95Millis, p99Millis });
}

export function resultText(result: ReplayResult): string {
  const millis = (value: number | null): string => (value === null ? 'none' : `${value.toFixed(1)} ms`);
  const lines: [string, string | number][] = [
    ['accepted', result.accepted], ['answered', result.answered], ['lost', result.lost], ['duplicated', result.duplicated], ['out of order', result.outOfOrder],
    ['latency p50', millis(result.p50Millis)], ['latency p95', millis(result.p95Millis)], ['latency p99', millis(result.p99Millis)],
    ['took', `${(result.millis / 1000).toFixed(1)} s, ${Math.round(result.accepted / (result.millis / 1000))} messages/s`],
  ];
  const counted = (count: number, what: string): string => (count === 1 ? what : `${what}s`);
  const notes: [number, string][] = [
    [result.late, 'answered later than 30 s'], [result.missedBySocket, 'not brought by the stream, found in the events'],
    [result.retries, `${counted(result.retries, 'request')} repeated`], [result.reconnects, `${counted(result.reconnects, 'stream')} opened again`], [result.refusals, `${counted(result.refusals, 'message')} refused`],
  ];
  return [
    ...lines.map(([name, value]) => `${name.padEnd(14)}${value}`),
    ...notes.filter(([count]) => count > 0).map(([count, what]) => `${'note'.padEnd(14)}${count} ${what}`),
    ...result.refused.map((line) => `${'refused'.padEnd(14)}${harmless(line)}`),
    ...(result.interrupted ? ['interrupted: the figures cover what was done until then'] : []), '',
  ].join('\n');
}
