import { Command } from 'commander';
import { describeConfig, loadConfig } from '../platform/config.js';
import type { CliContext } from './context.js';
import { harmless } from './terminal.js';

/** `confab config`: the settings that a process would use, checked as `confab start` checks them, secrets masked. */
export function configCommand({ env, stdout }: CliContext): Command {
  return new Command('config').description('print the settings that a process would use; secrets are masked')
    .option('--json', 'print one JSON object')
    .option('--changed', 'leave out what has its default')
    .option('--role <role...>', 'check for these roles')
    .addHelpText('after', '\nSettings are environment variables (docs/config.md). They are checked as `confab start` checks them.\n\nExamples:\n  confab config --changed\n  CONFAB_HTTP_PORT=9000 confab config --json | jq -r .CONFAB_HTTP_PORT\n  confab config --role ingress --role egress\n\nExit codes: 0 sound, 1 a setting is wrong, 64 wrong command line.')
    .action(({ json, changed, role }: { json?: boolean; changed?: boolean; role?: string[] }) => {
      const described = describeConfig(loadConfig(env, { roles: role ?? [] })).filter(({ isDefault }) => !changed || !isDefault);
      if (json) { stdout.write(`${JSON.stringify(Object.fromEntries(described.map(({ name, value }) => [name, value ?? null])))}\n`); return; }
      const width = Math.max(0, ...described.map(({ name }) => name.length));
      for (const { name, value, isDefault } of described) {
        stdout.write(`${name.padEnd(width)}  ${harmless(value ?? '-')}${isDefault ? '' : '  (set)'}\n`);
      }
    });
}
