import { Command } from 'commander';
import { checkCommand } from './bot/check.js';
import { evaluateCommand } from './bot/evaluate.js';
import { lintCommand } from './bot/lint.js';
import { deployCommand } from './bot/deploy.js';
import { diffCommand } from './bot/diff.js';
import { promoteCommand, rollbackCommand } from './bot/steps.js';
import { versionsCommand } from './bot/versions.js';
import { recordCommand } from './bot/record.js';
import { testCommand } from './bot/test.js';
import { trainCommand } from './bot/train.js';
import type { CliContext } from './context.js';

/** `confab bot …`: one file for each command in cli/bot/. */
export function botCommand(context: CliContext): Command {
  return new Command('bot').description('bots: check, lint, test, record, train, evaluate, deploy, promote, rollback, versions, diff')
    .addCommand(checkCommand(context))
    .addCommand(lintCommand(context))
    .addCommand(testCommand(context))
    .addCommand(recordCommand(context))
    .addCommand(trainCommand(context))
    .addCommand(evaluateCommand(context))
    .addCommand(deployCommand(context))
    .addCommand(promoteCommand(context))
    .addCommand(rollbackCommand(context))
    .addCommand(versionsCommand(context))
    .addCommand(diffCommand(context));
}
