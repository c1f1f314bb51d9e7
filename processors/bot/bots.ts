/** The bots that a process has, by id; each in up to three live versions. */
import type { Bot } from './types.js';

export interface Bots {
  /** Live versions of a bot, the current one first; empty for an unknown bot. The same array until it changes. */
  versions(botId: string): readonly Bot[];
  /** Every live version of every bot. */
  all(): readonly Bot[];
  /** Where bots may change while they are used: `prepare` is called for each one that comes, before it is handed out. */
  beforeUse?(prepare: (bot: Bot) => void): void;
}

const LIVE = 3;
const NONE: readonly Bot[] = [];

/** A fixed set. The first version given of an id is its current one. */
export function fixedBots(list: readonly Bot[]): Bots {
  const byId = new Map<string, Bot[]>();
  for (const bot of list) {
    const versions = byId.get(bot.id) ?? [];
    if (!byId.has(bot.id)) byId.set(bot.id, versions);
    if (versions.length < LIVE && !versions.some((one) => one.version === bot.version)) versions.push(bot);
  }
  const all = [...byId.values()].flat();
  return { versions: (botId) => byId.get(botId) ?? NONE, all: () => all };
}

/**
 * Bots that are exchanged while they are used: each has one version, the newest. A conversation that began under another
 * one goes on under the newest at its next turn; the dialogue carries its slots and its open question over.
 */
export class SwappableBots implements Bots {
  private readonly byId = new Map<string, readonly Bot[]>();
  private list: readonly Bot[] = NONE;
  private readonly preparations: ((bot: Bot) => void)[] = [];

  constructor(bots: readonly Bot[]) {
    for (const bot of bots) this.put(bot);
  }

  versions(botId: string): readonly Bot[] { return this.byId.get(botId) ?? NONE; }

  all(): readonly Bot[] { return this.list; }

  beforeUse(prepare: (bot: Bot) => void): void { this.preparations.push(prepare); }

  /** Prepares the bot and puts it in the place of its earlier version; whoever asks from now on gets it. */
  replace(bot: Bot): void {
    for (const prepare of this.preparations) prepare(bot);
    this.put(bot);
  }

  private put(bot: Bot): void {
    this.byId.set(bot.id, [bot]);
    this.list = [...this.byId.values()].flat();
  }
}
