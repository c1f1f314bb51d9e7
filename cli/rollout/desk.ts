/** Where roll-outs and settings are handed in: Kafka itself, or the process that owns the embedded log. */
import { userInfo } from 'node:os';
import { overviewOf, type BotView } from '../../operate/rollout/overview.js';
import type { NodeStatus } from '../../operate/rollout/node-status.js';
import { RolloutLog, type Written } from '../../operate/rollout/rollout-log.js';
import type { Deployment } from '../../operate/rollout/rollout-steps.js';
import { isCode } from '../../platform/errors.js';
import { AdminClient } from '../admin-client.js';
import type { CliContext } from '../context.js';
import { codecOf, logOf } from '../log.js';

export interface Node { readonly node: string; readonly at: number; readonly status: NodeStatus }
export interface SettingView { readonly name: string; readonly value: unknown; readonly changedBy: string; readonly changedAt: string }

export interface RolloutDesk {
  /** Whether the models of a deployment travel with it; one process trains for itself. */
  readonly takesModels: boolean;
  bots(): Promise<readonly BotView[]>;
  /** What the nodes say; undefined when no server can be asked. */
  nodes(): Promise<readonly Node[] | undefined>;
  deploy(deployment: Deployment): Promise<Written>;
  promote(botId: string): Promise<Written>;
  rollback(botId: string, to: string | undefined): Promise<Written>;
  settings(): Promise<readonly SettingView[]>;
  /** null takes it back. */
  set(name: string, value: unknown): Promise<void>;
  close(): Promise<void>;
}

/** With `--url`, and on the embedded log, everything goes through that process; else to Kafka itself. */
export async function openDesk(context: CliContext, url: string | undefined): Promise<RolloutDesk> {
  const config = context.config();
  const client = new AdminClient({ config, url, clock: context.clock });
  if (url !== undefined || config.kafka.brokers === undefined) return new RemoteDesk(client);
  const codec = await codecOf(context);
  const log = await logOf(context, 'write');
  const rollout = new RolloutLog({ log, codec, clock: context.clock, prefix: config.pipeline.prefix });
  return new LogDesk(rollout, client, () => log.close());
}

class RemoteDesk implements RolloutDesk {
  readonly takesModels = false;
  constructor(private readonly client: AdminClient) {}

  async bots(): Promise<readonly BotView[]> { return (await this.client.get('/v1/admin/bots') as { bots: BotView[] }).bots; }
  nodes(): Promise<readonly Node[] | undefined> { return nodesOf(this.client); }
  /** The same step again is nothing: it may be repeated when the connection breaks. */
  async deploy({ botId, version, files, share }: Deployment): Promise<Written> {
    return await this.client.postAgain('/v1/admin/bots', { botId, version, files: files.toString('base64'), ...(share === undefined ? {} : { share }) }) as Written;
  }
  async promote(botId: string): Promise<Written> { return await this.client.post(`/v1/admin/bots/${encodeURIComponent(botId)}/promote`, {}) as Written; }
  async rollback(botId: string, to: string | undefined): Promise<Written> { return await this.client.post(`/v1/admin/bots/${encodeURIComponent(botId)}/rollback`, to === undefined ? {} : { to }) as Written; }
  async settings(): Promise<readonly SettingView[]> { return (await this.client.get('/v1/admin/settings') as { settings: SettingView[] }).settings; }
  async set(name: string, value: unknown): Promise<void> { await this.client.postAgain('/v1/admin/settings', { name, value }); }
  close(): Promise<void> { return Promise.resolve(); }
}

class LogDesk implements RolloutDesk {
  readonly takesModels = true;
  constructor(private readonly rollout: RolloutLog, private readonly client: AdminClient, readonly close: () => Promise<void>) {}

  async bots(): Promise<readonly BotView[]> { return overviewOf(await this.rollout.table()).bots; }
  /** The log does not know the nodes: a server does. */
  async nodes(): Promise<readonly Node[] | undefined> {
    try { return await nodesOf(this.client); } catch (error) {
      if (isCode(error, 'CONFAB_SERVER_UNREACHABLE', 'CONFAB_OUTCOME_UNKNOWN', 'CONFAB_TOKEN_MISSING', 'CONFAB_SCOPE_MISSING')) return undefined;
      throw error;
    }
  }
  deploy(deployment: Deployment): Promise<Written> { return this.rollout.deploy(deployment, whoami()); }
  promote(botId: string): Promise<Written> { return this.rollout.promote(botId, whoami()); }
  rollback(botId: string, to: string | undefined): Promise<Written> { return this.rollout.rollback(botId, to, whoami()); }
  async settings(): Promise<readonly SettingView[]> { return (await this.rollout.settings()).all().map((one) => ({ ...one, changedAt: new Date(one.changedAt).toISOString() })); }
  set(name: string, value: unknown): Promise<void> { return this.rollout.change(name, value, whoami()); }
}

async function nodesOf(client: AdminClient): Promise<readonly Node[]> {
  return (await client.get('/v1/admin/bots?part=nodes') as { nodes: Node[] }).nodes;
}

function whoami(): string {
  try { return userInfo().username; } catch { return 'unknown'; }
}
