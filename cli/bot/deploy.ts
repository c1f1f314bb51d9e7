/** `confab bot deploy`: checks, tests and packs the folder of a bot and puts it on the log. */
import { join } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { modelsOf } from '../../inspect/bot-diff/models.js';
import { readSubject, runTests } from '../../inspect/bot-tests/index.js';
import { packModels } from '../../operate/rollout/model-parts.js';
import { packFiles } from '../../operate/rollout/pack.js';
import { ConfabError } from '../../platform/errors.js';
import { checkBot, Faults, readBotFiles, type Bot } from '../../processors/bot/index.js';
import { EXIT, type CliContext } from '../context.js';
import { openDesk } from '../rollout/desk.js';
import { arrivals, type Arrival } from '../rollout/wait.js';
import { baseUrl } from '../server-url.js';
import { harmless, painter } from '../terminal.js';
import { faultLine } from './faults.js';
import { foldersOf } from './folders.js';
import { failureText, summaryLine } from './test-text.js';

interface Flags { canary?: number; skipTests?: boolean; json?: boolean; url?: string; wait: boolean }

const ABOUT = `
Checks the folder, runs the dialogues of its tests/*.yml, packs it and writes it to bots.v1. Every node makes it ready beside
its work and uses it then, or says why not; the command waits for them. Without --canary all new conversations get it; those
under way go on as its \`versions\` says. On the embedded log this goes through the running process.

Examples:
  confab bot deploy bots/parcel
  confab bot deploy bots/parcel --canary 10%
  confab bot deploy parcel --json | jq .version

Exit codes: 0 it is on the log and no node refuses it, 1 the bot is faulty, a test fails, or a node refuses it, 64 wrong command line.`;

/** `10%` or `0.1`: more than nothing, at most all. */
export function shareOption(value: string): number {
  const found = /^(\d{1,3}(?:\.\d{1,3})?)%$/.exec(value);
  const share = found ? Number(found[1]) / 100 : /^[01](?:\.\d{1,5})?$/.test(value) ? Number(value) : NaN;
  if (!(share > 0 && share <= 1)) throw new InvalidArgumentError('Use a share such as 10% or 0.1.');
  return share;
}

export const urlOption = (): Option => new Option('--url <url>', 'the server to go through; default: Kafka itself, else CONFAB_URL or the local server').argParser(baseUrl);

export function deployCommand(context: CliContext): Command {
  return new Command('deploy').argument('<bot>', 'folder of a bot, or the name of one in CONFAB_BOTS_DIR')
    .description('check and test a bot and give it to every node, without a restart')
    .option('--canary <share>', 'only this share of new conversations gets it, such as 10%', shareOption)
    .option('--skip-tests', 'deploy without running its tests')
    .option('--no-wait', 'do not wait for the nodes')
    .option('--json', 'print one JSON object').addOption(urlOption())
    .addHelpText('after', ABOUT)
    .action((bot: string, flags: Flags) => deploy(context, bot, flags));
}

async function deploy(context: CliContext, wanted: string, flags: Flags): Promise<void> {
  const { stdout, stderr } = context;
  const [folder = wanted] = await foldersOf(context.config().pipeline.botsDir, wanted);
  const bot = await checked(context, folder);
  if (bot === undefined) { context.exitCode(EXIT.failed); return; }
  if (flags.skipTests === true) stderr.write(`warning: the tests of ${bot.id} were NOT run (--skip-tests)\n`);
  else if (!await tested(context, folder, bot)) { context.exitCode(EXIT.failed); return; }
  const files = packFiles(await readBotFiles(folder, new Faults()));
  const desk = await openDesk(context, flags.url);
  try {
    const models = desk.takesModels ? packModels(modelsOf(bot, join(context.config().pipeline.dataDir, 'models'))) : [];
    const { said, written } = await desk.deploy({ botId: bot.id, version: bot.version, files, share: flags.canary, models });
    if (flags.json !== true) stdout.write(`${said} (${files.length} bytes)\n`);
    const nodes = flags.wait ? await arrivals(context, desk, { botId: bot.id, version: bot.version, state: flags.canary === undefined ? 'current' : 'canary' }) : undefined;
    if (nodes?.some(({ state }) => state === 'refused') === true) context.exitCode(EXIT.failed);
    if (flags.json === true) stdout.write(`${JSON.stringify({ botId: bot.id, version: bot.version, share: flags.canary ?? 1, bytes: files.length, written, said, nodes: nodes ?? null })}\n`);
    else if (flags.wait) stdout.write(arrivalText(nodes));
  } finally {
    await desk.close();
  }
}

export function arrivalText(nodes: readonly Arrival[] | undefined): string {
  if (nodes === undefined) return 'no server could be asked what the nodes do (--url); see the log of each and the metric confab_bot_version_info\n';
  if (nodes.length === 0) return 'no node says that it runs bots\n';
  return nodes.map(({ roles, host, state, reason }) => harmless(`  ${roles.join(',')} on ${host}: ${state}${reason === null ? '' : `: ${reason}`}`) + '\n').join('');
}

async function checked({ stderr }: CliContext, folder: string): Promise<Bot | undefined> {
  const { bot, faults } = await checkBot(folder);
  for (const fault of faults) stderr.write(`${faultLine(folder, 'error', fault)}\n`);
  return bot;
}

/** A bot without tests is deployed, but not without a word. */
async function tested(context: CliContext, folder: string, bot: Bot): Promise<boolean> {
  const { stderr, clock, env } = context;
  const paint = painter(stderr, env);
  const begun = clock.monotonic();
  const run = await runTests(await readSubject(folder), { modelsFolder: join(context.config().pipeline.dataDir, 'models') });
  for (const fault of run.faults) stderr.write(`${faultLine(folder, 'error', fault)}\n`);
  for (const outcome of run.outcomes) for (const failure of outcome.failures) stderr.write(failureText(folder, outcome, failure, paint));
  if (run.faults.length > 0 || run.outcomes.some(({ status }) => status === 'failed')) {
    stderr.write(`${summaryLine(bot.id, run, clock.monotonic() - begun, paint)}nothing was deployed\n`);
    return false;
  }
  if (run.outcomes.length === 0) stderr.write(`warning: ${bot.id} has no tests (docs/bots-testing.md)\n`);
  return true;
}

/** @throws CONFAB_BOT_UNKNOWN */
export function onlyBot(ids: readonly string[], wanted: string | undefined): string {
  if (wanted !== undefined) return wanted;
  const [only, ...others] = ids;
  if (only !== undefined && others.length === 0) return only;
  throw new ConfabError('CONFAB_BOT_UNKNOWN', { detail: only === undefined ? 'No bot is deployed.' : `Name one of the deployed bots: ${ids.join(', ')}.` });
}
