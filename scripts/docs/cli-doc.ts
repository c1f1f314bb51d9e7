/** Makes docs/cli.md from the commands themselves: their help is the reference. */
import { Readable } from 'node:stream';
import type { Command } from 'commander';
import type { CliContext } from '../../cli/context.js';
import { wholeProgram } from '../../cli/program.js';
import { startCommand } from '../../cli/start.js';
import { systemClock } from '../../platform/clock.js';
import { loadConfig } from '../../platform/config.js';
import { seededRandom } from '../../platform/random.js';
import { topology } from '../../topology/topology.js';

const WIDTH = 110;

/** Every command, with `start`, which main.ts brings. Nothing is run. */
export async function everyCommand(): Promise<Command> {
  const nothing = { write: () => undefined };
  const roles = ['ingress', ...Object.keys(topology.stages), 'egress'];
  const context: CliContext = {
    env: {}, clock: systemClock, random: seededRandom(1), stdin: Readable.from([]), stdout: nothing, stderr: nothing, interrupted: () => new AbortController().signal,
    config: () => loadConfig({}), exitCode: () => undefined,
    commands: [{ name: 'start', description: '', load: (own) => Promise.resolve(startCommand(own, roles, () => Promise.reject(new Error('the reference starts nothing')))) }],
  };
  return wholeProgram(context);
}

/** The help of a command as it is printed. */
export function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({ writeOut: (part) => { text += part; }, getOutHelpWidth: () => WIDTH, getOutHasColors: () => false });
  command.outputHelp();
  return text.trimEnd();
}

/** Of a command and all below it that do something. */
export function commandsBelow(command: Command, path: readonly string[] = []): { path: readonly string[]; command: Command }[] {
  return command.commands.filter((child) => child.name() !== 'help').flatMap((child) => {
    const own = [...path, child.name()];
    return [{ path: own, command: child }, ...commandsBelow(child, own)];
  });
}

/** The whole text of docs/cli.md. */
export async function cliDoc(): Promise<string> {
  const program = await everyCommand();
  const section = (title: string, command: Command): string => `${title}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`;
  const all = commandsBelow(program);
  const index = all.filter(({ path }) => path.length === 1).map(({ path: [name = ''], command }) => `| [${name}](#confab-${name}) | ${command.description()} |`);
  return `<!-- Made by \`npm run generate\` from the commands: do not edit. -->
# Command line

\`npx confab COMMAND\` in a clone, \`confab COMMAND\` where it is installed. Settings are environment variables ([config.md](config.md)); errors
are one line on standard error with a code of [errors.md](errors.md). What comes from data is harmless on a terminal: escape sequences,
control and direction characters are shown, not obeyed.

| command | |
| --- | --- |
${index.join('\n')}

| exit code | |
| --- | --- |
| 0 | done; also when the reader of a pipe has gone |
| 1 | failed, or found something wrong |
| 2 | \`topology plan --exit-code\`: something would change |
| 64 | wrong command line |
| 130 | interrupted by Ctrl-C |

${section('## confab', program)}
${all.map(({ path, command }) => section(`${'#'.repeat(path.length + 1)} confab ${path.join(' ')}`, command)).join('\n')}`;
}
