import { Command } from 'commander';
import { checkCommand } from './bot/check.js';
import { evaluateCommand } from './bot/evaluate.js';
import { lintCommand } from './bot/lint.js';
import { testCommand } from './bot/test.js';
import { trainCommand } from './bot/train.js';
import type { CliContext } from './context.js';

/** `confab bot …`: one file for each command in cli/bot/. */
export function botCommand(context: CliContext): Command {
  return new Command('bot').description('bots: check, lint, test, train, evaluate')
    .addCommand(checkCommand(context))
    .addCommand(lintCommand(context))
    .addCommand(testCommand(context))
    .addCommand(trainCommand(context))
    .addCommand(evaluateCommand(context));
}
