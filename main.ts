#!/usr/bin/env node
/** Composition root: the command line over the adapters that composition/ chooses. Nothing imports this file. */
import { startCommand, type Started } from './cli/start.js';
import { outputOf } from './cli/output.js';
import { runCli } from './cli/program.js';
import { openCodec, openKeptState, openLog, type Base } from './composition/infrastructure.js';
import { systemClock } from './platform/clock.js';
import type { Config } from './platform/config.js';
import { createLogger, type Logger } from './platform/observability/logger.js';
import { terminalLog } from './platform/observability/terminal-log.js';
import { systemRandom } from './platform/random.js';

const baseOf = (config: Config, quiet = false): Base => ({
  config, clock: systemClock, random: systemRandom,
  logger: createLogger({ level: quiet ? 'silent' : config.observability.logLevel, ...(config.roles.length > 0 ? { role: config.roles.join(',') } : {}) }),
});

async function start(config: Config): Promise<Started> {
  const { startProcess } = await import('./composition/process.js');
  let starting = true;
  const { lifecycle, url } = await startProcess({ ...baseOf(config), logger: loggerOf(config, () => starting) });
  const ready = (async () => { while (!lifecycle.readiness().ready) await systemClock.sleep(20); })();
  return { url, ready, ended: lifecycle.ended, announced: () => { starting = false; } };
}

/** JSON for machines, readable lines for a terminal; there a start says what it has to say in its banner. */
function loggerOf(config: Config, starting: () => boolean): Logger {
  const { logLevel, logFormat } = config.observability;
  const options = { level: logLevel, ...(config.roles.length > 0 ? { role: config.roles.join(',') } : {}) };
  const isTTY = process.stdout.isTTY === true;
  if (logFormat === 'json' || (logFormat === 'auto' && !isTTY)) return createLogger(options);
  const details = logLevel === 'debug' || logLevel === 'trace';
  return createLogger(options, terminalLog({ write: (text) => { process.stdout.write(text); }, colour: isTTY && !process.env.NO_COLOR, stacks: details, hush: () => starting() && !details }));
}

const code = await runCli(process.argv.slice(2), {
  env: process.env, stdout: outputOf(process.stdout), stderr: outputOf(process.stderr), clock: systemClock, random: systemRandom,
  commands: [{
    name: 'start', description: 'run the whole pipeline in one process, or the named roles of it',
    load: async (context) => startCommand(context, (await import('./composition/process.js')).ROLES, start),
  }],
  openLog: (config, mode) => openLog(baseOf(config, true), { readOnly: mode === 'read' }),
  openState: (config, log) => openKeptState(baseOf(config, true), log),
  openCodec: (config) => openCodec(baseOf(config, true)),
});
// Pipes are written behind our back: an exit would cut off what has not left yet.
await Promise.all([process.stdout, process.stderr].map((stream) => new Promise<void>((resolve) => {
  if (stream.destroyed || !stream.writable) resolve(); else stream.write('', () => { resolve(); });
})));
process.exit(code);
