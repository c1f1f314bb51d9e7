import { Command } from 'commander';
import { checkCommand } from './bot/check.js';
import { testCommand } from './bot/test.js';
import type { CliContext } from './context.js';

/** `confab bot …`: one file for each command in cli/bot/. */
export function botCommand(context: CliContext): Command {
  return new Command('bot').description('bots: check, test')
    .addCommand(checkCommand(context))
    .addCommand(testCommand(context));
}
