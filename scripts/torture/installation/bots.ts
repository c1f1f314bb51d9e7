/** The bots of an installation: those of the package, and the one of reminders and actions, which calls the server of the run. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../platform/package-root.js';

export const CLERK = 'clerk';

/** Fills a folder with them. @param origin of the server that the clerk calls */
export function layBots(folder: string, origin: string): void {
  cpSync(join(packageRoot(), 'bots'), folder, { recursive: true });
  mkdirSync(join(folder, CLERK));
  const text = readFileSync(join(packageRoot(), 'simulation', 'bots', CLERK, 'bot.yaml'), 'utf8');
  // Tries and breakers as they are when nobody says anything: here their time is real.
  const real = text.replaceAll('http://counter.simulated', origin).replace(/^ +(retry|breaker): .*\n/gm, '');
  writeFileSync(join(folder, CLERK, 'bot.yaml'), real);
}

/** What an operator sets for them. */
export function botSettings(folder: string, origin: string): Record<string, string> {
  return { CONFAB_BOTS_DIR: folder, CONFAB_DEFAULT_BOT: 'parcel', CONFAB_ACTION_HOSTS: origin, CONFAB_ACTION_PRIVATE_ADDRESSES: '127.0.0.1' };
}
