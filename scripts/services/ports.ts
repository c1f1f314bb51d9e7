/** Ports for services: a fixed one where it is free, so that addresses stay the same; else the next free one. */
import { createServer } from 'node:net';
import { ServiceError } from './service.js';

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => { resolve(false); });
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => { server.close(() => { resolve(true); }); });
  });
}

/** The first port at or after `wanted`, in steps of `step`, for which it and the given neighbours are free. */
export async function freePort(wanted: number, neighbours: readonly number[] = [], step = 100): Promise<number> {
  // Below 32768, where Linux begins to hand out ports for outgoing connections.
  for (let port = wanted; port < 32_000; port += step) {
    const all = await Promise.all([...new Set([0, ...neighbours])].map((offset) => isFree(port + offset)));
    if (all.every(Boolean)) return port;
  }
  throw new ServiceError(`no free port from ${wanted} on`);
}
