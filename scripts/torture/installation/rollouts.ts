/**
 * Versions of the bot "clerk", deployed, promoted and rolled back by the program's own commands while everything is hurt. Each
 * says its label, so that what was said can be held against the version that the reply names.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkBot } from '../../../processors/bot/index.js';
import { CLERK } from './bots.js';
import { pauseUntil } from './wait.js';

/** What the clerk of the files says when it sets a reminder; a version adds its label. */
const SAYS = '  will: I will.';
const PATIENCE = 60_000;
const TRIES = 4;

export interface RolloutsOptions {
  readonly program: string;
  /** Of the installation. */
  readonly folder: string;
  /** Settings of a command. */
  readonly env: () => Readonly<Record<string, string>>;
}

export class Rollouts {
  /** What each version says; '' is that of the files. */
  readonly labels = new Map<string, string>();
  private count = 0;

  constructor(private readonly options: RolloutsOptions) {}

  /** To be asked for before the traffic: the version of the files. */
  async begin(): Promise<void> { this.labels.set(await versionOf(join(this.options.folder, 'bots', CLERK)), ''); }

  /** Deploys a new version to a share of the conversations, or to all. @throws Error when the command fails for longer than faults last */
  async deploy(share: string | undefined, ending: AbortSignal): Promise<void> {
    const label = `v${this.count += 1}`;
    const folder = join(this.options.folder, 'versions', label, CLERK);
    mkdirSync(folder, { recursive: true });
    const text = readFileSync(join(this.options.folder, 'bots', CLERK, 'bot.yaml'), 'utf8');
    if (!text.includes(SAYS)) throw new Error(`the clerk does not say "${SAYS.trim()}"`);
    writeFileSync(join(folder, 'bot.yaml'), text.replace(SAYS, `${SAYS} (${label})`));
    // Known before it can answer.
    this.labels.set(await versionOf(folder), ` (${label})`);
    await this.run(ending, 'deploy', folder, '--skip-tests', '--no-wait', ...(share === undefined ? [] : ['--canary', share]));
  }

  promote(ending: AbortSignal): Promise<void> { return this.run(ending, 'promote', CLERK); }
  rollBack(ending: AbortSignal): Promise<void> { return this.run(ending, 'rollback', CLERK); }

  /** Again when it failed: the log may be away for a while, and a step that is done already writes nothing. */
  private async run(ending: AbortSignal, ...words: string[]): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      const failed = await promisify(execFile)(process.execPath, [this.options.program, 'bot', ...words], {
        env: { PATH: process.env.PATH, HOME: process.env.HOME, ...this.options.env(), CONFAB_LOG_LEVEL: 'silent' }, timeout: PATIENCE, killSignal: 'SIGKILL',
      }).then(() => undefined, (error: { stderr?: string; message: string }) => (error.stderr ?? '').trim().split('\n').at(-1) ?? error.message);
      if (failed === undefined) return;
      if (tries === TRIES || ending.aborted) throw new Error(`confab bot ${words[0] ?? ''}: ${failed}`);
      await pauseUntil(1_000, ending);
    }
  }
}

async function versionOf(folder: string): Promise<string> {
  const { bot, faults } = await checkBot(folder);
  if (bot === undefined) throw new Error(`the clerk in ${folder} is faulty: ${faults[0]?.reason ?? ''}`);
  return bot.version;
}
