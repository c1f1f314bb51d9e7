/**
 * Bots whose files may be edited while the process runs: what is saved is read, checked and trained in a process of its own
 * and, when it is without fault, used from the next message on. A faulty one is refused, file, line and reason are logged,
 * and the version before goes on. A bot whose folder is gone goes on too, until the process is started anew: messages of its
 * conversations must not become dead letters because a folder is moved.
 */
import { extname } from 'node:path';
import type { Clock } from '../../platform/clock.js';
import type { Component } from '../../platform/lifecycle.js';
import type { Logger } from '../../platform/observability/logger.js';
import { SwappableBots, type Bot, type Fault } from '../../processors/bot/index.js';
import { ChildJobs } from './child-job.js';
import { FolderWatch } from './folder-watch.js';
import type { BotReading, ReadRequest } from './read-bots.js';
import type { ReadJob } from './read-process.js';

export interface HotBotsOptions {
  /** The folder of bots. */
  readonly root: string;
  /** Folder of the model cache. */
  readonly models: string;
  readonly load: (root: string) => Promise<readonly Bot[]>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Reads in a process of its own by default; tests may read in their own way. */
  readonly read?: (request: ReadRequest) => Promise<readonly BotReading[]>;
  readonly settleMillis?: number;
  readonly lookMillis?: number;
}

/** A fault in one file makes others: the first ones say what to mend. */
const MOST_FAULTS = 5;

export class HotBots implements Component {
  readonly name = 'bots';
  readonly bots = new SwappableBots([]);
  private readonly watch: FolderWatch;
  private reading: Promise<void> | undefined;
  private changedMeanwhile = false;
  private stopped = false;
  /** From source the file is .ts, in dist .js. */
  private readonly jobs = new ChildJobs<ReadJob, readonly BotReading[]>(new URL(`./read-process${extname(import.meta.url)}`, import.meta.url), 'reads bots');

  private constructor(private readonly options: HotBotsOptions) {
    const { root: folder, clock, settleMillis, lookMillis } = options;
    this.watch = new FolderWatch({ folder, clock, onChange: () => { this.changed(); }, ...(settleMillis === undefined ? {} : { settleMillis }), ...(lookMillis === undefined ? {} : { lookMillis }) });
  }

  /** @throws CONFAB_BOT_INVALID the bots are faulty at the start */
  static async open(options: HotBotsOptions): Promise<HotBots> {
    const hot = new HotBots(options);
    try {
      // Before the files are read: what is written meanwhile counts as a change.
      await hot.watch.prime();
      for (const bot of await options.load(options.root)) hot.bots.replace(bot);
      return hot;
    } catch (error) {
      await hot.watch.close();
      throw error;
    }
  }

  start(): void { this.watch.start(); }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.watch.close();
    this.jobs.stop();
    await this.reading;
  }

  private changed(): void {
    if (this.reading !== undefined) { this.changedMeanwhile = true; return; }
    this.reading = this.readAgain().finally(() => {
      this.reading = undefined;
      const again = this.changedMeanwhile && !this.stopped;
      this.changedMeanwhile = false;
      if (again) this.changed();
    });
  }

  private async readAgain(): Promise<void> {
    const { clock, logger, root } = this.options;
    const begun = clock.monotonic();
    try {
      const known = Object.fromEntries(this.bots.all().flatMap(({ id }) => { const file = this.bots.file(id); return file === undefined ? [] : [[id, file.version]]; }));
      const readings = await (this.options.read ?? ((request) => this.jobs.run({ ...request, models: this.options.models })))({ root, known });
      if (this.stopped) return;
      for (const { folder, bot, faults } of readings) {
        if (bot === undefined) { this.refuse(folder, faults); continue; }
        const isNew = this.bots.versions(bot.id).length === 0;
        this.bots.replace(bot);
        if (this.bots.versions(bot.id)[0] !== bot) { logger.warn({ bot: bot.id, version: bot.version }, `the bot "${bot.id}" has changed, but a deployed version of it is live: conversations do not begin with the files (confab bot rollback ${bot.id} --to files)`); continue; }
        logger.info({ bot: bot.id, version: bot.version, millis: Math.round(clock.monotonic() - begun) }, isNew ? `the new bot "${bot.id}" can be used` : `the bot "${bot.id}" has changed and is used from now on`);
      }
    } catch (error) {
      if (!this.stopped) logger.error({ err: error }, 'bots that changed could not be read; those before go on');
    }
  }

  /** One line a fault, for a person who has just saved the file. */
  private refuse(folder: string, faults: readonly Fault[]): void {
    const { logger } = this.options;
    for (const { file, line, column, reason } of faults.slice(0, MOST_FAULTS)) logger.warn(`${folder}/${file}:${line}:${column}: ${reason}`);
    const more = faults.length > MOST_FAULTS ? `${faults.length - MOST_FAULTS} more faults; ` : '';
    logger.warn(`${more}the folder "${folder}" is not used as it is now; what was used before goes on`);
  }
}
