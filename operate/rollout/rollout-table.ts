/**
 * What bots.v1 says, as every node reads it. Each version of a bot has a record of its own, so each step of a roll-out
 * is one record, and what is live follows from the newest record of each version alone: compaction changes nothing.
 * The current version is the live one that stands last on the log; a canary counts while it stands behind that.
 */
import type { BotVersion } from '../../schemas/types.js';

export type VersionStatus = 'live' | 'canary' | 'retired';

export interface DeployedVersion {
  readonly botId: string;
  readonly version: string;
  readonly status: VersionStatus;
  /** Of a canary, 0 to 1. */
  readonly share: number;
  /** null: it can no longer be used. */
  readonly files: Buffer | null;
  /** Where its record stands in bots.v1. */
  readonly offset: number;
  readonly deployedAt: number | null;
  readonly deployedBy: string | null;
}

export interface RolloutPlan {
  readonly current: DeployedVersion | undefined;
  readonly canary: DeployedVersion | undefined;
  /** Live ones before the current, the latest first. */
  readonly earlier: readonly DeployedVersion[];
}

/**
 * Parts of the models of a version (model-parts.ts) stand before it, under `<bot>@<version>+<number>` and with this status,
 * which programs that do not know it pass over.
 */
export const MODEL_STATUS = 'model';
const PART = /^([0-9a-f]{16})\+\d{1,3}$/;

/** Live versions that stay on the log, to go back to. */
export const KEPT_VERSIONS = 5;

export const versionKey = (botId: string, version: string): string => `${botId}@${version}`;
export const partKey = (botId: string, version: string, index: number): string => `${versionKey(botId, version)}+${index}`;

export class RolloutTable {
  private readonly bots = new Map<string, Map<string, DeployedVersion>>();
  /** By the key of the version, then of the part; null where parts are not kept. */
  private readonly parts = new Map<string, Map<string, Buffer | null>>();

  /** @param keepsModels where models are used; elsewhere only their keys are known */
  constructor(private readonly keepsModels = false) {}

  /** Forgets everything; returns the bots that there were. */
  clear(): string[] {
    const ids = [...this.bots.keys()];
    this.bots.clear();
    this.parts.clear();
    return ids;
  }

  /** The bot that the record is about; undefined for one that says nothing to us. */
  apply(key: string | null, value: BotVersion | null, offset: number): string | undefined {
    const cut = key?.lastIndexOf('@') ?? -1;
    if (key === null || cut <= 0) return undefined;
    const botId = key.slice(0, cut);
    const version = key.slice(cut + 1);
    const owner = PART.exec(version)?.[1];
    if (owner !== undefined) { this.applyPart(versionKey(botId, owner), key, value); return undefined; }
    const versions = this.bots.get(botId) ?? new Map<string, DeployedVersion>();
    this.bots.set(botId, versions);
    if (value === null) { versions.delete(version); return botId; }
    if (value.botId !== botId || value.version !== version || !isStatus(value.status)) return undefined;
    const { status, share, files, deployedAt, deployedBy } = value;
    versions.set(version, { botId, version, status, share: status === 'canary' ? Math.min(1, Math.max(0, share)) : 1, files, offset, deployedAt, deployedBy });
    return botId;
  }

  /** The parts of a version's models that stand on the log. */
  models(botId: string, version: string): Buffer[] {
    return [...this.parts.get(versionKey(botId, version))?.values() ?? []].flatMap((part) => part ?? []);
  }

  /** Gives their room back: who has used them has them elsewhere. */
  dropModels(botId: string, version: string): void {
    const parts = this.parts.get(versionKey(botId, version));
    for (const key of parts?.keys() ?? []) parts?.set(key, null);
  }

  /** Keys of the parts of a version's models, or of those of all versions of the bot. */
  partKeys(botId: string, version?: string): string[] {
    return [...this.parts].flatMap(([owner, parts]) => (version === undefined ? owner.startsWith(versionKey(botId, '')) : owner === versionKey(botId, version)) ? [...parts.keys()] : []);
  }

  private applyPart(owner: string, key: string, value: BotVersion | null): void {
    const parts = this.parts.get(owner) ?? new Map<string, Buffer | null>();
    if (value === null) parts.delete(key);
    else if (value.status === MODEL_STATUS && value.files !== null) parts.set(key, this.keepsModels ? value.files : null);
    if (parts.size === 0) this.parts.delete(owner); else this.parts.set(owner, parts);
  }

  /** Bots that have a live version or a canary here. */
  botIds(): string[] {
    return [...this.bots].filter(([, versions]) => [...versions.values()].some(({ status }) => status !== 'retired')).map(([id]) => id).sort();
  }

  /** Every version of a bot that the log still names, the newest record first. */
  versions(botId: string): DeployedVersion[] {
    return [...this.bots.get(botId)?.values() ?? []].sort((a, b) => b.offset - a.offset);
  }

  /** @returns undefined for a bot of which nothing is live or tried: its files count alone */
  plan(botId: string): RolloutPlan | undefined {
    const all = this.versions(botId).filter(({ files }) => files !== null);
    const [current, ...earlier] = all.filter(({ status }) => status === 'live');
    const canary = all.find(({ status, offset }) => status === 'canary' && offset > (current?.offset ?? -1));
    return current === undefined && canary === undefined ? undefined : { current, canary, earlier };
  }
}

function isStatus(status: string): status is VersionStatus {
  return status === 'live' || status === 'canary' || status === 'retired';
}
