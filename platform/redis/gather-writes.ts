/**
 * Commands of one turn of the event loop leave in one write. The client writes each by itself, and a write costs more than most
 * commands do (25 us here); its own pipelining has one pipeline under way a node, and the next waits for its answers.
 */
import { Cluster, type Redis } from 'ioredis';

/** For each connection that the client makes from now on. Returns the client. */
export function gatherWrites<T extends Redis | Cluster>(client: T): T {
  if (client instanceof Cluster) client.on('+node', gatherWrites);
  else client.on('connect', () => { gather(client.stream); });
  return client;
}

function gather(stream: Redis['stream']): void {
  const uncork = (): void => { stream.uncork(); };
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = (...args: unknown[]): boolean => {
    if (stream.writableCorked === 0) {
      stream.cork();
      setImmediate(uncork);
    }
    return write(...args);
  };
}
