/** Loaded into a process of the program by a benchmark (`--import`): collects garbage and tells its memory when it is asked. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface MemoryTold { readonly type: 'memory'; readonly heapMiB: number; readonly residentMiB: number }

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const mib = (bytes: number): number => bytes / 1024 / 1024;

process.on('message', (message: { type?: string }) => {
  if (message.type !== 'collect') return;
  collect();
  collect();
  const { heapUsed, rss, external } = process.memoryUsage();
  process.send?.({ type: 'memory', heapMiB: mib(heapUsed + external), residentMiB: mib(rss) } satisfies MemoryTold);
});
// It asks nothing of its own accord: the process ends when the program does.
process.channel?.unref();
