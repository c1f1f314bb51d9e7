import { Command } from 'commander';
import { packageVersion } from '../platform/package-root.js';
import type { CliContext } from './context.js';

/** `confab version` */
export function versionCommand({ stdout }: CliContext): Command {
  return new Command('version').description('print the version').addHelpText('after', '\nExample:\n  confab version').action(() => { stdout.write(`${packageVersion()}\n`); });
}
