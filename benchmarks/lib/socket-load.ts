/** The load generator over sockets (load/sockets.ts, a process of its own) as the benchmarks see it. */
import type { LoadResult, LoadSettings } from '../load/conversation-load.js';
import { BenchmarkError } from './benchmark.js';
import { nextMessage, type Processes, type Running } from './processes.js';

export interface SocketLoad {
  readonly process: Running;
  /** Resolves when the warm-up is over. */
  readonly measuring: Promise<unknown>;
  /** Resolves when the measured time is over, before the rest is waited for. */
  readonly measured: Promise<unknown>;
  readonly result: Promise<LoadResult>;
  /** Ends the measured time now. */
  end(): void;
}

/** Starts the load; resolves once every conversation is subscribed and the first messages go out. */
export async function startSocketLoad(processes: Processes, settings: LoadSettings): Promise<SocketLoad> {
  const running = processes.start('load', 'benchmarks/load/sockets.js', [JSON.stringify(settings)], {});
  const measuring = nextMessage(running, 'measuring');
  const measured = nextMessage(running, 'measured');
  const result = nextMessage<{ type: 'result'; result: LoadResult }>(running, 'result').then((message) => message.result);
  // Whoever fails first tells it; the others must not be taken for unhandled.
  for (const promise of [measuring, measured, result]) promise.catch(() => undefined);
  await nextMessage(running, 'ready');
  return { process: running, measuring, measured, result, end: () => { running.child.send('end'); } };
}

/** A figure is worth nothing when messages were lost on the way to it. */
export function checkLoad(result: LoadResult): void {
  if (result.unanswered > 0 || result.duplicated > 0) throw new BenchmarkError(`${result.unanswered} messages had no outcome, ${result.duplicated} had more than one`);
}
