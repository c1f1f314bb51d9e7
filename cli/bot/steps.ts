/** `confab bot promote` and `confab bot rollback`: one command each, no file and no restart. */
import { Command, InvalidArgumentError } from 'commander';
import type { CliContext } from '../context.js';
import { openDesk, type RolloutDesk } from '../rollout/desk.js';
import type { Written } from '../../operate/rollout/rollout-log.js';
import { onlyBot, urlOption } from './deploy.js';

interface Flags { to?: string; json?: boolean; url?: string }

const CODES = '\n\nExit codes: 0 done, 1 it cannot be done, 64 wrong command line.';

export function promoteCommand(context: CliContext): Command {
  return new Command('promote').argument('[bot]', 'id of a bot; default: the only one that is deployed').description('give the canary all new conversations')
    .option('--json', 'print one JSON object').addOption(urlOption())
    .addHelpText('after', `\nExample:\n  confab bot promote parcel${CODES}`)
    .action((bot: string | undefined, flags: Flags) => step(context, bot, flags, (desk, id) => desk.promote(id)));
}

export function rollbackCommand(context: CliContext): Command {
  return new Command('rollback').argument('[bot]', 'id of a bot; default: the only one that is deployed')
    .description('take the canary back or, without one, go back to the version before')
    .option('--to <version>', 'another version that is kept, or "files": what each node has in CONFAB_BOTS_DIR', target)
    .option('--json', 'print one JSON object').addOption(urlOption())
    .addHelpText('after', `\nConversations that are under way with the version that is left move to the one that is live.\n\nExamples:\n  confab bot rollback\n  confab bot rollback parcel --to 3f2a\n  confab bot rollback parcel --to files${CODES}`)
    .action((bot: string | undefined, flags: Flags) => step(context, bot, flags, (desk, id) => desk.rollback(id, flags.to)));
}

function target(value: string): string {
  if (!/^([0-9a-f]{4,16}|files)$/.test(value)) throw new InvalidArgumentError('Use a version, or at least 4 of its digits, or "files".');
  return value;
}

async function step(context: CliContext, wanted: string | undefined, { json, url }: Flags, run: (desk: RolloutDesk, botId: string) => Promise<Written>): Promise<void> {
  const desk = await openDesk(context, url);
  try {
    const botId = onlyBot((await desk.bots()).map(({ id }) => id), wanted);
    const { said, written } = await run(desk, botId);
    context.stdout.write(json === true ? `${JSON.stringify({ botId, said, written })}\n` : `${said}\n`);
  } finally {
    await desk.close();
  }
}
