/**
 * The bots of a node as bots.v1 says. What it deploys is made ready in a process of its own and used when it is; what cannot
 * be used is refused, with its reason in log, metric and status, and the version before goes on. A start ends only when
 * all that was on the log has been made ready or refused, so a node never begins with a version that was replaced before.
 */
import { versionKey, type RolloutTable, type DeployedVersion, type RolloutPlan } from '../../operate/rollout/rollout-table.js';
import type { BotStatus, VersionState } from '../../operate/rollout/node-status.js';
import type { Clock, Timer } from '../../platform/clock.js';
import type { Logger } from '../../platform/observability/logger.js';
import { Counter, Gauge, type Metrics } from '../../platform/observability/metrics.js';
import { MOST_LIVE, type Bot, type SwappableBots } from '../../processors/bot/index.js';
import type { PackedVersion, PreparedVersion } from './prepare.js';

export interface BotRolloutOptions {
  readonly table: RolloutTable;
  readonly bots: SwappableBots;
  readonly prepare: (versions: readonly PackedVersion[]) => Promise<readonly PreparedVersion[]>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** After every change of what this node runs. */
  readonly changed?: () => void;
}

/** What came of making a version ready. */
type Made = { readonly bot: Bot } | { readonly refused: string };

/** After a process that ended without an answer. */
const RETRY_MILLIS = 2000;

export class BotRollout {
  private readonly made = new Map<string, Made>();
  private readonly dirty = new Set<string>();
  private working: Promise<void> | undefined;
  private retry: Timer | undefined;
  private closed = false;
  private readonly refusals: Counter;
  private readonly live: Gauge;

  constructor(private readonly options: BotRolloutOptions) {
    const { metrics, bots } = options;
    this.refusals = new Counter({ name: 'confab_bot_versions_refused_total', help: 'Deployed versions of bots that this process cannot use.', labelNames: ['bot'], registers: [metrics] });
    this.live = new Gauge({ name: 'confab_bot_version_info', help: 'Always 1; the labels say which versions of bots this process runs, and as what.', labelNames: ['bot', 'version', 'state'], registers: [metrics] });
    bots.awaited = (botId) => options.table.plan(botId) !== undefined && this.status(botId).some(({ state }) => state === 'preparing');
  }

  /** These bots may be otherwise now. */
  touch(botIds: Iterable<string>): void {
    for (const botId of botIds) this.dirty.add(botId);
    this.working ??= this.work().finally(() => { this.working = undefined; });
  }

  /** Resolves when nothing is left to be made ready. */
  async settled(): Promise<void> { while (this.working !== undefined) await this.working; }

  close(): Promise<void> {
    this.closed = true;
    this.retry?.cancel();
    return this.working ?? Promise.resolve();
  }

  /** What this node runs of each bot of the roll-out, and of the files. */
  statuses(): BotStatus[] {
    const ids = new Set([...this.options.table.botIds(), ...this.options.bots.all().map(({ id }) => id)]);
    return [...ids].sort().map((id) => ({ id, versions: this.status(id) }));
  }

  private async work(): Promise<void> {
    while (this.dirty.size > 0 && !this.closed) {
      const botIds = [...this.dirty];
      this.dirty.clear();
      const wanted = botIds.flatMap((botId) => this.wanted(botId)).filter((one) => !this.made.has(nameOf(one)));
      if (wanted.length > 0) {
        this.options.changed?.();
        await this.make(wanted);
      }
      for (const botId of botIds) this.use(botId);
      this.report();
    }
  }

  private wanted(botId: string): DeployedVersion[] {
    const plan = this.options.table.plan(botId);
    return plan === undefined ? [] : planned(plan).slice(0, MOST_LIVE);
  }

  private async make(wanted: readonly DeployedVersion[]): Promise<void> {
    const { table, prepare, logger, clock } = this.options;
    const begun = clock.monotonic();
    try {
      for (const one of await prepare(wanted.map(({ botId, version, files }) => ({ botId, version, files: files ?? Buffer.alloc(0), models: table.models(botId, version) })))) {
        table.dropModels(one.botId, one.version);
        this.made.set(nameOf(one), 'bot' in one ? { bot: one.bot } : { refused: one.refused });
        const about = { bot: one.botId, version: one.version, millis: Math.round(clock.monotonic() - begun) };
        if ('bot' in one) logger.info(about, `the bot "${one.botId}" ${one.version} was deployed and can be used`);
        else this.refuse(about, one.refused);
      }
    } catch (error) {
      if (this.closed) return;
      logger.error({ err: error }, 'deployed bots could not be made ready; it is tried again, those before go on');
      this.retry?.cancel();
      this.retry = clock.after(RETRY_MILLIS, () => { this.touch(wanted.map(({ botId }) => botId)); });
    }
  }

  private refuse(about: { readonly bot: string; readonly version: string }, reason: string): void {
    this.refusals.labels(about.bot).inc();
    this.options.logger.error({ ...about, reason }, `the bot "${about.bot}" ${about.version} was deployed and cannot be used here; what was used before goes on`);
  }

  /** Hands out what is ready of the plan; where the current version is not, the latest before it. */
  private use(botId: string): void {
    const { table, bots } = this.options;
    const plan = table.plan(botId);
    this.forget(botId, plan);
    if (plan === undefined) { bots.roll(botId, undefined); return; }
    const ready = (version: DeployedVersion | undefined): Bot | undefined => {
      const made = version && this.made.get(nameOf(version));
      return made && 'bot' in made ? made.bot : undefined;
    };
    const running = [plan.current, ...plan.earlier].flatMap((one) => ready(one) ?? []);
    const canary = ready(plan.canary);
    try {
      bots.roll(botId, { current: running[0] ?? null, canary: canary === undefined || plan.canary === undefined ? null : { bot: canary, share: plan.canary.share }, earlier: running.slice(1) });
    } catch (error) {
      // What a stage cannot build its tables from is refused like what cannot be checked.
      for (const bot of [running[0], canary]) {
        if (bot === undefined || bots.versions(botId).includes(bot)) continue;
        this.made.set(versionKey(botId, bot.version), { refused: String(error) });
        this.refuse({ bot: botId, version: bot.version }, String(error));
        this.dirty.add(botId);
      }
    }
  }

  /** What is no longer planned is not kept in memory. */
  private forget(botId: string, plan: RolloutPlan | undefined): void {
    const kept = new Set(plan === undefined ? [] : planned(plan).slice(0, MOST_LIVE).map(nameOf));
    for (const name of this.made.keys()) if (name.startsWith(versionKey(botId, '')) && !kept.has(name)) this.made.delete(name);
  }

  private status(botId: string): { version: string; state: VersionState; share?: number; reason?: string }[] {
    const { table, bots } = this.options;
    const used = bots.versions(botId);
    const plan = table.plan(botId);
    const states = used.map(({ version }, index) => {
      const isCanary = index > 0 && plan?.canary?.version === version;
      return { version, state: index === 0 ? 'current' as const : isCanary ? 'canary' as const : 'earlier' as const, ...(isCanary ? { share: plan.canary?.share ?? 0 } : {}) };
    });
    const others = this.wanted(botId).filter(({ version }) => !used.some((bot) => bot.version === version)).map((one) => {
      const made = this.made.get(nameOf(one));
      return { version: one.version, ...(made !== undefined && 'refused' in made ? { state: 'refused' as const, reason: made.refused } : { state: 'preparing' as const }) };
    });
    return [...states, ...others];
  }

  private report(): void {
    this.live.reset();
    for (const { id, versions } of this.statuses()) for (const { version, state } of versions) this.live.labels(id, version, state).set(1);
    this.options.changed?.();
  }
}

const nameOf = ({ botId, version }: { readonly botId: string; readonly version: string }): string => versionKey(botId, version);
const planned = ({ current, canary, earlier }: RolloutPlan): DeployedVersion[] => [current, canary, ...earlier].flatMap((one) => one ?? []);
