/** kill -9 of one of two egress nodes under load: how soon its sockets follow again at the other, and what they got. */
import { BenchmarkError, progress, rounded, type BenchmarkOptions } from '../lib/benchmark.js';
import { cpuMicros } from '../lib/cpu.js';
import { pause } from '../lib/processes.js';
import { openLoop } from './open-loop.js';
import { checkReport, Setup, type Load } from './setup.js';

const PATIENCE = 60_000;
const BEFORE = 3000;
const AFTER = 3000;

async function untilReady(load: Load): Promise<void> {
  for (const end = performance.now() + PATIENCE; performance.now() < end; await pause(100)) {
    if ((await load.report()).ready === load.settings.sockets) return;
  }
  throw new BenchmarkError(`not all sockets are back: ${JSON.stringify(await load.report())}`);
}

async function untilAllCame(load: Load, written: () => number): Promise<void> {
  for (const end = performance.now() + PATIENCE; performance.now() < end && (await load.report()).newest < written();) await pause(100);
}

export const killSection = (options: BenchmarkOptions): Promise<Record<string, unknown>> => Setup.with(true, async (setup) => {
  const [sockets, rate] = [options.number('kill-sockets'), options.number('kill-rate')];
  const nodes = [await setup.startNode('egress-a'), await setup.startNode('egress-b')];
  const load = await setup.startLoad({ urls: nodes.map(({ url }) => url), sockets });
  const writer = await setup.openWriter();
  let stop = (): void => { /* set below */ };
  const over = new Promise<void>((resolve) => { stop = resolve; });
  const writing = openLoop(writer, [{ rate, length: 100, conversation: (i) => `c-${i % sockets}` }], over);
  await pause(BEFORE);
  const before = (await load.report()).latency;
  load.tell({ type: 'measure' });
  progress('kill -9');
  const survivor = [nodes[1]?.pid ?? 0];
  const used = cpuMicros(survivor);
  nodes[0]?.child.kill('SIGKILL');
  await pause(500);
  await untilReady(load);
  const survivorMillis = (cpuMicros(survivor) - used) / 1000;
  progress('all are back');
  await pause(AFTER);
  stop();
  await writing;
  await untilAllCame(load, () => writer.written);
  const report = await load.report();
  checkReport('kill', report, writer.written);
  return {
    sockets, rate, replies: writer.written, resumed: report.resumes.count, resumedP50Millis: rounded(report.resumes.p50Millis), resumedLastMillis: rounded(report.resumes.maxMillis),
    survivorCpuMillis: rounded(survivorMillis, 0), lost: report.skipped, repeated: report.repeated, beforeP99Millis: rounded(before.p99Millis), longestWaitMillis: rounded(report.latency.maxMillis),
  };
});
