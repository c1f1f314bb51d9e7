/** The steps of a roll-out as records of bots.v1: pure functions of what is there. Each step counts from its first record on. */
import { ConfabError } from '../../platform/errors.js';
import type { BotVersion } from '../../schemas/types.js';
import { KEPT_VERSIONS, type DeployedVersion, type RolloutTable } from './rollout-table.js';

export interface Step {
  readonly records: readonly BotVersion[];
  /** What it comes to, in one sentence. */
  readonly said: string;
}

export interface Deployment {
  readonly botId: string;
  readonly version: string;
  readonly files: Buffer;
  /** Of a canary; undefined takes all conversations. */
  readonly share: number | undefined;
  /** Parts of its trained models (model-parts.ts); without them each node trains for itself. */
  readonly models?: readonly Buffer[];
}

export interface Author { readonly now: number; readonly by: string }

/** Files make sense to nobody any more: a retired version gives its room back. */
const retired = (version: Pick<DeployedVersion, 'botId' | 'version'>, { now, by }: Author): BotVersion => ({ botId: version.botId, version: version.version, status: 'retired', share: 0, files: null, deployedAt: now, deployedBy: by });

const live = ({ botId, version, files }: Pick<DeployedVersion, 'botId' | 'version' | 'files'>, { now, by }: Author): BotVersion => ({ botId, version, status: 'live', share: 1, files, deployedAt: now, deployedBy: by });

const refuse = (detail: string): ConfabError => new ConfabError('CONFAB_ROLLOUT_REFUSED', { detail });
const percent = (share: number): string => `${Number((share * 100).toFixed(2))} %`;

/** Nothing where it is so already. */
export function deploySteps(table: RolloutTable, deployment: Deployment, author: Author): Step {
  const { botId, version, files, share } = deployment;
  const plan = table.plan(botId);
  if (plan?.current?.version === version && (share !== undefined || plan.canary === undefined)) {
    if (share !== undefined) throw refuse(`${version} is the current version of "${botId}": it cannot be tried beside itself.`);
    return { records: [], said: `${botId} ${version} is live already: nothing was written` };
  }
  const others = table.versions(botId).filter((one) => one.version !== version);
  const canaries = others.filter(({ status }) => status === 'canary').map((one) => retired(one, author));
  if (share !== undefined) {
    if (plan?.canary?.version === version && plan.canary.share === share) return { records: [], said: `${botId} ${version} gets ${percent(share)} already: nothing was written` };
    return { records: [{ botId, version, status: 'canary', share, files, deployedAt: author.now, deployedBy: author.by }, ...canaries], said: `${botId} ${version} gets ${percent(share)} of new conversations` };
  }
  const old = others.filter(({ status }) => status === 'live').slice(KEPT_VERSIONS - 1).map((one) => retired(one, author));
  return { records: [live({ botId, version, files }, author), ...canaries, ...old], said: `${botId} ${version} is live` };
}

/** The canary gets all conversations. @throws CONFAB_ROLLOUT_REFUSED there is none */
export function promoteSteps(table: RolloutTable, botId: string, author: Author): Step {
  const canary = table.plan(botId)?.canary;
  if (canary === undefined || canary.files === null) throw refuse(`"${botId}" has no canary to promote.`);
  return deploySteps(table, { botId, version: canary.version, files: canary.files, share: undefined }, author);
}

/**
 * Takes the canary back; without one, goes back to the version before, or where there is none to the files. `to` names
 * another one that is kept, or `files`: then the folder that each node has counts again. What is left is retired: conversations that began with it move.
 * @throws CONFAB_ROLLOUT_REFUSED there is nothing to go back to
 */
export function rollbackSteps(table: RolloutTable, botId: string, to: string | undefined, author: Author): Step {
  const plan = table.plan(botId);
  if (plan === undefined) throw refuse(`Nothing of "${botId}" is deployed: its files count.`);
  const { current, canary, earlier } = plan;
  if (to === 'files' || (to === undefined && canary === undefined && earlier.length === 0)) {
    // A canary that another operator's step overtook counts no more, but would again if only what counts now were retired.
    const all = (['canary', 'live'] as const).flatMap((status) => table.versions(botId).filter((one) => one.status === status));
    return { records: all.map((one) => retired(one, author)), said: `${botId} is what the files of each node say` };
  }
  if (canary !== undefined && to === undefined) return { records: [retired(canary, author)], said: `the canary ${canary.version} of ${botId} is taken back${current === undefined ? '' : `; ${current.version} goes on`}` };
  const target = to === undefined ? earlier[0] : earlier.find(({ version }) => version.startsWith(to));
  if (target === undefined) throw refuse(`${to} is none of the kept versions of "${botId}": ${earlier.map(({ version }) => version).join(', ') || 'there are none'}.`);
  const left = [current, canary, ...earlier.slice(0, earlier.indexOf(target))].flatMap((one) => one ?? []);
  return { records: [live(target, author), ...left.map((one) => retired(one, author))], said: `${botId} ${target.version} is live again; ${left.map(({ version }) => version).join(', ')} retired` };
}
