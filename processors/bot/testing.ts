/** For tests only: bots written as text. */
import { checkFiles, type BotCheck } from './loader.js';
import type { Bot } from './types.js';

/** The least head that a bot can have; `more` is added to it. */
export const head = (more = ''): string => `format: 1\nid: test\nfallback: {say: lost}\nresponses:\n  lost: What?\n${more}`;

export function check(files: Readonly<Record<string, string>>): BotCheck {
  return checkFiles(Object.entries(files).map(([file, text]) => ({ file, bytes: Buffer.from(text) })));
}

/** The bot of the files, which must have no fault. */
export function botOf(files: Readonly<Record<string, string>>): Bot {
  const { bot, faults } = check(files);
  if (!bot) throw new Error(faults.map((fault) => `${fault.file}:${fault.line}:${fault.column} ${fault.reason}`).join('\n'));
  return bot;
}
