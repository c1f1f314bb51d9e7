/** Redis 7 from Debian's packages. Never evicts: an evicted state would look like a new conversation. */
import { mkdirSync } from 'node:fs';
import { ensureProgram } from './packages.js';
import { freePort } from './ports.js';
import { askTcp, launch, startAll, waitReady } from './processes.js';
import type { Service } from './service.js';

export const redis: Service = {
  name: 'redis',
  purpose: 'Redis, one node, no persistence, never evicts',
  compose: { service: 'redis', addresses: { CONFAB_TEST_REDIS_URL: 'redis://127.0.0.1:6379' } },
  install: async () => { await ensureProgram('redis-server', ['redis-server']); },
  async start(folder) {
    const program = await ensureProgram('redis-server', ['redis-server']);
    const port = await freePort(16379);
    mkdirSync(folder, { recursive: true });
    const args = ['--bind', '127.0.0.1', '--port', String(port), '--dir', folder, '--daemonize', 'no', '--save', '', '--appendonly', 'no', '--maxmemory-policy', 'noeviction'];
    const processes = await startAll(
      [() => launch(program, args, { name: 'redis', folder })],
      (started) => waitReady(started, async () => (await askTcp(port, 'PING\r\n')).startsWith('+PONG'), 10_000),
    );
    const url = `redis://127.0.0.1:${port}`;
    return { processes, addresses: { CONFAB_TEST_REDIS_URL: url }, about: url };
  },
};
