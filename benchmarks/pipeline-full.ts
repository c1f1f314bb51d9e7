/** `pipeline --full`: a process per role on Kafka and Redis, load by sockets both ways from a process of its own. */
import { randomBytes } from 'node:crypto';
import { startAllRoles, UsageMeter } from './lib/all-roles.js';
import { BenchmarkError, progress, rounded, type BenchmarkOptions } from './lib/benchmark.js';
import { Processes } from './lib/processes.js';
import type { ProfileSummary } from './lib/profile.js';
import { needServers } from './lib/servers.js';
import { checkLoad, startSocketLoad } from './lib/socket-load.js';
import { removeKeys, removeTopics } from './lib/topics.js';

export async function runFull(options: BenchmarkOptions): Promise<Record<string, unknown>> {
  const servers = await needServers('kafka', 'redis');
  const prefix = `bench-${randomBytes(4).toString('hex')}.`;
  const processes = new Processes();
  let found: { readonly profiles: () => Record<string, ProfileSummary> | undefined; readonly figures: Record<string, unknown> };
  try {
    progress('starting a process for each role');
    const all = await startAllRoles(processes, prefix, servers);
    const load = await startSocketLoad(processes, {
      ingestUrl: all.ingestUrl, streamUrl: all.streamUrl, name: 'full-', sockets: options.number('sockets'), conversations: options.number('full-conversations'),
      warmupSeconds: options.number('warmup'), seconds: options.number('seconds'), window: options.number('window'),
    });
    const meter = new UsageMeter(all, [load.process], servers);
    progress('warming up');
    await load.measuring;
    await meter.start();
    progress('measuring');
    await load.measured;
    const { usage, profiles } = await meter.stop();
    const result = await load.result;
    checkLoad(result);
    if (result.turns === 0) throw new BenchmarkError('no turn was completed');
    const { microsPerTurn, microsPerTurnTotal, batches } = usage(result.turns);
    found = { profiles, figures: {
      fullTurnsPerSecond: Math.round(result.turnsPerSecond), fullMicrosPerTurn: microsPerTurn, fullMicrosPerTurnTotal: microsPerTurnTotal,
      batches, p50Millis: rounded(result.p50Millis), p99Millis: rounded(result.p99Millis), window: options.number('window'), fullConversations: options.number('full-conversations'), rejected: result.rejected,
    } };
  } finally {
    await processes.stopAll();
    await removeTopics(servers.kafka.address, prefix);
    await removeKeys(servers.redis.address, prefix);
  }
  return { ...found.figures, fullProfile: found.profiles() };
}
