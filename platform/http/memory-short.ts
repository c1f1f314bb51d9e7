/** Whether a process is short of memory: of V8's heap, or of what its container has. What the kernel can take back does not count. */
import { getHeapStatistics } from 'node:v8';
import type { Clock } from '../clock.js';

const SHARE = 0.9;
/** Asked for each handshake, looked at this often. */
const FRESH = 500;

export function memoryWatch(clock: Clock): () => boolean {
  let at = -Infinity;
  let short = false;
  return () => {
    const now = clock.monotonic();
    if (now - at < FRESH) return short;
    at = now;
    const heap = getHeapStatistics();
    short = heap.used_heap_size > heap.heap_size_limit * SHARE || heap.used_heap_size + heap.external_memory > containerBytes() * SHARE;
    return short;
  };
}

/** 0 or a huge number where there is no limit. */
function containerBytes(): number {
  const bytes = process.constrainedMemory();
  return bytes > 0 ? bytes : Infinity;
}
