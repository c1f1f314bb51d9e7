/** A process for each role of the program on Kafka and Redis, and what they use. */
import { rounded } from './benchmark.js';
import { CpuMeter } from './cpu.js';
import { nodeOptionsOf } from './node-options.js';
import type { Processes, Running } from './processes.js';
import { profileClock, profileSummaries, type ProfileSummary } from './profile.js';
import { meanBetween, scrape } from './scrape.js';
import type { Server } from './servers.js';
import { makeTopics } from './topics.js';

export const ROLES = ['ingress', 'intent', 'dialogue', 'analytics', 'egress'] as const;

interface Servers { readonly kafka: Server; readonly redis: Server }

export interface AllRoles {
  readonly running: readonly Running[];
  readonly ingestUrl: string;
  readonly streamUrl: string;
}

/** Starts one process for each role. */
export async function startAllRoles(processes: Processes, prefix: string, servers: Servers, more: NodeJS.ProcessEnv = {}): Promise<AllRoles> {
  const settings = { ...more, CONFAB_KAFKA_BROKERS: servers.kafka.address, CONFAB_REDIS_URL: servers.redis.address, CONFAB_PREFIX: prefix };
  await makeTopics(servers.kafka.address, prefix);
  const running = await Promise.all(ROLES.map((role) => processes.startConfab(role, ['--role', role], { ...nodeOptionsOf(role), ...settings })));
  const urlOf = (role: string): string => running.find((one) => one.name === role)?.url ?? '';
  return { running, ingestUrl: urlOf('ingress'), streamUrl: urlOf('egress') };
}

/** What a turn cost in a span of time. */
export interface Usage {
  /** CPU time, microseconds by process. */
  readonly microsPerTurn: Readonly<Record<string, number>>;
  readonly microsPerTurnTotal: number;
  /** Messages of an append of ingress, inputs of a commit of each stage: how much one request to Kafka carries. */
  readonly batches: Readonly<Record<string, number>>;
}

export class UsageMeter {
  private readonly cpu: CpuMeter;
  private before: readonly ReadonlyMap<string, number>[] = [];
  private from = 0;

  constructor(private readonly all: AllRoles, private readonly load: readonly Running[], { kafka, redis }: Servers) {
    this.cpu = new CpuMeter({ ...Object.fromEntries(all.running.map((one) => [one.name, [one.pid]])), load: load.map(({ pid }) => pid), kafka: kafka.pids, redis: redis.pids });
  }

  async start(): Promise<void> {
    this.before = await Promise.all(this.all.running.map(scrape));
    this.cpu.start();
    this.from = profileClock();
  }

  /** Ends the span; what was done in it may be counted later. `profiles`: once the processes have ended. */
  async stop(): Promise<{ readonly usage: (turns: number) => Usage; readonly profiles: () => Record<string, ProfileSummary> | undefined }> {
    const span = { from: this.from, to: profileClock() };
    const used = this.cpu.perUnit(1);
    const batches = batchSizes(this.before, await Promise.all(this.all.running.map(scrape)));
    return {
      usage: (turns) => ({
        microsPerTurn: Object.fromEntries(Object.entries(used).map(([name, micros]) => [name, rounded(micros / turns, 1)])),
        microsPerTurnTotal: rounded(Object.values(used).reduce((sum, micros) => sum + micros, 0) / turns, 1), batches,
      }),
      profiles: () => profileSummaries([...this.all.running, ...this.load], span),
    };
  }
}

function batchSizes(before: readonly ReadonlyMap<string, number>[], after: readonly ReadonlyMap<string, number>[]): Record<string, number> {
  const mean = (role: (typeof ROLES)[number], sum: string, count: string): number => rounded(meanBetween(before[ROLES.indexOf(role)] ?? new Map(), after[ROLES.indexOf(role)] ?? new Map(), sum, count) ?? 0, 1);
  const commit = (stage: 'intent' | 'dialogue' | 'analytics'): number => mean(stage, `confab_stage_inputs_committed_total{stage="${stage}"}`, `confab_stage_commit_duration_seconds_count{stage="${stage}"}`);
  return {
    ingress: mean('ingress', 'confab_ingress_batch_records_sum', 'confab_ingress_batch_records_count'),
    intent: commit('intent'), dialogue: commit('dialogue'), analytics: commit('analytics'),
  };
}
