/** `confab start`: runs the pipeline, or some of its roles, until it is told to stop. */
import { Command, Option } from 'commander';
import { loadConfig, type Config } from '../platform/config.js';
import { ConfabError } from '../platform/errors.js';
import { packageVersion } from '../platform/package-root.js';
import { banner } from './banner.js';
import { EXIT, type CliContext } from './context.js';
import { suggestion } from './terminal.js';

/** A started process, as far as the command needs it. */
export interface Started {
  readonly url: string;
  /** Resolves when every part can do its job. */
  readonly ready: Promise<void>;
  /** Resolves with the exit code once it has stopped. */
  readonly ended: Promise<number>;
  /** Called once the user has been told. */
  readonly announced?: () => void;
}

const collect = (value: string, earlier: string[]): string[] => [...earlier, value];

/** @param run makes the process; main.ts brings it, because it chooses the adapters */
export function startCommand(context: CliContext, roles: readonly string[], run: (config: Config) => Promise<Started>): Command {
  return new Command('start').description('run the whole pipeline in one process, or the named roles of it')
    .addOption(new Option('--role <role>', `run only this role (repeatable): ${roles.join(', ')}; needs Kafka`).argParser(collect).default([], 'all of them'))
    .addHelpText('after', '\nExamples:\n  confab start\n  CONFAB_KAFKA_BROKERS=kafka:9092 CONFAB_REDIS_URL=redis://redis:6379 confab start --role intent --role dialogue\n\nExit codes: 0 stopped in order (SIGTERM, Ctrl-C), 1 it could not start or stop, 64 wrong command line.')
    .action(async ({ role }: { role: string[] }) => {
      const unknown = role.find((name) => !roles.includes(name));
      if (unknown !== undefined) throw new ConfabError('CONFAB_USAGE', { detail: `There is no role "${unknown}".${suggestion(unknown, roles)} There are ${roles.join(', ')}.` });
      const [begun, startedAt] = [context.clock.monotonic(), context.clock.now()];
      const config = loadConfig(context.env, { roles: role });
      const started = await run(config);
      const ended = await Promise.race([started.ready.then(() => false), started.ended.then(() => true)]);
      if (!ended) {
        context.stdout.write(banner({ version: packageVersion(), startedAt, millis: context.clock.monotonic() - begun, config, url: started.url, folder: process.cwd() }));
        started.announced?.();
      }
      context.exitCode(await started.ended === 0 ? EXIT.ok : EXIT.failed);
    });
}
