/** Reads what processes of a run count about themselves. */
import type { Running } from './processes.js';

/** Samples of a process by name and labels, e.g. `confab_stage_inputs_committed_total{stage="intent"}`. */
export async function scrape({ url }: Running): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return new Map(text.split('\n').filter((line) => line !== '' && !line.startsWith('#')).map((line) => {
    const end = line.lastIndexOf(' ');
    return [line.slice(0, end), Number(line.slice(end + 1))];
  }));
}

/** How many of the first there are for one of the second, between two scrapes. */
export function meanBetween(before: ReadonlyMap<string, number>, after: ReadonlyMap<string, number>, sum: string, count: string): number | undefined {
  const change = (name: string): number => (after.get(name) ?? 0) - (before.get(name) ?? 0);
  return change(count) > 0 ? change(sum) / change(count) : undefined;
}
