/**
 * A case that never ends is told by name. Synchronous code that loops cannot be interrupted from its own thread, so a second
 * thread looks at a counter that the first one moves, and ends the process when it stands still.
 */
import { Worker } from 'node:worker_threads';

export interface Watched { readonly name: string; readonly seed: number; readonly index: number; readonly limit: number }

/** Cells: number of the case (0: none is running), begin in ms since the thread started, limit in ms. */
const CASE = 0;
const shared = new Int32Array(new SharedArrayBuffer(12));
let worker: Worker | undefined;
let shownName = '';

const WATCH = `
const { workerData: { shared }, parentPort } = require('node:worker_threads');
const { writeSync } = require('node:fs');
let name = '';
let seen = 0;
let since = performance.now();
parentPort.on('message', (told) => { name = told; });
setInterval(() => {
  const at = Atomics.load(shared, 1);
  if (at !== seen || Atomics.load(shared, 0) === 0) { seen = at; since = performance.now(); return; }
  if (performance.now() - since < Atomics.load(shared, 2) * 2) return;
  writeSync(2, 'fuzz: ' + name + ' hangs in case ' + Atomics.load(shared, 0) + '\\n');
  process.kill(process.pid, 'SIGKILL');
}, 500);
`;

function watch(): void {
  if (worker !== undefined) return;
  worker = new Worker(WATCH, { eval: true, workerData: { shared } });
  worker.unref();
}

/** Runs one case. @throws Error when it took longer than the limit; what `run` throws */
export async function watched({ name, seed, index, limit }: Watched, run: () => void | Promise<void>): Promise<void> {
  watch();
  const title = `"${name}" (CONFAB_FUZZ_SEED=${seed})`;
  if (title !== shownName) { shownName = title; worker?.postMessage(title); }
  Atomics.store(shared, 2, limit);
  Atomics.store(shared, CASE, index);
  Atomics.add(shared, 1, 1);
  const began = performance.now();
  let timer: NodeJS.Timeout | undefined;
  try {
    const running = run();
    if (running !== undefined) {
      const late = new Promise<never>((_resolve, reject) => { timer = setTimeout(() => { reject(new Error(`hangs: no end within ${limit} ms`)); }, limit); });
      await Promise.race([running, late]);
    }
  } finally {
    clearTimeout(timer);
    Atomics.store(shared, CASE, 0);
  }
  const took = performance.now() - began;
  if (took > limit) throw new Error(`took ${Math.round(took)} ms, more than ${limit}`);
}
