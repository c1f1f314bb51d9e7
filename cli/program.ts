/** The command line: which commands there are, how errors and exit codes come out. */
import { Command, CommanderError } from 'commander';
import { loadConfig } from '../platform/config.js';
import { ConfabError } from '../platform/errors.js';
import { packageVersion } from '../platform/package-root.js';
import { EXIT, type CliContext, type CliDependencies, type CommandEntry } from './context.js';
import { errorText, harmless, hasColour, suggestion } from './terminal.js';

/** Commands of every build; main.ts adds `start`. */
const COMMANDS: readonly CommandEntry[] = [
  { name: 'chat', description: 'talk with the bot in the terminal', load: async (context) => (await import('./chat.js')).chatCommand(context) },
  { name: 'demo', description: '500 conversations, a kill -9 in the middle, and the proof that nothing was lost', load: async (context) => (await import('./demo.js')).demoCommand(context) },
  { name: 'replay', description: 'send recorded dialogues through a running pipeline and judge the outcomes', load: async (context) => (await import('./replay.js')).replayCommand(context) },
  { name: 'topology', description: 'the declared topics and stages: check, show, compare with the log, apply', load: async (context) => (await import('./topology-entry.js')).topologyEntry(context) },
  { name: 'bot', description: 'bots: check, lint, test, record, train, evaluate, deploy, promote, rollback, versions, diff', load: async (context) => (await import('./bot.js')).botCommand(context) },
  { name: 'settings', description: 'flags and settings that change while nodes run', load: async (context) => (await import('./settings.js')).settingsCommand(context) },
  { name: 'revoke', description: 'refuse tokens before they end, on every node', load: async (context) => (await import('./revoke.js')).revokeCommand(context) },
  { name: 'produce', description: 'write records to a topic from JSON lines', load: async (context) => (await import('./produce.js')).produceCommand(context) },
  { name: 'dead-letters', description: 'what stages could not process: list, show, retry, discard', load: async (context) => (await import('./dead-letters.js')).deadLettersCommand(context) },
  { name: 'rebuild', description: 'make what is kept beside the log again from the log, or compare it', load: async (context) => (await import('./rebuild.js')).rebuildCommand(context) },
  { name: 'conversation', description: 'print the whole story of one conversation, across topics', load: async (context) => (await import('./conversation.js')).conversationCommand(context) },
  { name: 'tail', description: 'print the records of a topic, decoded', load: async (context) => (await import('./tail.js')).tailCommand(context) },
  { name: 'audit', description: 'whether every accepted message has exactly one outcome, in order', load: async (context) => (await import('./audit.js')).auditCommand(context) },
  { name: 'lag', description: 'print how far each stage is behind', load: async (context) => (await import('./lag.js')).lagCommand(context) },
  { name: 'config', description: 'print the settings that a process would use', load: async (context) => (await import('./config.js')).configCommand(context) },
  { name: 'version', description: 'print the version', load: async (context) => (await import('./version.js')).versionCommand(context) },
];

const EPILOGUE = `
Examples:
  confab start                          the whole pipeline in this terminal
  confab conversation demo --follow     what became of each message
  confab tail replies.v1 --from 10m     the replies of the last ten minutes
  confab help dead-letters              more about one command

Exit codes: 0 done, 1 failed or found something wrong, 2 topology plan --exit-code has changes, 64 wrong command line, 130 interrupted.
Settings are environment variables, see docs/config.md. Colours come on a terminal: NO_COLOR=1 turns them off, FORCE_COLOR=1 on.
Into a pipe nothing is written but the data: no colours, no progress.`;

/**
 * Runs one command line (without node and script) and resolves with the exit code. Never rejects: errors are printed on
 * stderr, in one line each.
 */
export async function runCli(argv: readonly string[], dependencies: CliDependencies): Promise<number> {
  const { env, stderr } = dependencies;
  let code: number = EXIT.ok;
  const context: CliContext = {
    ...dependencies,
    // Not touched before a command reads it: a standard input that is opened keeps a process awake.
    get stdin() { return dependencies.stdin ?? process.stdin; },
    interrupted: dependencies.interrupted ?? sigint,
    config: () => loadConfig(env, { serving: false }),
    exitCode: (wanted) => { code = wanted; },
  };
  try {
    const program = await buildProgram(argv, context);
    await program.parseAsync([...argv], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return code;
    // Ctrl-C ends what a command waits for; that it could not finish is no news then.
    if (code === EXIT.interrupted) return code;
    // A command of which only the subcommands do something: its help has been printed.
    if (error instanceof CommanderError && error.code === 'commander.help') return EXIT.usage;
    const shown = error instanceof CommanderError ? usageError(error) : error;
    stderr.write(errorText(shown, { colour: hasColour(stderr, env), stack: env.CONFAB_LOG_LEVEL === 'debug' || env.CONFAB_LOG_LEVEL === 'trace' }));
    return shown instanceof ConfabError && shown.code === 'CONFAB_USAGE' ? EXIT.usage : EXIT.failed;
  }
}

/** The program with the command of `argv` loaded; of the others only names and descriptions. */
async function buildProgram(argv: readonly string[], context: CliContext): Promise<Command> {
  const entries = [...context.commands ?? [], ...COMMANDS];
  const program = bareProgram();
  const wanted = argv.find((word) => !word.startsWith('-') && word !== 'help');
  for (const entry of entries) {
    program.addCommand(entry.name === wanted ? await entry.load(context) : new Command(entry.name).description(entry.description));
  }
  if (wanted !== undefined && !entries.some(({ name }) => name === wanted)) {
    throw new ConfabError('CONFAB_USAGE', { detail: `There is no command "${wanted}".${suggestion(wanted, entries.map(({ name }) => name))}` });
  }
  program.action(() => { program.outputHelp(); });
  settle(program, context);
  return program;
}

/** The whole program with every command loaded, for the reference (docs/cli.md). */
export async function wholeProgram(context: CliContext): Promise<Command> {
  const program = bareProgram();
  for (const entry of [...context.commands ?? [], ...COMMANDS]) program.addCommand(await entry.load(context));
  settle(program, context);
  return program;
}

function bareProgram(): Command {
  return new Command('confab').description('A streaming conversation pipeline on an event log.')
    .version(packageVersion(), '-V, --version', 'print the version').addHelpText('after', EPILOGUE).showHelpAfterError(false).helpCommand(true);
}

/** Every command writes to our outputs, throws instead of exiting and leaves errors to `runCli`. */
function settle(command: Command, context: CliContext): void {
  command.exitOverride().configureOutput({
    writeOut: (text) => { context.stdout.write(text); },
    writeErr: (text) => { context.stderr.write(text); },
    outputError: () => undefined,
    getOutHasColors: () => hasColour(context.stdout, context.env),
    getErrHasColors: () => hasColour(context.stderr, context.env),
  });
  for (const child of command.commands) settle(child, context);
}

function usageError(error: CommanderError): ConfabError {
  const said = harmless(error.message.replace(/^error: /, '').replaceAll('\n', ' ')).replace(/\.$/, '');
  return new ConfabError('CONFAB_USAGE', { detail: `${said.slice(0, 1).toUpperCase()}${said.slice(1)}.` });
}

function sigint(): AbortSignal {
  const controller = new AbortController();
  process.once('SIGINT', () => { controller.abort(new Error('interrupted')); });
  return controller.signal;
}
