/** Reads a folder of bots and trains what is new, for a process that uses an earlier form of them. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { checkBot, type Bot, type Fault } from '../../processors/bot/index.js';
import { trainInto, type ModelCache } from '../../processors/intent/index.js';

/** What became of one folder. Plain data: it passes between threads. */
export interface BotReading {
  readonly folder: string;
  /** The version that is new; undefined when nothing changed, or with faults. */
  readonly bot: Bot | undefined;
  readonly faults: readonly Fault[];
}

export interface ReadRequest {
  readonly root: string;
  /** Versions in use, by bot id. */
  readonly known: Readonly<Record<string, string>>;
}

/** @returns folders that hold a new version, or faults; nothing while the folder of bots is not there */
export async function readBots({ root, known }: ReadRequest, models: ModelCache): Promise<BotReading[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch(() => []);
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name).sort();
  const owners = new Map<string, string>();
  const readings: BotReading[] = [];
  for (const folder of folders) {
    const { bot, faults } = await checkBot(join(root, folder));
    if (bot === undefined) { readings.push({ folder, bot, faults }); continue; }
    const owner = owners.get(bot.id);
    owners.set(bot.id, owner ?? folder);
    if (owner !== undefined) { readings.push({ folder, bot: undefined, faults: [{ file: 'bot.yaml', line: 1, column: 1, reason: `${owner} has the id "${bot.id}" too` }] }); continue; }
    if (known[bot.id] === bot.version) continue;
    trainInto(bot, models);
    readings.push({ folder, bot, faults });
  }
  return readings;
}
