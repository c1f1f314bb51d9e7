/** One reply to a conversation that thousands of sockets follow: when the last one has it. */
import { median, rounded, type BenchmarkOptions } from '../lib/benchmark.js';
import { cpuMicros } from '../lib/cpu.js';
import { sharedMicros } from './load-settings.js';
import { checkReport, Setup } from './setup.js';

const LENGTH = 100;
const WARM_UP = 5;

export const fanOutSection = (options: BenchmarkOptions): Promise<Record<string, unknown>> => Setup.with(true, async (setup) => {
  const [sockets, count] = [options.number('sockets'), options.number('fan-outs')];
  const node = await setup.startNode('egress');
  const load = await setup.startLoad({ urls: [node.url], sockets, shared: true });
  const writer = await setup.openWriter();
  const [last, spread]: [number[], number[]] = [[], []];
  let before = 0;
  for (let i = 0; i < WARM_UP + count; i += 1) {
    if (i === WARM_UP) before = cpuMicros([node.pid]);
    const all = load.expect(sockets, 'fan-out');
    const dueMicros = sharedMicros();
    await writer.write([{ conversation: 'c-0', dueMicros, length: LENGTH }]);
    const { firstMicros, lastMicros } = await all;
    if (i < WARM_UP) continue;
    last.push((lastMicros - dueMicros) / 1000);
    spread.push((lastMicros - firstMicros) / 1000);
  }
  const micros = (cpuMicros([node.pid]) - before) / (count * sockets);
  checkReport('fan-out', await load.report(), writer.written * sockets);
  return {
    sockets, fanOuts: count, lastSocketMillis: rounded(median(last)), worstMillis: rounded(Math.max(...last)), firstToLastMillis: rounded(median(spread)), microsPerSocket: rounded(micros),
  };
});
