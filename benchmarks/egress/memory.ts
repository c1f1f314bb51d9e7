/** Memory of an idle socket: a node with nobody, the same node with many, and the bare library in the same run. */
import type { MemoryTold } from '../load/gc-hook.js';
import type { BenchmarkOptions } from '../lib/benchmark.js';
import { progress, rounded } from '../lib/benchmark.js';
import { cpuMicros } from '../lib/cpu.js';
import { built } from '../lib/build.js';
import { nextMessage, pause, type Running } from '../lib/processes.js';
import { Setup } from './setup.js';

/** Some sockets come and go first: what is made once for all of them is no socket's. */
const WARM_UP = 500;
/** Until who came is written, and read again: milliseconds. */
const PRESENCE_SETTLES = 10_000;

const hook = (): NodeJS.ProcessEnv => ({ NODE_OPTIONS: `--import=${new URL(`file://${built('benchmarks/load/gc-hook.js')}`).href}` });

/** After a collection; asked twice, because what the first let go of is given back a little later. */
async function memory(running: Running): Promise<MemoryTold> {
  for (let round = 0; ; round += 1) {
    const told = nextMessage<MemoryTold>(running, 'memory');
    running.child.send({ type: 'collect' });
    const answer = await told;
    if (round === 2) return answer;
    await pause(1500);
  }
}

interface Cost { readonly residentKB: number; readonly heapKB: number; readonly handshakeMicros: number }

/** What each of `sockets` costs a node; bytes are thousands, as the figure is told. */
async function cost(setup: Setup, node: Running, target: { readonly url: string; readonly path?: string }, sockets: number, settles = 1000): Promise<Cost> {
  const load = { urls: [target.url], ...(target.path === undefined ? {} : { path: target.path, secret: undefined }) };
  await (await setup.startLoad({ ...load, sockets: WARM_UP, name: 'warm-' })).end();
  await pause(1000);
  const before = await memory(node);
  const began = cpuMicros([node.pid]);
  const generator = await setup.startLoad({ ...load, sockets });
  const handshakeMicros = rounded((cpuMicros([node.pid]) - began) / sockets, 0);
  await pause(settles);
  const after = await memory(node);
  await generator.end();
  const each = (mib: number): number => rounded(mib * 1024 * 1024 / 1000 / sockets);
  return { residentKB: each(after.residentMiB - before.residentMiB), heapKB: each(after.heapMiB - before.heapMiB), handshakeMicros };
}

export async function memorySection(options: BenchmarkOptions): Promise<Record<string, unknown>> {
  const sockets = options.number('idle-sockets');
  const presence = options.flag('presence');
  const bare = await Setup.with(false, async (setup) => {
    const node = setup.processes.start('bare', 'benchmarks/egress/bare-node.js', [], hook());
    const { url } = await nextMessage<{ type: 'listening'; url: string }>(node, 'listening');
    return cost(setup, node, { url, path: '/stream' }, sockets);
  });
  progress(`bare: ${bare.residentKB} kB a socket`);
  const node = await Setup.with(true, async (setup) => {
    const running = await setup.startNode('egress', { ...hook(), ...(presence ? { CONFAB_PRESENCE: 'true' } : {}) });
    return cost(setup, running, running, sockets, presence ? PRESENCE_SETTLES : 1000);
  });
  return {
    sockets, presence, residentKBPerSocket: node.residentKB, heapKBPerSocket: node.heapKB, handshakeMicros: node.handshakeMicros,
    bareResidentKBPerSocket: bare.residentKB, bareHeapKBPerSocket: bare.heapKB, bareHandshakeMicros: bare.handshakeMicros,
  };
}
