import type { Command } from 'commander';
import { topology } from '../topology/topology.js';
import { logOf } from './log.js';
import { topologyCommand } from './topology.js';
import type { CliContext } from './context.js';

/** `confab topology …` with what this program brings. */
export function topologyEntry(context: CliContext): Command {
  return topologyCommand({
    topology,
    settings: () => {
      const { prefix, partitions, replicas } = context.config().pipeline;
      return { prefix, partitions, ...(replicas === undefined ? {} : { replicas }) };
    },
    openLog: () => logOf(context, 'write'),
    write: (text) => { context.stdout.write(text); },
    exitCode: (code) => { context.exitCode(code); },
  });
}
