/** The bots that a process has, by id; each in up to three live versions. */
import type { Bot } from './types.js';

export interface Bots {
  /** Live versions of a bot, the current one first; empty for an unknown bot. The same array until it changes. */
  versions(botId: string): readonly Bot[];
  /** Every live version of every bot. */
  all(): readonly Bot[];
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
