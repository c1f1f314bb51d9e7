/**
 * The bots that a process has, by id; each in up to three live versions. They come from a folder (files) or from a roll-out
 * (the log); where a roll-out gives a bot a current version, that of the files is one of the earlier ones.
 */
import { shareOf } from './share.js';
import type { Bot } from './types.js';

export interface Bots {
  /** Live versions of a bot, the current one first; empty for an unknown bot. The same array until it changes. */
  versions(botId: string): readonly Bot[];
  /** Every live version of every bot. */
  all(): readonly Bot[];
  /** The version that a conversation begins with: the current one or, for its share of the conversations, the canary. */
  choose(botId: string, conversation: string): Bot | undefined;
  /** True while a bot is known and none of its versions can be used yet, but one will. */
  awaited?(botId: string): boolean;
  /** Where bots may change while they are used: `prepare` is called for each one that comes, before it is handed out. */
  beforeUse?(prepare: (bot: Bot) => void): void;
}

/** What a roll-out says about one bot. */
export interface Rollout {
  /** null: that of the files. */
  readonly current: Bot | null;
  readonly canary: Canary | null;
  /** Versions that conversations may still be in, the latest first. */
  readonly earlier: readonly Bot[];
}

export interface Canary {
  readonly bot: Bot;
  /** Share of the conversations, 0 to 1. */
  readonly share: number;
}

export const MOST_LIVE = 3;
const NONE: readonly Bot[] = [];

/** A fixed set. The first version given of an id is its current one. */
export function fixedBots(list: readonly Bot[]): Bots {
  const byId = new Map<string, Bot[]>();
  for (const bot of list) {
    const versions = byId.get(bot.id) ?? [];
    if (!byId.has(bot.id)) byId.set(bot.id, versions);
    if (versions.length < MOST_LIVE && !versions.some((one) => one.version === bot.version)) versions.push(bot);
  }
  const all = [...byId.values()].flat();
  return { versions: (botId) => byId.get(botId) ?? NONE, all: () => all, choose: (botId) => byId.get(botId)?.[0] };
}

interface Entry {
  /** Of the folder. */
  file: Bot | undefined;
  rollout: Rollout | undefined;
  versions: readonly Bot[];
  canary: Canary | null;
}

/**
 * Bots that are exchanged while they are used. Of files a bot has one version, the newest: a conversation that began under
 * another one goes on under the newest at its next turn. Of a roll-out it has the current one, a canary and earlier ones.
 */
export class SwappableBots implements Bots {
  private readonly byId = new Map<string, Entry>();
  private list: readonly Bot[] = NONE;
  private readonly preparations: ((bot: Bot) => void)[] = [];
  private readonly prepared = new WeakSet<Bot>();

  constructor(bots: readonly Bot[]) {
    for (const bot of bots) this.put(bot.id, { file: bot });
  }

  versions(botId: string): readonly Bot[] { return this.byId.get(botId)?.versions ?? NONE; }

  all(): readonly Bot[] { return this.list; }

  choose(botId: string, conversation: string): Bot | undefined {
    const entry = this.byId.get(botId);
    if (entry === undefined) return undefined;
    const { canary, versions } = entry;
    return canary !== null && shareOf(conversation, canary.bot.version) < canary.share ? canary.bot : versions[0];
  }

  /** Replaced by who rolls out. */
  awaited: (botId: string) => boolean = () => false;

  beforeUse(prepare: (bot: Bot) => void): void { this.preparations.push(prepare); }

  /** The version of the files. */
  file(botId: string): Bot | undefined { return this.byId.get(botId)?.file; }

  /** Prepares the bot and puts it in the place of the files' earlier version; whoever asks from now on gets it. */
  replace(bot: Bot): void {
    this.prepare(bot);
    this.put(bot.id, { file: bot });
  }

  /** Prepares what is new and exchanges what a roll-out gives, all of it at once. Undefined takes the roll-out back. */
  roll(botId: string, rollout: Rollout | undefined): void {
    for (const bot of [rollout?.current, rollout?.canary?.bot, ...rollout?.earlier ?? []]) if (bot) this.prepare(bot);
    this.put(botId, { rollout });
  }

  private prepare(bot: Bot): void {
    if (this.prepared.has(bot)) return;
    for (const prepare of this.preparations) prepare(bot);
    this.prepared.add(bot);
  }

  private put(botId: string, change: { readonly file: Bot } | { readonly rollout: Rollout | undefined }): void {
    const entry: Entry = { ...this.byId.get(botId) ?? { file: undefined, rollout: undefined, versions: NONE, canary: null }, ...change };
    const current = entry.rollout?.current ?? entry.file;
    const canary = entry.rollout?.canary ?? null;
    // Without a current version nobody could be left out of the share.
    entry.canary = current === undefined || canary?.bot.version === current.version ? null : canary;
    const versions: Bot[] = [];
    for (const bot of [current, entry.canary?.bot, ...entry.rollout?.earlier ?? [], entry.rollout === undefined ? undefined : entry.file]) {
      if (bot && versions.length < MOST_LIVE && !versions.some(({ version }) => version === bot.version)) versions.push(bot);
    }
    entry.versions = versions;
    if (versions.length === 0) this.byId.delete(botId); else this.byId.set(botId, entry);
    this.list = [...this.byId.values()].flatMap((one) => one.versions);
  }
}
