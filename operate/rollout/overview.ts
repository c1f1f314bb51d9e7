/** What bots.v1 says, for people and programs: without the files. */
import type { RolloutTable } from './rollout-table.js';

export interface VersionView {
  readonly version: string;
  /** `earlier` is live for conversations that began with it; `kept` is only there to go back to. */
  readonly state: 'current' | 'canary' | 'earlier' | 'kept' | 'retired';
  readonly share: number;
  /** Bytes of the packed folder. */
  readonly bytes: number;
  readonly deployedAt: string | null;
  readonly deployedBy: string | null;
}

export interface BotView { readonly id: string; readonly versions: readonly VersionView[] }

/** Live at once, canary included. */
const LIVE = 3;

export function overviewOf(table: RolloutTable): { bots: BotView[] } {
  return {
    bots: table.botIds().map((id) => {
      const plan = table.plan(id);
      const live = [plan?.current, plan?.canary, ...plan?.earlier ?? []].flatMap((one) => one ?? []).slice(0, LIVE);
      return {
        id,
        versions: table.versions(id).map((one): VersionView => ({
          version: one.version, share: one === plan?.current ? 1 - (plan.canary?.share ?? 0) : one === plan?.canary ? one.share : 0,
          state: one === plan?.current ? 'current' : one === plan?.canary ? 'canary' : live.includes(one) ? 'earlier' : one.status === 'retired' || one.files === null ? 'retired' : 'kept',
          bytes: one.files?.length ?? 0, deployedAt: one.deployedAt === null ? null : new Date(one.deployedAt).toISOString(), deployedBy: one.deployedBy,
        })),
      };
    }),
  };
}
