/** Faults of Redis. */
import type { FaultRun } from './fault-run.js';

async function flush({ installation: { redis } }: FaultRun): Promise<void> {
  await redis.flush();
}

async function restart(run: FaultRun, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const { redis } = run.installation;
  await redis.down(signal);
  try { await run.lasting(); } finally { await redis.up(); }
}

async function stand(run: FaultRun): Promise<void> {
  const { redis } = run.installation;
  redis.signal('SIGSTOP');
  try { await run.lasting(); } finally { redis.signal('SIGCONT'); }
}

/** What it had some seconds ago, as from a backup, or from a replica that had not everything when it took over. */
async function rollBack(run: FaultRun): Promise<void> {
  const { redis } = run.installation;
  const copy = await redis.copy();
  await run.lasting();
  await redis.down('SIGKILL');
  await redis.up(copy);
}

export const redis = {
  'redis-flush': flush, 'redis-restart': (run: FaultRun) => restart(run, 'SIGTERM'), 'redis-kill': (run: FaultRun) => restart(run, 'SIGKILL'), 'redis-pause': stand, 'redis-rollback': rollBack,
};
