/**
 * Thousands of clients come to a node at once, as after the death of another, each to resume a conversation: what the sockets
 * notice that were there before, and how long the last client waits. Several generators, so that hundreds of handshakes are
 * under way at any moment.
 */
import { constants, setPriority } from 'node:os';
import { median, progress, rounded, type BenchmarkOptions } from '../lib/benchmark.js';
import { pause } from '../lib/processes.js';
import type { Percentiles } from './load-settings.js';
import { latencyWhile, type Flow } from './open-loop.js';
import { Setup } from './setup.js';

const QUIET = 1000;
const LENGTH = 100;
const GENERATORS = 4;
const ALONE_MILLIS = 5000;

export const stormSection = (options: BenchmarkOptions): Promise<Record<string, unknown>> => Setup.with(true, async (setup) => {
  const sockets = options.number('storm-sockets');
  const node = await setup.startNode('egress');
  const quiet = await setup.startLoad({ urls: [node.url], sockets: QUIET });
  const writer = await setup.openWriter();
  const flow: Flow = { rate: options.number('rate'), length: LENGTH, conversation: (i) => `c-${i % QUIET}` };
  const measured = (during: () => Promise<void>): Promise<Percentiles> => latencyWhile({ what: 'storm', writer, load: quiet, flow }, during);
  const rounds: { alone: Percentiles; beside: Percentiles; millis: number }[] = [];
  const codes: Record<string, number> = {};
  for (let round = 0; round <= options.number('storm-rounds'); round += 1) {
    const alone = await measured(() => pause(ALONE_MILLIS));
    const storm = await Promise.all(Array.from({ length: GENERATORS }, (_, i) => setup.holdLoad({ urls: [node.url], sockets: Math.ceil(sockets / GENERATORS), name: `s${round}-${i}-` })));
    for (const { running } of storm) setPriority(running.pid, constants.priority.PRIORITY_LOW);
    let millis = 0;
    const beside = await measured(async () => {
      const began = performance.now();
      await Promise.all(storm.map((load) => load.connect()));
      millis = performance.now() - began;
    });
    for (const load of storm) {
      for (const [code, count] of Object.entries((await load.report()).closes)) codes[code] = (codes[code] ?? 0) + count;
      await load.end();
    }
    progress(`storm: p99 ${alone.p99Millis} ms before, ${beside.p99Millis} ms while ${sockets} sockets came in ${Math.round(millis)} ms`);
    // The first one lets the node compile what a storm runs.
    if (round > 0) rounds.push({ alone, beside, millis });
  }
  const of = (read: (found: (typeof rounds)[number]) => number): number => rounded(median(rounds.map(read)));
  return {
    sockets, quiet: QUIET, p50Millis: of(({ alone }) => alone.p50Millis), p99Millis: of(({ alone }) => alone.p99Millis), besideP50Millis: of(({ beside }) => beside.p50Millis),
    besideP99Millis: of(({ beside }) => beside.p99Millis), ratio: of(({ alone, beside }) => beside.p99Millis / alone.p99Millis), openMillis: of(({ millis }) => millis), closes: codes,
  };
});
