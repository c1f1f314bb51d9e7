/** Which bots a command is about. */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfabError } from '../../platform/errors.js';
import { suggestion } from '../terminal.js';

export const BOT_ARGUMENT = 'folder of a bot, or the name of one in CONFAB_BOTS_DIR';

/**
 * The folder of the bot that is named; without a name those of all bots.
 * @throws CONFAB_BOT_UNKNOWN
 */
export async function foldersOf(botsDir: string, wanted: string | undefined): Promise<string[]> {
  let names: string[] = [];
  try {
    names = (await readdir(botsDir, { withFileTypes: true })).filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name).sort();
  } catch { /* Without that folder only a path can be named. */ }
  if (wanted === undefined) {
    if (names.length === 0) throw new ConfabError('CONFAB_BOT_UNKNOWN', { detail: `CONFAB_BOTS_DIR ${botsDir} holds no bot.` });
    return names.map((name) => join(botsDir, name));
  }
  if (names.includes(wanted)) return [join(botsDir, wanted)];
  if (existsSync(wanted)) return [wanted];
  throw new ConfabError('CONFAB_BOT_UNKNOWN', { detail: `There is no folder "${wanted}", neither here nor in CONFAB_BOTS_DIR.${suggestion(wanted, names)}` });
}
