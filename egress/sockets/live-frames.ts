/** Where stages and sockets are in one process: what the live bus carries goes to the sockets as Redis would bring it. */
import { formatOrigin } from '../../platform/live-bus/live-channel.js';
import type { MemoryLiveBus } from '../../platform/live-bus/memory.js';
import { partitionOf } from '../../platform/partitioner.js';
import type { Fanout } from '../fanout/fanout.js';

/** Returns how to stop. */
export function showLiveFrames(bus: MemoryLiveBus, fanout: Fanout, partitions: number): () => void {
  return bus.listen(({ key, before, index, frame }) => {
    fanout.announce(partitionOf(key, partitions), [{ key, position: '', prev: formatOrigin({ before, index }), late: false, timestamp: 0, frame }])
      .catch(() => { /* lossy by contract */ });
  });
}
