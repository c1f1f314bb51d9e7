/** `pipeline --full`: a process per role on Kafka and Redis, load by sockets both ways from a process of its own. */
import { randomBytes } from 'node:crypto';
import { BenchmarkError, progress, rounded, type BenchmarkOptions } from './lib/benchmark.js';
import { CpuMeter } from './lib/cpu.js';
import { Processes, type Running } from './lib/processes.js';
import { profileClock, profileSummaries, type Span } from './lib/profile.js';
import { meanBetween, scrape } from './lib/scrape.js';
import { needServers, type Server } from './lib/servers.js';
import { checkLoad, startSocketLoad } from './lib/socket-load.js';
import { makeTopics, removeKeys, removeTopics } from './lib/topics.js';

export const ROLES = ['ingress', 'intent', 'dialogue', 'analytics', 'egress'] as const;

export interface AllRoles {
  readonly running: readonly Running[];
  readonly ingestUrl: string;
  readonly streamUrl: string;
}

/** Starts one process for each role. */
export async function startAllRoles(processes: Processes, prefix: string, servers: { kafka: Server; redis: Server }, more: NodeJS.ProcessEnv = {}): Promise<AllRoles> {
  const settings = { ...more, CONFAB_KAFKA_BROKERS: servers.kafka.address, CONFAB_REDIS_URL: servers.redis.address, CONFAB_PREFIX: prefix };
  await makeTopics(servers.kafka.address, prefix);
  const running = await Promise.all(ROLES.map((role) => processes.startConfab(role, ['--role', role], settings)));
  const urlOf = (role: string): string => running.find((one) => one.name === role)?.url ?? '';
  return { running, ingestUrl: urlOf('ingress'), streamUrl: urlOf('egress') };
}

/** Messages of an append of ingress, inputs of a commit of each stage: how much one request to Kafka carries. */
function batchSizes(before: readonly ReadonlyMap<string, number>[], after: readonly ReadonlyMap<string, number>[]): Record<string, number> {
  const mean = (role: (typeof ROLES)[number], sum: string, count: string): number => rounded(meanBetween(before[ROLES.indexOf(role)] ?? new Map(), after[ROLES.indexOf(role)] ?? new Map(), sum, count) ?? 0, 1);
  const commit = (stage: 'intent' | 'dialogue' | 'analytics'): number => mean(stage, `confab_stage_inputs_committed_total{stage="${stage}"}`, `confab_stage_commit_duration_seconds_count{stage="${stage}"}`);
  return {
    ingress: mean('ingress', 'confab_ingress_batch_records_sum', 'confab_ingress_batch_records_count'),
    intent: commit('intent'), dialogue: commit('dialogue'), analytics: commit('analytics'),
  };
}

export async function runFull(options: BenchmarkOptions): Promise<Record<string, unknown>> {
  const servers = await needServers('kafka', 'redis');
  const prefix = `bench-${randomBytes(4).toString('hex')}.`;
  const processes = new Processes();
  let found: { readonly running: readonly Running[]; readonly span: Span; readonly figures: Record<string, unknown> };
  try {
    progress('starting a process for each role');
    const { running, ingestUrl, streamUrl } = await startAllRoles(processes, prefix, servers);
    const load = await startSocketLoad(processes, {
      ingestUrl, streamUrl, name: 'full-', sockets: options.number('sockets'), conversations: options.number('full-conversations'),
      warmupSeconds: options.number('warmup'), seconds: options.number('seconds'), window: options.number('window'),
    });
    const meter = new CpuMeter({ ...Object.fromEntries(running.map((one) => [one.name, [one.pid]])), load: [load.process.pid], kafka: servers.kafka.pids, redis: servers.redis.pids });
    progress('warming up');
    await load.measuring;
    const before = await Promise.all(running.map(scrape));
    meter.start();
    const from = profileClock();
    progress('measuring');
    await load.measured;
    const to = profileClock();
    const used = meter.perUnit(1);
    const batches = batchSizes(before, await Promise.all(running.map(scrape)));
    const result = await load.result;
    checkLoad(result);
    if (result.turns === 0) throw new BenchmarkError('no turn was completed');
    const microsPerTurn = Object.fromEntries(Object.entries(used).map(([name, micros]) => [name, rounded(micros / result.turns, 1)]));
    found = { running: [...running, load.process], span: { from, to }, figures: {
      fullTurnsPerSecond: Math.round(result.turnsPerSecond), fullMicrosPerTurn: microsPerTurn, fullMicrosPerTurnTotal: rounded(Object.values(microsPerTurn).reduce((sum, one) => sum + one, 0), 1),
      batches, p50Millis: rounded(result.p50Millis), p99Millis: rounded(result.p99Millis), window: options.number('window'), fullConversations: options.number('full-conversations'), rejected: result.rejected,
    } };
  } finally {
    await processes.stopAll();
    await removeTopics(servers.kafka.address, prefix);
    await removeKeys(servers.redis.address, prefix);
  }
  return { ...found.figures, fullProfile: profileSummaries(found.running, found.span) };
}
